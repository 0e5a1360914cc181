"""What a benchmark says: the columns of its table, and one HTML page to share."""

import html
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ..devices.adb import THERMAL_STATUS
from ..files import writing
from ..html import STYLE
from .latency import CONFIDENCE, SPREAD, Interval, Latency
from .report import Report, Row

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 340, 64, 16, 16, 48
COLOURS = ("#3b6fb6", "#c7622f", "#3f8f5b", "#8b5aa8", "#b0893a", "#5a8f9c", "#a8456b", "#6b6b6b")
PLOTS = """
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif } svg text { fill: currentColor }
.axis { stroke: #999; fill: none } .grid { stroke: #8884; fill: none } .bar { display: flex; height: 1.2rem }
.bar span { height: 100% } .key { font-size: .85rem } .key span { white-space: nowrap }
.wide { overflow-x: auto; font-size: .8rem } .note { color: #777 }
.wide td { white-space: nowrap; padding: .2rem .5rem } .wide td:nth-child(2), .wide th:nth-child(2) { text-align: left }
.key i { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin: 0 .4em 0 1em }
"""


def _interval(interval: Interval | None, digits: int) -> str:
    if interval is None:
        return ""
    return f"{interval.value:.{digits}f} ({interval.low:.{digits}f}-{interval.high:.{digits}f})"


def _spread(values: Sequence[float]) -> str:
    return f"{np.median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


def _delegated(row: Row) -> str:
    if row.loaded is None or row.loaded.nodes is None:
        return "not told"
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


COLUMNS: dict[str, Callable[[Row], str]] = {
    "model": lambda row: row.model,
    "on": lambda row: f"{row.accelerator} x{row.threads}" if row.accelerator == "cpu" else row.accelerator,
    "median ms": _timed(lambda row, latency: _interval(latency.median, _digits(row))),
    "p90": _timed(lambda row, latency: _limit(row, latency.p90)),
    "p99": _timed(lambda row, latency: _limit(row, latency.p99)),
    "min": _timed(lambda row, latency: f"{latency.min:.{_digits(row)}f}"),
    "first": lambda row: "" if row.loaded is None else _spread(row.loaded.first_ms),
    "load": lambda row: "" if row.loaded is None else _spread(row.loaded.load_ms),
    "MB": lambda row: "" if row.loaded is None else _megabytes(row.loaded.memory_bytes),
    "file MB": lambda row: _megabytes(row.bytes),
    "fps": _timed(lambda row, latency: f"{latency.fps:.1f}"),
    "delegated": _delegated,
    "of peak": lambda row: "" if row.peak_share is None else f"{row.peak_share:.0%}",
    "times the first": lambda row: _interval(row.relative, 2),
    "PSNR dB": _psnr,
}
EMULATED_COLUMNS: dict[str, Callable[[Row], str]] = {
    "model": COLUMNS["model"],
    "output, against this machine's": lambda row: (
        "" if row.emulated is None else "identical" if row.emulated.identical else f"{row.emulated.db:.1f} dB"
    ),
    "wanted": lambda row: "" if row.emulated is None else row.emulated.wanted,
    "million instructions": lambda row: (
        ""
        if row.emulated is None or row.emulated.instructions is None
        else f"{np.mean(row.emulated.instructions) / 1e6:.2f}"
    ),
    "GMAC": lambda row: f"{sum(row.macs.values()) / 1e9:.3f}",
    "delegated": COLUMNS["delegated"],
    "file MB": COLUMNS["file MB"],
    "PSNR dB": COLUMNS["PSNR dB"],
}


def columns(report: Report) -> dict[str, Callable[[Row], str]]:
    """What the table shows: those columns that hold something."""
    chosen = EMULATED_COLUMNS if report.device.kind == "arm64-emulated" else COLUMNS
    return {name: show for name, show in chosen.items() if any(show(row) for row in report.rows)}


def headline(report: Report) -> str:
    """The circumstances without which the figures mean nothing."""
    device = report.device
    load = "" if report.load_average is None else f", load average before {report.load_average:.1f}"
    return f"{device.name}, {device.cores} cores, governor {device.governor}, {device.system}, {device.runtime}{load}"


