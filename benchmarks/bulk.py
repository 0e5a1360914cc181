"""What `mobile-style bulk` costs beside `stylize`: seconds, seconds of the processor, and memory.

    python benchmarks/bulk.py [--photos 500] [--side 256] [--megapixels 12] [--frames 60] [--ray]

The photos are crops of the bundled ones, all different. Each command is a process of its own; the processor's time is
of it and of its workers, and is the one to compare where other work shares the machine. The time of a command on one
photo is taken off, so that what is left is the work itself. Prints a Markdown table, and the figures that
benchmarks/bulk_cost.py takes.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from wall import write_video  # benchmarks/wall.py

from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos

MODEL = "udnie"
COMMAND = (sys.executable, "-m", "mobile_style")
# A small process in between: what a process starts with counts as its memory, and that of this one is large.
LAUNCHER = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(status != 0)
"""


def run(*arguments: object) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, of a command and all that it starts, and the most MiB of any of these."""
    launched = [sys.executable, "-I", "-S", "-c", LAUNCHER, *COMMAND, *map(str, arguments)]
    done = subprocess.run(launched, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    wall, cpu, memory = map(float, done.stdout.split())
    return wall, cpu, memory


def write_photos(folder: Path, count: int, height: int, width: int) -> None:
    """Crops of the bundled photos, enlarged where they have to be."""
    rng = np.random.default_rng(0)
    sources = [images.load(path) for path in images.find([bundled_photos("held_out")])]
    folder.mkdir()
    for number in range(count):
        photo = sources[number % len(sources)]
        share = rng.uniform(0.7, 1.0)
        rows, columns = (int(length * share) for length in photo.shape[:2])
        top, left = rng.integers(photo.shape[0] - rows + 1), rng.integers(photo.shape[1] - columns + 1)
        crop = Image.fromarray(photo[top : top + rows, left : left + columns]).resize((width, height))
        crop.save(folder / f"{number:05d}.jpg", quality=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--side", type=int, default=256, help="shorter side of these")
    parser.add_argument("--megapixels", type=int, default=12, help="of a large photo; 0 for none")
    parser.add_argument("--frames", type=int, default=60, help="of a video of 640 x 360; 0 for none")
    parser.add_argument("--ray", action="store_true")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}\n")
    print("| work | command | seconds | of the processor | each, of the processor | peak of a process, MiB |")
    print("|---|---|---|---|---|---|")
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_photos(folder / "start", 1, 64, 64)
        write_photos(folder / "small", arguments.photos, arguments.side, arguments.side * 4 // 3)
        works = [
            (f"{arguments.photos} photos of {arguments.side * 4 // 3} x {arguments.side}", "small", arguments.photos)
        ]
        if arguments.megapixels:
            height = int((arguments.megapixels * 750_000) ** 0.5)
            write_photos(folder / "large", 2, height, height * 4 // 3)
            works.append((f"2 photos of {arguments.megapixels} megapixels", "large", 2))
        if arguments.frames:
            (folder / "video").mkdir()
            photo = Image.open(bundled_photos("held_out") / "roman_colosseum.jpg").convert("RGB")
            write_video(photo, folder / "video" / "pan.mp4", arguments.frames, 640, 360)
            works.append((f"a video, {arguments.frames} frames of 640 x 360", "video", arguments.frames))
        commands: dict[str, tuple[object, ...]] = {
            "stylize": ("stylize", "--precision", "float", "--out"),
            "bulk --workers 1": ("bulk", "--workers", 1),
            "bulk": ("bulk",),
        }
        if arguments.ray:
            commands["bulk --ray local"] = ("bulk", "--ray", "local")
        for label, command in commands.items():
            for work, place, count in [("(one photo of 64 x 64)", "start", 1), *works]:
                out = folder / f"{label}-{place}"
                first, *flags = command
                named = [first, folder / place, "--model", MODEL, *flags, f"{out}/"]
                if first == "bulk":
                    named = [first, folder / place, out, "--model", MODEL, *flags]
                wall, cpu, memory = run(*named)
                if place == "start":
                    idle = cpu
                each = "" if place == "start" else f"{(cpu - idle) / count:.3f}"
                print(f"| {work} | {label} | {wall:.1f} | {cpu:.1f} | {each} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
