"""The contact sheet of a proof: labelled pictures, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..media import images

LABEL, LINE, TEXT = 44, 18, 14  # pixels: height of a label, of a line in it, and of its type


@dataclass(frozen=True)
class Strip:
    """A picture (H, W, 3) uint8 and the lines below it."""

    picture: np.ndarray
    lines: tuple[str, ...]

    def drawn(self) -> np.ndarray:
        """The picture above its label."""
        width = self.picture.shape[1]
        label = Image.new("RGB", (width, LABEL), "white")
        for number, line in enumerate(self.lines):
            ImageDraw.Draw(label).text((2, 3 + LINE * number), line, "black", ImageFont.load_default(TEXT))
        return np.concatenate([self.picture, np.asarray(label)])


def sheet(rows: Sequence[Sequence[Strip]]) -> np.ndarray:
    """Rows of pictures of one size with their labels, on white: (H, W, 3) uint8."""
    return images.grid([[strip.drawn() for strip in row] for row in rows])