def notes(report: Report) -> list[str]:
    """What a reader must know besides the table."""
    found = [
        f"{row.model} on {row.accelerator}: {row.loaded.note}" for row in report.rows if row.loaded and row.loaded.note
    ]
    if report.device.kind == "arm64-emulated":
        found.append(
            "Emulated: the outputs and the counts of instructions are those of ARM kernels; nothing here is a latency."
        )
    elif report.device.kind == "app":
        found.append(
            f"{report.runs} inferences each, one model after the other, so a phone that warms up slows the later ones; "
            f"in brackets the limits that {SPREAD:.0%} of the medians of five in a row keep, of a ratio those of "
            f"{CONFIDENCE:.0%} confidence. PSNR: of the golden picture that this phone painted, against the float one."
        )
    elif report.rows:
        fewest = min((row.latency.runs for row in report.rows if row.latency), default=0)
        found.append(
            f"Median of {fewest} inferences each, or more, in rounds with "
            f"the others; in brackets the limits that {SPREAD:.0%} of the rounds' medians keep, of a ratio those of "
            f"{CONFIDENCE:.0%} confidence. First inference, load: median and extremes over loads. MB: memory that "
            "loading and running took. Of peak: the time the multiplications would take at the measured peak, as a "
            "share of the median. PSNR: of the file's own validation against the float network."
        )
    if any(row.latency and row.latency.tail != "times" for row in report.rows):
        found.append("The phone's tool sums up each round: p90 and p99 are limits that they do not exceed.")
    found += [
        f"Measured peak, {probe.arithmetic}, {probe.threads} thread(s): {_interval(probe.gmacs, 0)} GMAC/s"
        for probe in report.probes
    ]
    found += [f"Left out: {each}" for each in report.left_out]
    if report.sustained is not None:
        found += [slowdown(row, report.before) for row in report.rows]
    if report.interrupted:
        found.append(f"Interrupted: {report.interrupted}")
    return found


def write_json(report: Report, path: Path) -> None:
    """Writes all figures; docs/benchmark.md has the schema."""
    with writing(path) as temporary:
        temporary.write_text(json.dumps(report.figures(), indent=1) + "\n")


def write_page(report: Report, path: Path) -> None:
    """Writes one HTML file that opens from the disk with nothing beside it."""
    with writing(path) as temporary:
        temporary.write_text(page(report), encoding="utf-8")


def page(report: Report) -> str:
    """The whole page."""
    shown = columns(report)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in shown)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(show(row))}</td>" for show in shown.values()) + "</tr>"
        for row in report.rows
    )
    said = "".join(f"<li>{html.escape(note)}</li>" for note in notes(report))
    sections = [_frontier(report.rows), _curves(report), _profiles(report.rows)]
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>mobile-style benchmark: {html.escape(report.device.name)}</title><style>{STYLE}{PLOTS}</style>
<h1>Benchmark on {html.escape(report.device.name)}</h1>
<p>{html.escape(headline(report))}. {html.escape(report.date)}, mobile-style {html.escape(report.version)}.</p>
<div class="wide"><table><tr>{head}</tr>{body}</table></div>
<ul class="note">{said}</ul>
{"".join(sections)}
</html>
"""


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers from `low` to `high`."""
    rough = (high - low) / 5 or 1.0
    power = 10 ** np.floor(np.log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough)
    return [float(tick) for tick in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]


class _Plot:
    """Axes from data to pixels, and what is drawn on them."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], x_name: str, y_name: str) -> None:
        self.x_range, self.y_range, self.parts = x, y, []
        for tick in _ticks(*x):
            at = self.across(tick)
            self.parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
            self.parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
        for tick in _ticks(*y):
            at = self.up(tick)
            self.parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
            self.parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
        self.parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        self.parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{x_name}</text>')
        self.parts.append(
            f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{y_name}</text>'
        )

    def across(self, value: float) -> float:
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - RIGHT - LEFT)

    def up(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    def svg(self, keys: Iterable[tuple[str, str]], title: str) -> str:
        """The picture, and under it its legend: (name, colour) of each."""
        drawn = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{"".join(self.parts)}</svg>'
        named = (f'<span><i style="background:{colour}"></i>{html.escape(name)}</span>' for name, colour in keys)
        return f'{drawn}<p class="key">{" ".join(named)}</p>'


def _name(row: Row) -> str:
    return f"{row.model}, {COLUMNS['on'](row)}"


def _around(values: Sequence[float], from_zero: bool = False) -> tuple[float, float]:
    low, high = (0.0 if from_zero else min(values)), max(values)
    margin = 0.08 * (high - low) or 1.0
    return (0.0 if from_zero else low - margin), high + margin


def _frontier(rows: Sequence[Row]) -> str:
    """Latency against fidelity, the area of a circle being the file's size."""
    timed = [row for row in rows if row.latency is not None]
    known = [(row, row.fidelity["psnr"]) for row in timed if row.fidelity is not None]
    if not known:
        return ""
    missing = len(timed) - len(known)
    plot = _Plot(
        _around([row.latency.median.high for row, _ in known if row.latency], from_zero=True),
        _around([psnr for _, psnr in known]),
        "milliseconds, median",
        "PSNR against the float network, dB",
    )
    largest = max(row.bytes for row, _ in known)
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(known))]
    for (row, psnr), colour in zip(known, colours, strict=True):
        assert row.latency is not None
        median, y = row.latency.median, plot.up(psnr)
        radius = 4 + 14 * (row.bytes / largest) ** 0.5
        plot.parts.append(
            f'<path stroke="{colour}" d="M{plot.across(median.low):.1f} {y:.1f}H{plot.across(median.high):.1f}"/>'
            f'<circle cx="{plot.across(median.value):.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" opacity=".6">'
            f"<title>{html.escape(_name(row))}: {median.value:.2f} ms, {psnr:.1f} dB</title></circle>"
        )
    keys = [
        (f"{_name(row)}, {row.bytes / 1e6:.2f} MB", colour) for (row, _), colour in zip(known, colours, strict=True)
    ]
    left_out = f" {missing} without a validation on their card are left out." if missing else ""
    return (
        "<h2>Latency, fidelity, size</h2><p>Left is faster, up is truer, small is smaller; the line is the interval of "
        f"the median.{left_out}</p>{plot.svg(keys, 'latency against fidelity')}"
    )


