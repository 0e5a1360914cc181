"""A benchmark as one HTML page to share."""

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..devices.protocol import THERMAL_STATUS
from ..files import writing
from ..html import page, wide_table
from .plot import COLORS, Plot, around
from .report import Report, Row
from .table import columns, headline, notes, row_name

PLOTS = """
svg { width: 100%; max-width: 42rem; height: auto; font: 14px system-ui, sans-serif }
svg text { fill: currentColor }
.axis { stroke: #999; fill: none } .grid { stroke: #8884; fill: none } .bar { display: flex; height: 1.2rem }
.bar span { height: 100% } .key { font-size: .85rem } .key span { white-space: nowrap }
.wide { font-size: .8rem }
.wide td { white-space: pre; vertical-align: top; padding: .2rem .5rem }
@media (min-width: 40rem) { .wide td:nth-child(2), .wide th:nth-child(2) { text-align: left } }
.key i { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin: 0 .4em 0 1em }
"""


def write_page(report: Report, path: Path) -> None:
    """Writes one HTML file that opens from the disk with nothing beside it."""
    with writing(path) as temporary:
        temporary.write_text(report_page(report), encoding="utf-8")


def report_page(report: Report) -> str:
    """The whole page."""
    shown = columns(report)
    # Puts each interval below its value, so that all columns fit a laptop's window.
    cells = [[show(row).replace(" (", "\n(") for show in shown.values()] for row in report.rows]
    table = wide_table("Latency of each model", shown, cells)
    remarks = "".join(f"<li>{html.escape(note)}</li>" for note in notes(report))
    sections = "".join([_frontier(report.rows), _curves(report), _profiles(report.rows)])
    top = f"{headline(report)}. {report.date}, mobile-style {report.version}."
    body = f"""<p>{html.escape(top)}</p>
{table}
<ul class="note">{remarks}</ul>
{sections}"""
    device = report.device.name
    return page(f"mobile-style benchmark: {device}", f"Benchmark on {html.escape(device)}", body, PLOTS)


def _frontier(rows: Sequence[Row]) -> str:
    """Latency against fidelity; larger circles are larger files."""
    timed = [row for row in rows if row.latency is not None]
    known = [(row, row.fidelity["psnr"]) for row in timed if row.fidelity is not None]
    if len(known) < 2:
        return ""  # nothing to compare
    missing = len(timed) - len(known)
    plot = Plot(
        around([row.latency.median.high for row, _ in known if row.latency], from_zero=True),
        around([psnr for _, psnr in known]),
        "milliseconds, median",
        "PSNR against the float network, dB",
    )
    largest = max(row.bytes for row, _ in known)
    colors = [COLORS[index % len(COLORS)] for index in range(len(known))]
    for (row, psnr), color in zip(known, colors, strict=True):
        assert row.latency is not None
        median, y = row.latency.median, plot.up(psnr)
        radius = 4 + 14 * (row.bytes / largest) ** 0.5
        plot.parts.append(
            f'<path stroke="{color}" d="M{plot.across(median.low):.1f} {y:.1f}H{plot.across(median.high):.1f}"/>'
            f'<circle cx="{plot.across(median.value):.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{color}" opacity=".6">'
            f"<title>{html.escape(row_name(row))}: {median.value:.2f} ms, {psnr:.1f} dB</title></circle>"
        )
    keys = [
        (f"{row_name(row)}, {row.bytes / 1e6:.2f} MB", color) for (row, _), color in zip(known, colors, strict=True)
    ]
    left_out = f" {missing} without a validation on their card are left out." if missing else ""
    return (
        "<h2>Latency, fidelity, size</h2><p>Left is faster, higher is closer to the float network, a small dot is a "
        f"small file; the line is the interval of the median.{left_out}</p>{plot.svg(keys, 'latency against fidelity')}"
    )


def _curves(report: Report) -> str:
    """Each round's median over time, and the temperatures if the device reports them."""
    rows = [row for row in report.rows if len(row.rounds) >= 3]
    if report.sustained is None or not rows:
        return ""
    medians = [[float(np.median(each)) for each in row.rounds] for row in rows]
    plot = Plot(
        (0.0, max(row.seconds[-1] for row in rows)),
        around([value for each in medians for value in each], from_zero=True),
        "seconds",
        "milliseconds, median of a round",
    )
    colors = [COLORS[index % len(COLORS)] for index in range(len(rows))]
    for row, values, color in zip(rows, medians, colors, strict=True):
        plot.line(zip(row.seconds, values, strict=True), color)
    drawn = plot.svg(zip(map(row_name, rows), colors, strict=True), "latency over time")
    return f"<h2>Sustained</h2>{drawn}{_temperatures(report)}"


def _temperatures(report: Report) -> str:
    """Temperatures over time, of all rounds together; those before the first round are at 0 seconds."""
    states = sorted(
        [(0.0, report.before)] + [each for row in report.rows for each in zip(row.seconds, row.states, strict=True)],
        key=lambda each: each[0],
    )
    names = [name for name in dict.fromkeys(name for _, state in states for name in state) if name != THERMAL_STATUS]
    curves = {name: [(at, state[name]) for at, state in states if name in state] for name in names}
    if not curves:
        return ""
    values = [value for curve in curves.values() for _, value in curve]
    plot = Plot((0.0, states[-1][0]), around(values), "seconds", "degrees Celsius")
    for curve, color in zip(curves.values(), COLORS, strict=False):
        plot.line(curve, color)
    return plot.svg(zip(curves, COLORS, strict=False), "temperatures over time")


def _profiles(rows: Sequence[Row]) -> str:
    """A bar for each model, divided by the operators' shares of the time."""
    shown = {(row.model, row.accelerator): row for row in rows if row.profile}
    if not shown:
        return ""
    kinds = list(dict.fromkeys(kind for row in shown.values() for kind in list(row.profile)[:6]))
    colors = {kind: COLORS[index % len(COLORS)] for index, kind in enumerate(kinds)}
    bars = []
    for row in shown.values():
        parts = [(kind, share) for kind, share in row.profile.items() if share >= 0.005]
        bars.append(
            f"<figure><p>{html.escape(row.model)}, {html.escape(row.accelerator)}</p><div class='bar'>"
            + "".join(
                f'<span style="width:{100 * share:.2f}%;background:{colors.get(kind, "#999")}" '
                f'title="{html.escape(kind)} {share:.1%}"></span>'
                for kind, share in parts
            )
            + "</div><p class='key'>"
            + ", ".join(f"{html.escape(kind)} {share:.1%}" for kind, share in parts)
            + "</p></figure>"
        )
    return f"<h2>Where the time goes</h2><p>By the runtime's profiler, one thread.</p>{''.join(bars)}"
