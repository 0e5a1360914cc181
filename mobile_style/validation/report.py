"""The page that shows a validation: float, exported and the difference side by side, worst first."""

import base64
import html
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .. import metrics
from ..exporting.recipes import ENOUGH
from ..files import refuse_existing, writing
from ..html import page, wide_table
from ..media import images
from .figures import Figures
from .validate import Validation

AMPLIFIED = 8  # times, so that a difference of 16 gray levels shows

COLUMNS: dict[str, Callable[[Figures], str]] = {
    "PSNR, dB": lambda row: f"{row.psnr:.1f}",
    "SSIM": lambda row: f"{row.ssim:.4f}",
    "largest difference": lambda row: f"{row.largest:.0f}",
    "pixels off by more than 8": lambda row: f"{row.off:.2%}",
    "worst block": lambda row: f"{row.block:.1f}",
    "worst line": lambda row: f"{row.line:.1f}",
    "content loss": lambda row: change(row.content, row.content_reference),
    "style loss": lambda row: change(row.style, row.style_reference),
    "border": lambda row: f"{row.border:.2f} ({row.border_reference:.2f})",
    "checkerboard": lambda row: f"{row.checkerboard:.2f} ({row.checkerboard_reference:.2f})",
}
# Of the limits of a gate, what says most in few lines.
DECIDING = (
    "mean PSNR, dB", "worst PSNR, dB", "mean SSIM", "worst block, gray levels", "change of the style loss",
    "tint, gray levels",
)  # fmt: skip


def change(value: float, reference: float) -> str:
    """A loss with its relative change from the reference's."""
    return f"{value:,.0f} ({value / reference - 1:+.1%})"


def write(validation: Validation, out: Path) -> None:
    """Writes report.html, which opens from the disk with nothing beside it, and report.json into the new folder."""
    refuse_existing(out)
    with writing(out) as folder:
        folder.mkdir()
        (folder / "report.html").write_text(report_page(validation), encoding="utf-8", errors="backslashreplace")
        (folder / "report.json").write_text(json.dumps(validation.figures(), indent=2) + "\n")


def report_page(validation: Validation) -> str:
    """The whole HTML page."""
    verdict = "failed" if validation.failures else "passed"
    rows = [validation.mean, *validation.rows]
    table = wide_table(
        "Figures of each photo",
        ("photo", *COLUMNS),
        [[row.photo, *(show(row) for show in COLUMNS.values())] for row in rows],
    )
    failures = "".join(f"<li>{html.escape(str(failure))}</li>" for failure in validation.failures)
    failed = f'<ul class="failed">{failures}</ul>' if failures else ""
    figures = "".join(
        _figure(row, pictures) for row, pictures in zip(validation.rows, validation.pictures, strict=False)
    )
    left = len(validation.rows) - len(validation.pictures)
    figures += f"<p>Without pictures, as their PSNR is higher: {left} of the table below.</p>" if left else ""
    asked = "".join(
        f"<tr><td>{name}</td><td>{value}</td><td>{limit}</td></tr>" for name, value, limit in limits(validation)
    )
    body = f"""<p>{html.escape(_short(validation.exported))}, run by {html.escape(validation.runtime)}, against the
float network {html.escape(_short(validation.reference))}.</p>
{failed}
<h2>The gate</h2>
<p>In brackets: the float network's own. The last rows are what all photos have in common: a <em>fixed</em> difference
stands in the same place of each, a <em>foreign</em> color is none that the float picture has nearby, a change of the
<em>detail</em> is blur, sharpening or noise at a place, a <em>tint</em> is a shift of a whole color channel, a
<em>tone</em> one of its darker or brighter values, a <em>color</em> one of pixels of a like color.</p>
<table><tr><th>over all photos</th><th>measured</th><th>limit</th></tr>{asked}</table>
<h2>The pictures</h2>
{figures}
<h2>Each photo</h2>
<p>Worst block, worst line and largest difference are gray levels, of all photos the worst. In brackets: change from, or
value of, the float network's output.</p>
{table}"""
    title = f"{validation.name}, {validation.target} {validation.recipe}"
    return page(f"{title}: {verdict}", f'{html.escape(title)}: <span class="{verdict}">{verdict}</span>', body)


