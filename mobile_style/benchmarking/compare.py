"""Decides whether a model has become slower since an earlier benchmark, or only the machine has."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from .latency import Interval, Latency, Rounds, fastest, ratio
from .report import Probe, Report, Row, read_json

MARGIN = 0.05  # smaller relative changes of the fastest time are noise: see docs/benchmark.md
BUSY = 1.0  # processes: a larger change of the machine's load average may look like a change of the model


@dataclass(frozen=True)
class Change:
    """One model's change between two reports.

    Attributes:
        model, on: the model's name, and its accelerator and number of threads.
        old_ms, new_ms: medians in milliseconds.
        plain: new time / old time, of the medians.
        fastest: the same of the fastest times, which other work on the machine hardly affects.
        machine: the same of a probe that both runs timed: how the machine itself has changed; 1 without a probe.
        verdict: "slower" or "faster" if the limits of `plain` exclude 1 and the fastest time has changed by more than
            `MARGIN`, also when it is divided by `machine`, all in the same direction; else "noise". If they differ,
            "another file", "another runtime" and "another load" are appended.
    """

    model: str
    on: str
    old_ms: float
    new_ms: float
    plain: Interval
    fastest: float
    machine: float
    verdict: str


def compare(old: Path, new: Path) -> list[Change]:
    """The models that two reports share, by name, accelerator and threads.

    Raises:
        UsageError: a file is no report, the devices differ, or the reports share no timed model.
    """
    before, after = read_json(old), read_json(new)
    for one, other in ((before.device.kind, after.device.kind), (before.device.name, after.device.name)):
        if one != other:
            raise UsageError(f"{old} was measured on {one}, {new} on {other}: not to be compared")
    rows = {(row.model, row.accelerator, row.threads): row for row in before.rows}
    pairs = [(rows.get((row.model, row.accelerator, row.threads)), row) for row in after.rows]
    changes = [
        _change(row, now, row.latency, now.latency, before, after)
        for row, now in pairs
        if row is not None and row.latency is not None and now.latency is not None
    ]
    if not changes:
        raise UsageError(f"{old} and {new} share no timed model (by name, accelerator and threads)")
    return changes


def _change(old: Row, new: Row, old_latency: Latency, new_latency: Latency, before: Report, after: Report) -> Change:
    # The arithmetic that does most of the work; the Android app does not report it.
    main = max(new.macs, key=lambda kind: new.macs[kind], default="")
    new_probe, old_probe = (_probe(each.probes, main, new.threads) for each in (after, before))
    machine = fastest(new_probe) / fastest(old_probe) if new_probe and old_probe else 1.0
    plain = ratio(new.rounds, old.rounds, paired=False)
    least = fastest(new.rounds) / fastest(old.rounds)
    if plain.low > 1 and min(least, least / machine) > 1 + MARGIN:
        verdict = "slower"
    elif plain.high < 1 and max(least, least / machine) < 1 / (1 + MARGIN):
        verdict = "faster"
    else:
        verdict = "noise"
    return Change(
        new.model,
        f"{new.accelerator} x{new.threads}",
        old_latency.median.value,
        new_latency.median.value,
        plain,
        least,
        machine,
        verdict
        + ("" if old.sha256 == new.sha256 else ", another file")
        + ("" if before.device.runtime == after.device.runtime else ", another runtime")
        + _load(before.load_average, after.load_average),
    )


def _load(before: float | None, after: float | None) -> str:
    """A note if the machine's loads differ too much for the times to be compared; else empty."""
    if before is None or after is None or abs(after - before) <= BUSY:
        return ""
    return f", another load ({before:.1f}, now {after:.1f})"


def _probe(probes: Sequence[Probe], arithmetic: str, threads: int) -> Rounds | None:
    found = (each.rounds for each in probes if (each.arithmetic, each.threads) == (arithmetic, threads))
    return next(found, None)
