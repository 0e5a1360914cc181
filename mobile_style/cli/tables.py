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
    verbose: bool = False,
) -> None:
    """Prints a table; the columns named in `left` are text, the others numbers.

    A terminal, or a pipe with COLUMNS set, that is too narrow for all gets no columns of those named in `less`, the
    first of them first; or with `verbose` a small table for each row.
    """
    from rich.console import Console

    shown, lines = list(columns), [dict(zip(columns, map(printable, row), strict=True)) for row in rows]
    out, endless = Console(markup=False), Console(width=1000, markup=False)  # names of files may hold brackets
    table, dropped = _table(title, shown, lines, left), []
    limited = out.is_terminal or "COLUMNS" in os.environ
    if limited and verbose and endless.measure(table).maximum > out.width:
        first, *rest = shown
        for line in lines:
            below = [{first: name, line[first]: line[name]} for name in rest]
            out.print(_table(title, (first, line[first]), below, left=(first, line[first])))
        return
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
        show(f"--verbose also shows: {', '.join(dropped)}")


def _table(title: str | None, columns: Sequence[str], lines: Sequence[dict[str, str]], left: Sequence[str]) -> "Table":
    from rich.table import Table

    table = Table(title=title and printable(title))
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", overflow="fold")
    for line in lines:
        table.add_row(*(line[column] for column in columns))
    return table


def evaluation(result: Any, size: int, json: Path | None, verbose: bool) -> None:
    """A row for each method that `evaluate` compared."""
    columns: Sequence[str] = ("method", "content", "style", "tv", "total", "seconds", "network is faster")
    rows = []
    for row in result.rows:
        times = "" if row.method in ("photo", "network") else f"{row.speedup:,.0f}x"
        seconds = "" if row.method == "photo" else f"{row.seconds:.2f}"
        rows.append([row.method, *(f"{v:,.0f}" for v in (row.content, row.style, row.tv, row.total)), seconds, times])
    if not any(row[-1] for row in rows):  # nothing to be faster than
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    photos = f"{len(result.photos)} photo{'s' * (len(result.photos) != 1)}"
    title = f"{result.model} on {photos} of {size}x{size}: losses, mean per photo (lower is better)"
    _print(title, columns, rows, left=("method",), less=("tv", "network is faster"), verbose=verbose)
    show(
        f"temporal error (lower is better): where only the camera moves, consecutive frames of a video differ by "
        f"{result.temporal_error:.1f} of 255 gray levels"
    )
    _save(result.figures(), json)


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
    _print(title, ("recipe", "kB", "ms", "PSNR, dB", "SSIM", "gate"), rows, left=("recipe", "gate"))


def validations(measured: Sequence[Any], json: Path | None, verbose: bool, advice: str = "") -> None:
    """What the gate asks for, beside what was measured; then that it is passed, or FidelityError with what is not kept.

    Without `verbose` only the figures that decide most.
    """
    from ..validation.report import COLUMNS, DECIDING, limits

    asked = [limits(validation) for validation in measured]
    for validation, rows in zip(measured, asked, strict=True):
        photos = f"{len(validation.rows)} picture{'s' * (len(validation.rows) != 1)}"
        title = f"{validation.target} {validation.recipe} by {validation.runtime}, {photos}, against the float network"
        chosen = rows if verbose else [row for row in rows if row[0] in DECIDING]
        _print(title, ("figure", "measured", "limit"), chosen, left=("figure", "limit"))
        if verbose:
            figures = [[row.photo, *(of(row) for of in COLUMNS.values())] for row in validation.rows]
            _print("each picture, the worst first", ("picture", *COLUMNS), figures, left=("picture",), verbose=True)
    _save([validation.figures() for validation in measured] if len(measured) > 1 else measured[0].figures(), json)
    failures = [failure for validation in measured for failure in validation.failures]
    if failures:
        raise FidelityError("the gate is not passed: " + "; ".join(map(str, failures)) + advice)
    judged = [limit.startswith("at ") for _, _, limit in asked[0]]  # of every file the same
    more = "" if all(judged) else f"; {judged.count(False)} more need more photos"
    show(f"passed: all {judged.count(True)} limits are kept{more}{'' if verbose else '; --verbose shows them'}")


def benchmark(report: Any, answers: Sequence[str], json: Path | None, html: Path | None, verbose: bool) -> None:
    """A row for each model, accelerator and number of threads, then the notes and the answers; writes the files."""
    from ..benchmarking.page import write_page
    from ..benchmarking.report import write_json
    from ..benchmarking.table import LESS, columns, headline, notes

    shown = columns(report)
    rows = [[show(row) for show in shown.values()] for row in report.rows]
    _print(headline(report), shown, rows, left=("model", "on"), less=LESS, verbose=verbose)
    show(*notes(report), *answers)
    if json is not None:
        write_json(report, json)
        show(json)
    if html is not None:
        write_page(report, html)
        show(html)


def changes(found: Sequence[Any], json: Path | None, verbose: bool) -> None:
    """A row for each model that is in both reports."""
    rows = []
    for row in found:
        ratio = f"{row.plain.value:.3f} ({row.plain.low:.3f}-{row.plain.high:.3f})"
        figures = (f"{row.old_ms:.2f}", f"{row.new_ms:.2f}", ratio, f"{row.fastest:.3f}", f"{row.machine:.3f}")
        rows.append([row.model, row.on, *figures, row.verdict])
    columns = ("model", "on", "old ms", "new ms", "ratio", "fastest", "machine", "verdict")
    less = ("machine", "fastest", "on", "old ms", "new ms")
    _print(None, columns, rows, left=("model", "on", "verdict"), less=less, verbose=verbose)
    _save([asdict(row) for row in found], json)


def models(infos: Iterable[Any], json: Path | None, verbose: bool) -> None:
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
    _print(None, columns, rows, left, less=("preset", "steps", "date", "kB", "style"), verbose=verbose)
    show(*mixes)
    _save(details, json)


def _save(rows: Sequence[Mapping[str, Any]] | Mapping[str, Any], path: Path | None) -> None:
    """Writes the figures of a table as JSON, if a file is named for them."""
    if path is not None:
        with writing(path) as temporary:
            temporary.write_text(dumps(rows, indent=1) + "\n", encoding="utf-8")
        show(path)
