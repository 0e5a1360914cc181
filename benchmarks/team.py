"""Data-parallel training on this machine: speed and losses of processes that share a batch (JAX on the CPU).

    python benchmarks/team.py [--layouts 1x1,1x2,2x1,4x1] [--batch-size 4] [--image-size 128] [--preset small]

A layout is processes x cores of each; processes are bound to their cores, and share them where there are too few. All
train the same network on the same crops. Speed is that of the steps after the first five, which compile; efficiency is
speed divided by that of the first layout and by the cores that are used. Losses are compared over the first 20 steps
with those of the first layout. Prints a Markdown table.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from mobile_style.network.catalog import bundled_photos
from mobile_style.training.dataset import build

COMPILING, COMPARED = 5, 20  # steps
STEPS = 34  # of which more than those compared are rough: the fine phase rounds, which makes much of the last bits


def train(folder: Path, name: str, layout: tuple[int, int], flags: list[str]) -> tuple[list[float], float]:
    """The losses of the compared steps, and the seconds of those after the first ones."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{listening.getsockname()[1]}"
    processes, cores = layout
    shared = ["--coordinator", place, "--processes", str(processes)] if processes > 1 else []
    started, available = [], sorted(os.sched_getaffinity(0))
    for index in range(processes):
        bound = {available[(index * cores + core) % len(available)] for core in range(cores)}
        own = ["--process", str(index)] if shared else []
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "mobile_style", "train", "--out", name, *flags, *shared, *own],
                cwd=folder,
                env=os.environ | {"KERAS_BACKEND": "jax", "JAX_COMPILATION_CACHE_DIR": str(folder / "cache")},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=lambda bound=bound: os.sched_setaffinity(0, bound),
            )
        )
    log, reached = folder / name / "log.jsonl", {}
    while len(reached) < 2:
        if any(process.poll() not in (None, 0) for process in started):
            raise SystemExit(f"{name} ended: {[process.communicate()[1][-300:] for process in started]}")
        done = log.read_text().count("\n") if log.exists() else 0
        for step in (COMPILING, COMPARED):
            if done >= step and step not in reached:
                reached[step] = time.perf_counter(), done
        time.sleep(0.005)
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (began, first), (ended, last) = reached[COMPILING], reached[COMPARED]
    losses = [json.loads(line)["total"] for line in log.read_text().splitlines()[:COMPARED]]
    return losses, (ended - began) / (last - first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layouts", default="1x1,1x2,2x1,4x1")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    layouts = [(int(processes), int(cores)) for processes, cores in re.findall(r"(\d+)x(\d+)", arguments.layouts)]
    sizes = ["--batch-size", str(arguments.batch_size), "--image-size", str(arguments.image_size)]
    flags = [
        "--style",
        "starry_night",
        "--content",
        "content",
        "--preset",
        arguments.preset,
        "--steps",
        str(STEPS),
        *sizes,
    ]
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}, {arguments.rounds} rounds\n")
    with TemporaryDirectory() as name:
        folder = Path(name)
        build([bundled_photos("train")], folder / "content", 256)
        losses: dict[tuple[int, int], list[float]] = {}
        speeds: dict[tuple[int, int], list[float]] = {layout: [] for layout in layouts}
        for number in range(arguments.rounds):
            for layout in layouts:
                losses[layout], seconds = train(folder, f"{layout}-{number}", layout, flags)
                speeds[layout].append(arguments.batch_size / seconds)
    print(
        "| processes x cores of each | images a second | efficiency | largest difference of a loss |\n"
        + 4 * "|---"
        + "|"
    )
    first = layouts[0]
    for layout in layouts:
        each = sorted(speeds[layout])
        median, base = each[len(each) // 2], sorted(speeds[first])[len(each) // 2]
        used = min(layout[0] * layout[1], len(os.sched_getaffinity(0))) / (first[0] * first[1])
        apart = max(abs(one / other - 1) for one, other in zip(losses[layout], losses[first], strict=True))
        label = f"{layout[0]} x {layout[1]}"
        print(f"| {label} | {median:.2f} ({each[0]:.2f}-{each[-1]:.2f}) | {median / base / used:.0%} | {apart:.1e} |")


if __name__ == "__main__":
    main()
