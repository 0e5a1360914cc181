"""Bulk painting on a cluster of two Ray nodes that is stopped in three ways, and goes on each time.

    python benchmarks/bulk_stops.py [--photos 2000] [--side 160] [--frames 2400] [--room 4] [--after 200]

Needs the extra `ray`, and root's rights on Linux for the small file system (tmpfs) that is the target. The same command
is started four times: the target fills up, and gets more room; the driver is killed; a node is killed while the run
goes on to its end; and nothing is left to do. Videos come first: with few photos, a long video and a small `--after`,
the stops hit the video. Tells what each run found and did, the largest memory of a worker, and compares results with
those of `stylize`: photos by their bytes, the video by its frames' number and times.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from bulk import COMMAND, MODEL, write_photos  # benchmarks/bulk.py
from PIL import Image
from wall import write_video  # benchmarks/wall.py

from mobile_style.bulk.stores import RECORDS
from mobile_style.network.catalog import bundled_photos

NODE = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
COMPARED = 100  # photos


class Watch(threading.Thread):
    """The largest resident memory, in MiB, of the workers that paint."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0

    def run(self) -> None:
        while True:
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if b"ray::Worker" in (process / "cmdline").read_bytes():
                        told = (process / "status").read_text()
                        self.most = max(self.most, int(told.split("VmHWM:")[1].split()[0]) / 1024)
                except (OSError, IndexError):
                    continue
            time.sleep(1)


def lines(target: Path) -> list[dict[str, object]]:
    """What the manifest tells."""
    found = []
    for path in target.glob(f"{RECORDS}/*/manifest.jsonl"):
        for line in path.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:  # the last one of a killed driver
                continue
    return found


def painted(target: Path) -> tuple[int, int]:
    """How many results and how many parts of videos the manifest tells of."""
    done = [line for line in lines(target) if line.get("result") == "painted"]
    return sum(not line.get("part") for line in done), sum(bool(line.get("part")) for line in done)


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--side", type=int, default=160, help="shorter side of all pictures")
    parser.add_argument("--frames", type=int, default=2400, help="of the video, 30 a second")
    parser.add_argument("--room", type=int, default=4, help="MiB of the target at first")
    parser.add_argument("--after", type=int, default=200, help="results and parts before a stop")
    given = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_photos(folder / "in", given.photos, given.side, given.side * 4 // 3)
        photo = Image.open(bundled_photos("held_out") / "roman_colosseum.jpg").convert("RGB")
        write_video(photo, folder / "in" / "long.mp4", given.frames, given.side * 4 // 3 // 2 * 2, given.side)
        target = folder / "out"
        target.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={given.room}m", "tmpfs", str(target)], check=True)
        try:
            stops(folder, target, given.after)
            compare(folder, target)
        finally:
            subprocess.run(["umount", str(target)], check=True)


def stops(folder: Path, target: Path, after: int) -> None:
    """Runs the command until all is done."""
    for setting in ("raylet_start_wait_time_s", "worker_register_timeout_seconds"):  # on a busy machine
        os.environ[f"RAY_{setting}"] = "300"
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    second = cluster.add_node(**NODE)
    cluster.wait_for_nodes()
    watch = Watch()
    watch.start()
    command = [*COMMAND, "bulk", str(folder / "in"), str(target), "--model", MODEL, "--ray", cluster.address]

    def start() -> subprocess.Popen:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def tell(what: str, process: subprocess.Popen, began: float) -> None:
        last = process.communicate()[0].strip().splitlines()[-2:]
        seconds = time.monotonic() - began
        print(f"{what}: {seconds:.0f} s, code {process.returncode}, (results, parts) {painted(target)}", flush=True)
        print("   ", " | ".join(line.strip().replace(str(folder), "") for line in last), flush=True)

    began, process = time.monotonic(), start()
    tell("target full", process, began)
    subprocess.run(["mount", "-o", "remount,size=1g", str(target)], check=True)
    began, process = time.monotonic(), start()
    before = sum(painted(target))
    while process.poll() is None and sum(painted(target)) < before + after:
        time.sleep(0.2)
    process.kill()
    tell("driver killed", process, began)
    began, process = time.monotonic(), start()
    before = sum(painted(target))
    while process.poll() is None and sum(painted(target)) < before + after:
        time.sleep(0.2)
    cluster.remove_node(second, allow_graceful=False)
    tell("node killed", process, began)
    began, process = time.monotonic(), start()
    tell("again", process, began)
    print(f"largest worker: {watch.most:.0f} MiB")
    cluster.shutdown()


def compare(folder: Path, target: Path) -> None:
    """Results beside those of `stylize`."""
    sources = sorted(path.name for path in (folder / "in").iterdir())
    results = sorted(path.name for path in target.iterdir() if not path.name.startswith("."))
    (folder / "some").mkdir()
    for name in (*sources[:: max(1, len(sources) // COMPARED)], "long.mp4"):
        shutil.copy(folder / "in" / name, folder / "some" / name)
    some = [*COMMAND, "stylize", str(folder / "some"), "--model", MODEL, "--precision", "float"]
    subprocess.run([*some, "--out", f"{folder / 'one'}/"], check=True, capture_output=True)
    photos = list((folder / "some").glob("*.jpg"))
    same = [
        (target / path.name).read_bytes() == (folder / "one" / f"{path.stem}-{MODEL}.jpg").read_bytes()
        for path in photos
    ]
    whole, joined = times(folder / "one" / f"long-{MODEL}.mp4"), times(target / "long.mp4")
    twice = Counter(str(line["target"]) for line in lines(target) if line.get("result") == "painted")
    print(f"{len(results)} of {len(sources)} results, the same names: {results == sources}")
    print(f"{sum(same)} of {len(same)} photos have the bytes of stylize")
    print(f"the video has {len(joined)} frames of {len(whole)}, the same times: {joined == whole}")
    print(f"painted more than once: {sum(count > 1 for count in twice.values())}")
    print(f"left in the target: {[path.name for path in (target / RECORDS).rglob('*') if path.is_file()]}")


if __name__ == "__main__":
    sys.exit(main())
