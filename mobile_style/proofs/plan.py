"""The cells of a proof: which settings a painting's proof compares, and the commands that train with them."""

import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..training.config import TrainConfig, configure
from ..training.style_crop import crop_box
from .scan import Remark, remarks

SIZES = (128, 256, 512)  # pixels: the rows
PALETTE_WEIGHT = 4000.0  # of the second column; a style weight shows too late in a training (docs/experiments)
MIDDLE = 0.6  # of the painting's height and width: the last column, if there is no frame to leave away


@dataclass(frozen=True)
class PlannedCell:
    """One choice of settings.

    Attributes:
        name: column and row, such as "b2".
        differs: what the settings of its column are, in a few words.
        config: the settings of the training.
    """

    name: str
    differs: str
    config: TrainConfig

    def command(self, minutes: float = 10) -> str:
        """The `mobile-style train` with these settings that takes so many minutes."""
        config, usual = self.config, configure(self.config.style)
        parts = ["mobile-style", "train", "--style", config.style, "--minutes", f"{minutes:g}"]
        for name in ("style_size", "style_crop", "palette_weight"):
            if (value := getattr(config, name)) != getattr(usual, name):
                parts += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(parts)


def plan(style: str, painting: np.ndarray, style_crop: str) -> tuple[tuple[Remark, ...], tuple[PlannedCell, ...]]:
    """Remarks on a painting, and the cells of its proof, row by row.

    Args:
        style: its file or name.
        painting: (H, W, 3) uint8.
        style_crop: the part of it that is used; empty for all of it.
    """
    left, top, width, height = crop_box(painting, style_crop, style)
    said = remarks(painting[top : top + height, left : left + width], left, top)
    inner = next((remark.crop for remark in said if remark.crop), "")
    if not inner:
        wide, high = round(width * MIDDLE), round(height * MIDDLE)
        inner = f"{left + (width - wide) // 2},{top + (height - high) // 2},{wide},{high}"
    columns: dict[str, tuple[str, dict[str, Any]]] = {
        "a": (f"crop {style_crop}" if style_crop else "as it is", {"style_crop": style_crop}),
        "b": (f"palette weight {PALETTE_WEIGHT:g}", {"style_crop": style_crop, "palette_weight": PALETTE_WEIGHT}),
        "c": (f"crop {inner}", {"style_crop": inner}),
    }
    sides = {name: min(crop_box(painting, chosen["style_crop"])[2:]) for name, (_, chosen) in columns.items()}
    sizes = [size for size in SIZES if size <= sides["a"]] or [sides["a"]]
    cells = tuple(
        PlannedCell(f"{name}{row}", differs, configure(style, style_size=size, **chosen))
        for row, size in enumerate(sizes, 1)
        for name, (differs, chosen) in columns.items()
        if size <= sides[name]
    )
    if missing := len(SIZES) * len(columns) - len(cells):
        text = (
            f"it is {width} x {height} pixels, too few for {missing} of the cells; a larger picture of the painting "
            "allows larger strokes, and smaller parts of it"
        )
        said += (Remark("pixels", text),)
    return said, cells