def _short(path: str) -> str:
    """A path without the folders that it goes into and leaves again."""
    return os.path.normpath(path)


def limits(validation: Validation) -> list[tuple[str, str, str]]:
    """What the gate asks for: the figure's name, what was measured, and the limit."""
    gate, mean, fixed, worst = validation.gate, validation.mean, validation.fixed, validation.rows[0]
    places, change = gate.places, f"at most {gate.loss_growth:.0%}"
    growth = f"at most {gate.artifact:g} more"
    rows = [
        ("mean PSNR, dB", f"{mean.psnr:.1f}", f"at least {gate.psnr_mean:g}"),
        ("worst PSNR, dB", f"{worst.psnr:.1f}", f"at least {gate.psnr_worst:g}"),
        ("mean SSIM", f"{mean.ssim:.4f}", f"at least {gate.ssim_mean:g}"),
        ("worst block, gray levels", f"{mean.block:.1f}", f"at most {places.block:g}"),
        ("worst row or column, gray levels", f"{mean.line:.1f}", f"at most {places.line:g}"),
        ("change of the content loss", f"{mean.content / mean.content_reference - 1:+.1%}", change),
        ("change of the style loss", f"{mean.style / mean.style_reference - 1:+.1%}", change),
        ("border, gray levels", f"{mean.border:.2f} ({mean.border_reference:.2f})", growth),
        ("checkerboard, gray levels", f"{mean.checkerboard:.2f} ({mean.checkerboard_reference:.2f})", growth),
    ]
    judged = fixed.photos >= ENOUGH
    for name, value, limit in (
        *(
            (f"fixed spot of {side} x {side} pixels, gray levels", spot, limit)
            for side, spot, limit in zip(metrics.SPOTS, fixed.spots, places.fixed_spots, strict=True)
        ),
        ("fixed row or column, gray levels", fixed.line, places.fixed_line),
        *(
            (f"fixed pattern in {side} x {side} pixels, gray levels", texture, limit)
            for side, texture, limit in zip(metrics.TEXTURES, fixed.textures, places.textures, strict=True)
        ),
        (f"foreign color in {metrics.FOREIGN} x {metrics.FOREIGN} pixels, gray levels", fixed.foreign, places.foreign),
        ("change of the detail, share", fixed.detail, places.detail),
        ("tint, gray levels", fixed.tint, places.tint),
        ("tone, gray levels", fixed.tone, places.tone),
        ("color, gray levels", fixed.color, places.color),
        *(
            (f"{name} of mixes, gray levels", value, limit)
            for name, value, limit in (
                ("tint", fixed.mixed_tint, places.mixed_tint),
                ("tone", fixed.mixed_tone, places.mixed_tone),
                ("color", fixed.mixed_color, places.mixed_color),
            )
            if value
        ),
    ):
        rows.append((name, f"{value:.2f}", f"at most {limit:g}" if judged else f"not judged below {ENOUGH} photos"))
    return rows


def _figure(row: Figures, pictures: tuple[np.ndarray, np.ndarray, np.ndarray]) -> str:
    photo, expected, output = pictures
    difference = images.to_pixels(AMPLIFIED * np.abs(expected.astype(np.float32) - output))
    shown = {"photo": photo, "float": expected, "exported": output, f"difference, {AMPLIFIED} times": difference}
    cells = "".join(f'<div><img alt="{name}" src="{_data_url(p)}">{name}</div>' for name, p in shown.items())
    caption = f"{html.escape(row.photo)}: {row.psnr:.1f} dB, SSIM {row.ssim:.4f}"
    return f'<figure><div class="row">{cells}</div><figcaption>{caption}</figcaption></figure>\n'


def _data_url(picture: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(images.encode(picture, "PNG")).decode()
