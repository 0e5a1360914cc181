"""Finds what matters to a training in a picture of a painting: a frame around it, its contrast and its colors."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..media import images
from ..metrics import lab

SIDE = 400  # pixels: shorter side of what is looked at
SHALLOWEST = 3  # lines: a frame's side has as many
EVEN = 8.0  # units of Lab that most of a frame's line stays within, around the line's own color
MOST = 0.8  # of a line's pixels
DEEPEST = 1 / 3  # of the picture's height or width, that a frame takes on one side
FLAT = 62.0  # units of lightness, from the 5th to the 95th percentile: a pale scan has less
DULL = 30.0  # units of chroma, the 95th percentile: a nearly gray painting has less
LINE = 5.0  # units of Lab, standard deviation of the colors across the line that they lie along


@dataclass(frozen=True)
class Remark:
    """Something about a painting's picture that shows in what is trained on it.

    Attributes:
        kind: "frame", "contrast", "colors" or, if there are too few, "pixels".
        text: one sentence: what is seen, what it does, and what to do.
        crop: for a frame, the `style_crop` without it; else empty.
    """

    kind: Literal["frame", "contrast", "colors", "pixels"]
    text: str
    crop: str = ""


def remarks(painting: np.ndarray, left: int = 0, top: int = 0) -> tuple[Remark, ...]:
    """Remarks on a painting's picture, (H, W, 3) uint8, or on a part of one at `left`, `top`.

    The limits were set on 13 pictures of paintings: docs/art_direction.md has their figures.
    """
    found = []
    if crop := frameless(painting, left, top):
        text = (
            f"a frame or a paper border surrounds it, and would be painted into photos; `style_crop={crop}` is without"
        )
        found.append(Remark("frame", text, crop))
    colors = lab(images.with_shorter_side(painting, SIDE)).reshape(-1, 3)
    low, high = np.percentile(colors[:, 0], [5, 95])
    if high - low < FLAT:
        text = (
            f"its lightness spans {high - low:.0f} of 100 units, where vivid scans reach 80, so photos come out pale "
            "or dark; if another scan of it is more vivid, train on that one"
        )
        found.append(Remark("contrast", text))
    chroma = np.percentile(np.hypot(colors[:, 1], colors[:, 2]), 95)
    across = np.sqrt(np.linalg.eigvalsh(np.cov(colors[:, 1:].T))[0])
    if chroma < DULL or across < LINE:
        what = "its colors are weak" if chroma < DULL else "its colors all lie between two hues"
        text = (
            f"{what}, so photos lose the others, skin and leaves too; stylize with `preserve_color` where they matter"
        )
        found.append(Remark("colors", text))
    return tuple(found)


def frameless(painting: np.ndarray, left: int = 0, top: int = 0) -> str:
    """The `style_crop` that leaves a frame or paper border away; empty if there is none. The arguments are those of
    `remarks`.

    A frame is a run of lines along a side, each of nearly one color, whatever the next line's is; it is there if two
    sides that face each other have it, because a sky or a wall is a frame's side for one line at most.
    """
    height, width = painting.shape[:2]
    colors = lab(images.with_shorter_side(painting, min(SIDE, height, width)))
    depths = [_depth(np.rot90(colors, quarter)) for quarter in (0, 1, 2, 3)]  # top, right, bottom, left
    if not (depths[0] and depths[2]) and not (depths[1] and depths[3]):
        return ""
    scale = min(height, width) / min(colors.shape[:2])
    above, right, below, before = (int(np.ceil(scale * (depth + 1))) if depth else 0 for depth in depths)
    return f"{left + before},{top + above},{width - before - right},{height - above - below}"


def _depth(colors: np.ndarray) -> int:
    """How many lines at the top of (H, W, 3) are those of a frame."""
    off = np.linalg.norm(colors - np.median(colors, axis=1, keepdims=True), axis=2)
    even = np.quantile(off, MOST, axis=1) < EVEN
    depth = 0
    while depth < len(even) and even[depth : depth + 3].any():  # where frame and painting meet in a line is neither
        depth += 1
    return depth if SHALLOWEST <= depth < DEEPEST * len(even) else 0