def _curves(report: Report) -> str:
    """Each round's median over time, and the temperatures if the device tells."""
    rows = [row for row in report.rows if len(row.rounds) >= 3]
    if report.sustained is None or not rows:
        return ""
    medians = [[float(np.median(each)) for each in row.rounds] for row in rows]
    plot = _Plot(
        (0.0, max(row.seconds[-1] for row in rows)),
        _around([value for each in medians for value in each], from_zero=True),
        "seconds",
        "milliseconds, median of a round",
    )
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(rows))]
    for row, values, colour in zip(rows, medians, colours, strict=True):
        points = " ".join(f"{plot.across(x):.1f},{plot.up(y):.1f}" for x, y in zip(row.seconds, values, strict=True))
        plot.parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>')
    drawn = plot.svg(zip(map(_name, rows), colours, strict=True), "latency over time")
    return f"<h2>Sustained</h2>{drawn}{_temperatures(report)}"


def _temperatures(report: Report) -> str:
    """Over time, of all rounds together; the time before the first round is 0."""
    told = sorted(
        [(0.0, report.before)] + [each for row in report.rows for each in zip(row.seconds, row.states, strict=True)],
        key=lambda each: each[0],
    )
    names = [name for name in dict.fromkeys(name for _, state in told for name in state) if name != THERMAL_STATUS]
    curves = {name: [(at, state[name]) for at, state in told if name in state] for name in names}
    if not curves:
        return ""
    values = [value for curve in curves.values() for _, value in curve]
    plot = _Plot((0.0, told[-1][0]), _around(values), "seconds", "degrees Celsius")
    for curve, colour in zip(curves.values(), COLOURS, strict=False):
        points = " ".join(f"{plot.across(x):.1f},{plot.up(y):.1f}" for x, y in curve)
        plot.parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>')
    return plot.svg(zip(curves, COLOURS, strict=False), "temperatures over time")


def slowdown(row: Row, before: dict[str, float]) -> str:
    """How the last quarter of the rounds compares with the first, and the temperatures before and after."""
    quarter = max(1, len(row.rounds) // 4)
    early, late = (float(np.median(rounds)) for rounds in (row.rounds[:quarter], row.rounds[-quarter:]))
    told = f"{_name(row)}: {early:.1f} ms in the first quarter, {late:.1f} in the last ({late / early - 1:+.0%})"
    first, last = before, row.states[-1]
    heat = ", ".join(f"{name} {first[name]:g} to {last[name]:g}" for name in first if name in last)
    return told + (f"; {heat}" if heat else "")


def _profiles(rows: Sequence[Row]) -> str:
    """A bar of each model's time by operator."""
    shown = {(row.model, row.accelerator): row for row in rows if row.profile}
    if not shown:
        return ""
    kinds = list(dict.fromkeys(kind for row in shown.values() for kind in list(row.profile)[:6]))
    colours = {kind: COLOURS[index % len(COLOURS)] for index, kind in enumerate(kinds)}
    bars = []
    for row in shown.values():
        parts = [(kind, share) for kind, share in row.profile.items() if share >= 0.005]
        bars.append(
            f"<p>{html.escape(row.model)}, {html.escape(row.accelerator)}</p><div class='bar'>"
            + "".join(
                f'<span style="width:{100 * share:.2f}%;background:{colours.get(kind, "#999")}" '
                f'title="{html.escape(kind)} {share:.1%}"></span>'
                for kind, share in parts
            )
            + "</div><p class='key'>"
            + ", ".join(f"{html.escape(kind)} {share:.1%}" for kind, share in parts)
            + "</p>"
        )
    return f"<h2>Where the time goes</h2><p>By the runtime's profiler, one thread.</p>{''.join(bars)}"
