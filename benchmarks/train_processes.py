"""What a training step costs when several processes of this machine share it: JAX on the CPU.

    python benchmarks/train_processes.py [--processes 1,2] [--batch-size 4] [--image-size 192] [--steps 12]

Each number of processes trains the same global batch; as many cores as there are processes are used, one each. The
processor's time of all processes together is read between two steps of the rough phase, after compiling, and is the one
to compare where other work shares the machine. Prints a Markdown table.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

FIRST = 3  # steps before it is measured


def processor_seconds(processes: list[subprocess.Popen]) -> float:
    """Of processes that are running (proc(5): fields 14 and 15 of stat, after the name, which ends in a bracket)."""
    told = [Path(f"/proc/{each.pid}/stat").read_text().rpartition(")")[2].split() for each in processes]
    return sum(int(fields[11]) + int(fields[12]) for fields in told) / os.sysconf("SC_CLK_TCK")


def measure(count: int, given: argparse.Namespace, folder: Path) -> tuple[float, float]:
    """Seconds, and seconds of the processor, of a step."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    out, steps = folder / str(count), 2 * (FIRST + given.steps)
    command = [sys.executable, "-m", "mobile_style", "train", "--out", str(out), "--steps", str(steps)]
    command += ["--batch-size", str(given.batch_size), "--image-size", str(given.image_size)]
    command += ["--checkpoint-every", "10000", "--preview-every", "10000"]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    processes = []
    for number in range(count):
        layout = ["--coordinator", f"127.0.0.1:{port}", "--processes", str(count), "--process", str(number)]
        processes.append(
            subprocess.Popen(
                [*command, *(layout if count > 1 else [])],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    try:
        found = []
        for line in (FIRST, FIRST + given.steps):
            while not (out / "log.jsonl").exists() or (out / "log.jsonl").read_text().count("\n") < line:
                if any(each.poll() is not None for each in processes):
                    raise SystemExit("a training ended early; the same command without this script tells why")
                time.sleep(0.02)
            found.append((time.perf_counter(), processor_seconds(processes)))
    finally:
        for each in processes:
            each.kill()
        for each in processes:
            each.wait()
    (began, before), (ended, after) = found
    return (ended - began) / given.steps, (after - before) / given.steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", default="1,2")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--image-size", type=int, default=192)
    parser.add_argument("--steps", type=int, default=12, help="that are measured")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}, batch {given.batch_size}\n")
    print("| processes | seconds a step | of the processor, all together | efficiency by that |\n|---|---|---|---|")
    alone = 0.0
    with TemporaryDirectory() as folder:
        for count in map(int, given.processes.split(",")):
            wall, cpu = measure(count, given, Path(folder))
            alone = alone or cpu
            print(f"| {count} | {wall:.2f} | {cpu:.2f} | {alone / cpu:.0%} |", flush=True)


if __name__ == "__main__":
    main()
