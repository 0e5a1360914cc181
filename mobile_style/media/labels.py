"""Contact sheets: pictures with lines of text below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import images

LINE, TEXT = 20, 14  # pixels: height of a line, and size of its font


@dataclass(frozen=True)
class Labeled:
    """A picture (H, W, 3) uint8 and the lines below it."""

    picture: np.ndarray
    lines: tuple[str, ...]


def sheet(rows: Sequence[Sequence[Labeled]]) -> np.ndarray:
    """Rows of pictures of one size with their labels, on white: (H, W, 3) uint8."""
    height = 4 + LINE * max(len(each.lines) for row in rows for each in row)
    return images.grid([[np.concatenate([each.picture, _label(each, height)]) for each in row] for row in rows])


def _label(labeled: Labeled, height: int) -> np.ndarray:
    label = Image.new("RGB", (labeled.picture.shape[1], height), "white")
    for number, line in enumerate(labeled.lines):
        ImageDraw.Draw(label).text((2, 1 + LINE * number), line, "black", ImageFont.load_default(TEXT))
    return np.asarray(label)
