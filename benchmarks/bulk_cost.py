"""What a million photos or ten thousand hours of video take, by how many cores work on them.

    python benchmarks/bulk_cost.py --photo 0.5 --frame 0.1

`--photo` and `--frame` are seconds of one core, as benchmarks/bulk.py measures them. The rest is arithmetic: cores work
apart, so time is work divided by cores, until the network or the store cannot keep up. Prints a Markdown table with
what is slowest in each row.
"""

import argparse

CORES = (2, 16, 64, 256, 1024, 4096)


def rows(work: float, gigabytes: float, requests: float, given: argparse.Namespace) -> list[str]:
    """A row for each number of cores.

    Args:
        work: seconds of one core.
        gigabytes: read and written, all together.
        requests: to the store.
        given: what a machine has, and what the store answers.
    """
    found = []
    for cores in CORES:
        machines = -(-cores // given.cores)
        seconds = {
            "cores": work / (cores * given.efficiency),
            "network": gigabytes * 8 / (machines * given.gigabits),
            "store": requests / given.requests,
        }
        slowest = max(seconds, key=lambda name: seconds[name])
        hours = seconds[slowest] / 3600
        rate = gigabytes * 8 / seconds[slowest]
        found.append(
            f"| {cores} | {machines} | {hours:,.1f} | {slowest} | {rate:.3g} | {requests / seconds[slowest]:.3g} |"
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photo", type=float, required=True, help="seconds of one core for a photo")
    parser.add_argument("--frame", type=float, required=True, help="seconds of one core for a frame")
    parser.add_argument("--photos", type=float, default=1e6)
    parser.add_argument("--hours", type=float, default=1e4, help="of video")
    parser.add_argument("--rate", type=float, default=30, help="frames a second")
    parser.add_argument("--photo-megabytes", type=float, default=6.0, help="of a photo and its result")
    parser.add_argument("--megabits", type=float, default=8.0, help="a second, of a video and its result")
    parser.add_argument("--efficiency", type=float, default=1.0, help="of many cores, beside one")
    parser.add_argument("--cores", type=int, default=64, help="of a machine")
    parser.add_argument("--gigabits", type=float, default=10.0, help="a second, of a machine's network")
    parser.add_argument("--requests", type=float, default=3500.0, help="a second, that the store answers")
    given = parser.parse_args()
    seconds = given.hours * 3600
    works = {
        f"{given.photos:,.0f} photos, {given.photo:g} s of one core each": (
            given.photos * given.photo,
            given.photos * given.photo_megabytes / 1000,
            given.photos * 2,
        ),
        f"{given.hours:,.0f} hours of video, {given.frame:g} s of one core a frame": (
            seconds * given.rate * given.frame,
            seconds * given.megabits / 8000,
            given.hours * 2,
        ),
    }
    for title, (work, gigabytes, requests) in works.items():
        print(f"**{title}**: {work / 3600:,.0f} core hours, {gigabytes:,.0f} GB, {requests:,.0f} requests\n")
        print("| cores | machines | hours | slowest | Gbit/s | requests/s |\n|---|---|---|---|---|---|")
        print("\n".join(rows(work, gigabytes, requests, given)) + "\n")


if __name__ == "__main__":
    main()
