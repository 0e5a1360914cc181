"""Whether a model has become slower since an earlier benchmark, or only the machine was."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .latency import Interval, Rounds, fastest, ratio
from .report import SCHEMA

MARGIN = 0.05  # smaller changes of the fastest time are noise: see docs/benchmark.md


@dataclass(frozen=True)
class Change:
    """One model's change between two reports.

    Attributes:
        plain: how many times as long as before, of the medians.
        fastest: the same of the fastest times, which other work on the machine hardly touches.
        machine: the same of a probe that both runs timed: what the machine itself has become; 1 if there is none.
        verdict: "slower" or "faster" if the median's limits do not hold 1 and the fastest time has changed by more
            than `MARGIN`, also when it is divided by `machine`, all in one direction; else "noise". "another file" and
            "another runtime" are put behind it where they are not the same.
    """

    model: str
    on: str
    old_ms: float
    new_ms: float
    plain: Interval
    fastest: float
    machine: float
    verdict: str


def read(path: Path) -> dict[str, Any]:
    """A report that `mobile-style benchmark --json` wrote.

    Raises:
        UsageError: it is missing, damaged, of another kind or of another schema.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text())
        if report["schema"] != SCHEMA:
            raise UsageError(f"{path} is of schema {report['schema']}, this version reads {SCHEMA}")
        for row in report["rows"]:
            [row[name] for name in ("model", "rounds", "sha256", "macs", "accelerator", "threads", "latency")]
        [report["device"][name] for name in ("kind", "name", "runtime")], report["probes"]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no report of `mobile-style benchmark --json` ({error!r})") from None
    return report


def compare(old: Path, new: Path) -> list[Change]:
    """The models that two reports share, by name, accelerator and threads.

    Raises:
        UsageError: a file is no such report, they are of different devices, or they share no timed model.
    """
    before, after = read(old), read(new)
    for key in ("kind", "name"):
        if before["device"][key] != after["device"][key]:
            raise UsageError(
                f"{old} was measured on {before['device'][key]}, {new} on {after['device'][key]}: not to be compared"
            )
    rows = {_key(row): row for row in before["rows"] if row["rounds"]}
    shared = [(rows[_key(row)], row) for row in after["rows"] if row["rounds"] and _key(row) in rows]
    if not shared:
        raise UsageError(f"{old} and {new} share no timed model (by name, accelerator and threads)")
    same_runtime = before["device"]["runtime"] == after["device"]["runtime"]
    return [_change(row, now, before["probes"], after["probes"], same_runtime) for row, now in shared]


def _key(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["model"], row["accelerator"], row["threads"]


def _change(
    old: dict[str, Any],
    new: dict[str, Any],
    old_probes: list[dict[str, Any]],
    new_probes: list[dict[str, Any]],
    same_runtime: bool,
) -> Change:
    # The arithmetic that does most of its work; the Android app does not tell.
    main = max(new["macs"], key=lambda kind: new["macs"][kind], default="")
    new_probe, old_probe = (_probe(each, main, new["threads"]) for each in (new_probes, old_probes))
    machine = fastest(new_probe) / fastest(old_probe) if new_probe and old_probe else 1.0
    plain = ratio(new["rounds"], old["rounds"], paired=False)
    least = fastest(new["rounds"]) / fastest(old["rounds"])
    if plain.low > 1 and min(least, least / machine) > 1 + MARGIN:
        verdict = "slower"
    elif plain.high < 1 and max(least, least / machine) < 1 / (1 + MARGIN):
        verdict = "faster"
    else:
        verdict = "noise"
    return Change(
        new["model"],
        f"{new['accelerator']} x{new['threads']}",
        old["latency"]["median"]["value"],
        new["latency"]["median"]["value"],
        plain,
        least,
        machine,
        verdict
        + ("" if old["sha256"] == new["sha256"] else ", another file")
        + ("" if same_runtime else ", another runtime"),
    )


def _probe(probes: list[dict[str, Any]], arithmetic: str, threads: int) -> Rounds | None:
    found = (each["rounds"] for each in probes if (each["arithmetic"], each["threads"]) == (arithmetic, threads))
    return next(found, None)
