"""What a benchmark prints: the columns of its table, and notes below it."""

from collections.abc import Callable, Sequence

import numpy as np

from .latency import CONFIDENCE, SPREAD, Interval, Latency
from .report import Emulated, Report, Row


def _interval(limits: Interval | None, digits: int) -> str:
    if limits is None:
        return ""
    return f"{limits.value:.{digits}f} ({limits.low:.{digits}f}-{limits.high:.{digits}f})"


def _spread(values: Sequence[float]) -> str:
    return "" if not values else f"{np.median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


def _delegated(row: Row) -> str:
    if row.loaded is None or row.loaded.nodes is None:
        return "not reported"
    return f"{row.loaded.delegated} of {row.loaded.nodes}"


def _digits(row: Row) -> int:
    return 2 if row.latency is not None and row.latency.median.value < 10 else 1


def _megabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.1f}"


def _psnr(row: Row) -> str:
    return "" if row.fidelity is None else f"{row.fidelity['psnr']:.1f}" + ("" if row.fidelity["passed"] else " FAILED")


def _timed(show: Callable[[Row, Latency], str]) -> Callable[[Row], str]:
    return lambda row: "" if row.latency is None else show(row, row.latency)


def _limit(row: Row, value: float) -> str:
    exact = row.latency is not None and row.latency.tail == "times"
    return f"{'' if exact else '≤'}{value:.{_digits(row)}f}"


def _emulated(show: Callable[[Row, Emulated], str]) -> Callable[[Row], str]:
    return lambda row: "" if row.emulated is None else show(row, row.emulated)


def _on(row: Row) -> str:
    return f"{row.accelerator} x{row.threads}" if row.accelerator == "cpu" else row.accelerator


def _instructions(_: Row, emulated: Emulated) -> str:
    return "" if emulated.instructions is None else f"{np.mean(emulated.instructions) / 1e6:.2f}"


COLUMNS: dict[str, Callable[[Row], str]] = {
    "model": lambda row: row.model,
    "on": lambda row: "" if row.emulated else _on(row),
    "median ms": _timed(lambda row, latency: _interval(latency.median, _digits(row))),
    "p90 ms": _timed(lambda row, latency: _limit(row, latency.p90)),
    "p99 ms": _timed(lambda row, latency: _limit(row, latency.p99)),
    "min ms": _timed(lambda row, latency: f"{latency.min:.{_digits(row)}f}"),
    "output, against this machine's": _emulated(
        lambda _, emulated: "identical" if emulated.identical else f"{emulated.db:.1f} dB"
    ),
    "wanted": _emulated(lambda _, emulated: emulated.wanted),
    "million instructions": _emulated(_instructions),
    "GMAC": _emulated(lambda row, _: f"{sum(row.macs.values()) / 1e9:.3f}"),
    "first ms": lambda row: "" if row.loaded is None else _spread(row.loaded.first_ms),
    "load ms": lambda row: "" if row.loaded is None else _spread(row.loaded.load_ms),
    "MB": lambda row: "" if row.loaded is None else _megabytes(row.loaded.memory_bytes),
    "file MB": lambda row: _megabytes(row.bytes),
    "fps": _timed(lambda row, latency: f"{latency.fps:.1f}"),
    "delegated": _delegated,
    "of peak": lambda row: "" if row.peak_share is None else f"{row.peak_share:.0%}",
    "times the first": lambda row: _interval(row.relative, 2),
    "PSNR dB": _psnr,
}


EXPLAINED = {
    "p90 ms": "p90: nine of ten inferences took no longer.",
    "delegated": "Delegated: operators that the accelerator's kernels (on the CPU, XNNPACK's) compute, of all.",
    "times the first": "Times the first: the median over the first model's on the same accelerator and threads.",
}

# The columns that a narrow terminal leaves out, in this order.
LESS = (
    "min ms", "p99 ms", "load ms", "first ms", "file MB", "times the first", "of peak", "MB", "delegated", "GMAC",
    "p90 ms", "million instructions", "fps",
)  # fmt: skip


def columns(report: Report) -> dict[str, Callable[[Row], str]]:
    """The columns of a report's table by name, without empty ones."""
    return {name: show for name, show in COLUMNS.items() if any(show(row) for row in report.rows)}


def headline(report: Report) -> str:
    """The device, system, runtime and load, without which the figures mean nothing."""
    device = report.device
    load = "" if report.load_average is None else f", load average before {report.load_average:.1f}"
    cores = f", {device.cores} cores" if device.cores else ""
    clock = f", CPU governor {device.governor}" if device.governor else ""
    return f"{device.name}{cores}{clock}, {device.system}, {device.runtime}{load}"


def row_name(row: Row) -> str:
    """The model and the accelerator that it ran on."""
    return f"{row.model}, {_on(row)}"


def notes(report: Report) -> list[str]:
    """The notes below the table."""
    found = [
        f"{row.model} on {row.accelerator}: {row.loaded.note}" for row in report.rows if row.loaded and row.loaded.note
    ]
    if counts := [row.latency.runs for row in report.rows if row.latency]:
        found.append(
            f"At least {min(counts)} inferences each. In brackets: the {SPREAD:.0%} interval over the rounds' medians; "
            f"for a ratio, the {CONFIDENCE:.0%} confidence interval."
        )
    found.append(report.method)
    if explained := [text for name, text in EXPLAINED.items() if name in columns(report)]:
        found.append(" ".join(explained))
    if any(row.latency and row.latency.tail != "times" for row in report.rows):
        found.append("The device summarizes each round: p90 and p99 are limits that they do not exceed.")
    found += [
        f"Measured peak, {probe.arithmetic}, {probe.threads} thread{'s' * (probe.threads != 1)}: "
        f"{probe.gmacs:.0f} GMAC/s"
        for probe in report.probes
    ]
    found += [f"Left out: {each}" for each in report.left_out]
    if report.sustained is not None:
        found += [slowdown(row, report.before) for row in report.rows]
    if report.interrupted:
        found.append(f"Interrupted: {report.interrupted}")
    return found


def slowdown(row: Row, before: dict[str, float]) -> str:
    """Compares the last quarter of the rounds with the first, and the temperatures before and after."""
    quarter = max(1, len(row.rounds) // 4)
    early, late = (float(np.median(rounds)) for rounds in (row.rounds[:quarter], row.rounds[-quarter:]))
    change = f"{row_name(row)}: {early:.1f} ms in the first quarter, {late:.1f} in the last ({late / early - 1:+.0%})"
    first, last = before, row.states[-1]
    heat = ", ".join(f"{name} {first[name]:g} to {last[name]:g}" for name in first if name in last)
    return change + (f"; {heat}" if heat else "")
