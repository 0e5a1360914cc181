"""How far a benchmark can be trusted: the same file again and again, under whatever else the machine does.

    python benchmarks/repeated.py MODEL.tflite [--benchmarks 10] [--copies 6] [--runs 100]

Each benchmark times the file under several names. Every ratio should hold 1, every two medians should agree
within their limits, and `compare` should never find the file slower than itself; made 10 and 20 % longer, it
should. The factors tell how far the figures differ although nothing does.
"""

import argparse
import itertools
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mobile_style.benchmarking.benchmark import benchmark
from mobile_style.benchmarking.compare import compare
from mobile_style.benchmarking.latency import fastest, latency, ratio
from mobile_style.benchmarking.report import Report, write_json
from mobile_style.devices.host import Host


def longer(report: Report, factor: float) -> Report:
    """The same models, as if each took so many times as long."""

    def row(row):
        rounds = tuple(tuple(factor * ms for ms in each) for each in row.rounds)
        return replace(row, rounds=rounds, latency=latency(rounds))

    return replace(report, rows=tuple(map(row, report.rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    for name, count in {"benchmarks": 10, "copies": 6, "runs": 100}.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    arguments = parser.parse_args()
    reports = []
    for _ in range(arguments.benchmarks):
        reports.append(benchmark([arguments.model] * arguments.copies, Host(), runs=arguments.runs))
        print(*(f"{row.latency.median.value:.2f}" for row in reports[-1].rows), flush=True)

    ratios = [ratio(a.rounds, b.rounds) for report in reports for a, b in itertools.combinations(report.rows, 2)]
    print(f"{sum(each.low <= 1 <= each.high for each in ratios)} of {len(ratios)} ratios hold 1")
    widths = sorted(each.high / each.low for each in ratios)
    print(f"their limits are {widths[len(widths) // 2] - 1:.1%} apart (median)")
    pairs = [
        (a, b) for one, other in itertools.combinations(reports, 2) for a, b in zip(one.rows, other.rows, strict=True)
    ]
    agree = sum(
        max(a.latency.median.low, b.latency.median.low) <= min(a.latency.median.high, b.latency.median.high)
        for a, b in pairs
    )
    print(f"{agree} of {len(pairs)} pairs of medians agree within their limits")
    for name, values in {
        "medians": [row.latency.median.value for report in reports for row in report.rows],
        "fastest times": [fastest(row.rounds) for report in reports for row in report.rows],
    }.items():
        print(f"{name} differ by up to {max(values) / min(values) - 1:.1%}")
    with TemporaryDirectory() as folder:
        for factor in (1.0, 1.1, 1.2):
            said = []
            for number, (one, other) in enumerate(itertools.combinations(reports, 2)):
                old, new = (Path(folder) / f"{factor}-{number}-{which}.json" for which in ("old", "new"))
                write_json(one, old)
                write_json(longer(other, factor), new)
                said += [change.verdict for change in compare(old, new)]
            print(f"made {factor:g} times as long: {said.count('slower')} of {len(said)} are called slower")


if __name__ == "__main__":
    main()
