"""The tables that the commands print."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..documents import printable
from ..errors import FidelityError
from ..files import writing
from ..network.card import styles_of
from .terminal import show

if TYPE_CHECKING:
    from rich.table import Table


def _print(
    title: str | None,
    columns: Iterable[str],
    rows: Iterable[Sequence[str]],
    left: Sequence[str],
    less: Sequence[str] = (),
) -> None:
    """Prints a table; the columns named in `left` are text, the others numbers.

    A terminal, or a pipe with COLUMNS set, that is too narrow for all gets no columns of those named in `less`, the
    first of them first.
    """
    from rich.console import Console

    shown, lines = list(columns), [dict(zip(columns, map(printable, row), strict=True)) for row in rows]
    out, endless = Console(markup=False), Console(width=1000, markup=False)  # names of files may hold brackets
    table, dropped = _table(title, shown, lines, left), []
    limited = out.is_terminal or "COLUMNS" in os.environ
    for column in [each for each in less if each in shown] if limited else ():
        if endless.measure(table).maximum <= out.width:
            break
        shown.remove(column)
        dropped.append(column)
        table = _table(title, shown, lines, left)
    # In a pipe rich would cut the columns at 80 characters.
    if not limited:
        out = Console(markup=False, width=max(140, endless.measure(table).maximum))
    out.print(table)
    if dropped:
        show(f"not shown, for want of width: {', '.join(dropped)}")


def _table(title: str | None, columns: Sequence[str], lines: Sequence[dict[str, str]], left: Sequence[str]) -> "Table":
    from rich.table import Table

    table = Table(title=title and printable(title))
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", overflow="fold")
    for line in lines:
        table.add_row(*(line[column] for column in columns))
    return table


def evaluation(result: Any, size: int) -> None:
    """A row for each method that `evaluate` compared."""
    columns = ("method", "content", "style", "tv", "total", "seconds", "network is faster")
    rows = []
    for row in result.rows:
        times = "" if row.method in ("photo", "network") else f"{row.speedup:,.0f}x"
        seconds = "" if row.method == "photo" else f"{row.seconds:.2f}"
        rows.append([row.method, *(f"{v:,.0f}" for v in (row.content, row.style, row.tv, row.total)), seconds, times])
    photos = f"{len(result.photos)} photo{'s' * (len(result.photos) != 1)}"
    title = f"{result.model} on {photos} of {size}x{size}, mean per photo"
    _print(title, columns, rows, left=("method",), less=("tv", "network is faster"))
    print(
        f"temporal error (lower is better): where only the camera moves, consecutive frames of a video differ by "
        f"{result.temporal_error:.1f} of 255 gray levels"
    )


def proof(found: Any) -> None:
    """A row for each cell of a proof, then the command of each."""
    rows = []
    for cell in found.cells:
        figures = (str(cell.config.style_size), cell.differs, f"{cell.palette:.1f}")
        rows.append([cell.name, *figures])
    columns = ("cell", "style size", "column", "palette distance (lower is nearer)")
    _print(f"{found.photo} in the style of {found.style}", columns, rows, left=("cell", "column"))
    show(
        "train one of them for ten minutes, with --content for photos of your own:",
        *(f"{cell.name}: {cell.command()}" for cell in found.cells),
    )


def frontier(found: Sequence[Any]) -> None:
    """A row for each recipe that `export --recipe auto` tried."""
    rows = []
    for row in found:
        numbers = (f"{row.bytes / 1000:.0f}", f"{row.milliseconds:.1f}", f"{row.psnr:.1f}", f"{row.ssim:.4f}")
        rows.append([row.recipe, *numbers, "passed" if row.passed else "failed"])
    title = "Median of one thread on this machine; against the float network, mean over the photos"
    _print(title, ("recipe", "kB", "ms", "PSNR", "SSIM", "gate"), rows, left=("recipe", "gate"))


def validation(measured: Any) -> None:
    """The mean and the worst photo, what is fixed in all, and as much as fits a terminal; the report has the rest."""
    from ..validation.report import COLUMNS, DECIDING

    rows = []
    for row in (measured.mean, measured.rows[0]):
        name = row.photo if row is measured.mean else f"worst: {row.photo}"
        rows.append([name, *(COLUMNS[column](row) for column in DECIDING)])
    title = f"{measured.target} {measured.recipe} by {measured.runtime}, against the float network"
    _print(title, ("photo", *DECIDING), rows, left=("photo",))
    show(measured.fixed)


def judge(validations: Sequence[Any], advice: str = "") -> None:
    """Says that each gate is passed, or raises FidelityError with every limit that was not kept."""
    failures = [failure for validation in validations for failure in validation.failures]
    if failures:
        raise FidelityError("the gate is not passed: " + "; ".join(map(str, failures)) + advice)
    if validations:
        show("passed")


def benchmark(report: Any, answers: Sequence[str], json: Path | None, html: Path | None) -> None:
    """A row for each model, accelerator and number of threads, then the notes and the answers; writes the files."""
    from ..benchmarking.page import write_page
    from ..benchmarking.report import write_json
    from ..benchmarking.table import LESS, columns, headline, notes

    shown = columns(report)
    rows = [[show(row) for show in shown.values()] for row in report.rows]
    _print(headline(report), shown, rows, left=("model", "on"), less=LESS)
    show(*notes(report), *answers)
    if json is not None:
        write_json(report, json)
        show(json)
    if html is not None:
        write_page(report, html)
        show(html)


def changes(found: Sequence[Any], json: Path | None) -> None:
    """A row for each model that is in both reports."""
    rows = []
    for row in found:
        ratio = f"{row.plain.value:.3f} ({row.plain.low:.3f}-{row.plain.high:.3f})"
        figures = (f"{row.old_ms:.2f}", f"{row.new_ms:.2f}", ratio, f"{row.fastest:.3f}", f"{row.machine:.3f}")
        rows.append([row.model, row.on, *figures, row.verdict])
    columns = ("model", "on", "old ms", "new ms", "ratio", "fastest", "machine", "verdict")
    _print(None, columns, rows, left=("model", "on", "verdict"), less=("machine", "fastest", "on", "old ms", "new ms"))
    _save([asdict(row) for row in found], json)


def models(infos: Iterable[Any], json: Path | None) -> None:
    """A row for each model that is bundled or was trained here, and the styles of those that have many."""
    rows, mixes, details = [], [], []
    for info in infos:
        config, step = info.card["config"], info.card["step"]
        styles = [style["name"] for style in styles_of(info.card)] or [Path(config["style"]).stem]
        name = info.name if info.origin == "bundled" else str(info.path.parent)
        size, date = info.path.stat().st_size, info.card["date"]
        style = styles[0] if len(styles) == 1 else f"{len(styles)} styles"
        steps = f"{step}/{config['steps']}" if config["steps"] else str(step)
        rows.append([name, info.origin, config["preset"], style, steps, f"{size / 1000:.0f}", date[:10]])
        if len(styles) > 1:
            mixes.append(f"{name} has {', '.join(styles)}")
        details.append(
            {"name": name, "path": str(info.path), "origin": info.origin, "preset": config["preset"], "styles": styles}
            | {"step": step, "steps": config["steps"], "bytes": size, "date": date}
        )
    columns = ("name", "origin", "preset", "style", "steps", "kB", "date")
    left = ("name", "origin", "preset", "style", "date")
    _print(None, columns, rows, left, less=("preset", "steps", "date", "kB", "style"))
    show(*mixes)
    _save(details, json)


def _save(rows: Sequence[Mapping[str, Any]], path: Path | None) -> None:
    """Writes the rows of a table as JSON, if a file is named for them."""
    if path is not None:
        with writing(path) as temporary:
            temporary.write_text(dumps(rows, indent=1) + "\n", encoding="utf-8")
        show(path)
