"""Enlarging a painted picture to the size of its photo: broad strokes, and the photo's own edges.

Strokes have a width in pixels, so those of a large photo are broader when a smaller one is painted and enlarged. An
enlarged edge is soft. What the photo has besides its own reduction enlarged (the detail) makes it sharp again, as far
as the painting follows the photo there: `painted = a * brightness + b`, fitted around each pixel of the small pictures
by least squares, as in the guided filter (He et al. 2013, https://doi.org/10.1109/TPAMI.2012.213). Where it does not,
`a` is near 0, and the painting stays as it is.
"""

import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

RADIUS = 2  # pixels of the small pictures: strokes are about that wide
STEADY = 30.0  # squared gray levels of the photo's variance, below which its detail hardly counts
ROWS = 256  # of a band
REACH = 4  # rows that Lanczos' window looks further than it stands
LANCZOS, BILINEAR = Image.Resampling.LANCZOS, Image.Resampling.BILINEAR


def enlarged_bands(photo: np.ndarray, small: np.ndarray, painted: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The painted picture at the photo's size, from top to bottom.

    Args:
        photo: (H, W, 3) uint8, RGB; a band needs no row of it but its own.
        small: the same reduced, (h, w, 3) uint8.
        painted: what was made of that, (h, w, 3) uint8.

    Yields:
        The row that a band begins at, and the band, (rows, W, 3) float32, 0..255.
    """
    height, width = photo.shape[:2]
    brightness = Image.fromarray(small).convert("L")
    slopes = _slopes(np.asarray(brightness, np.float32), painted)
    # Slopes from -1 to 1 as bytes: Pillow enlarges them all at once, without much memory.
    pictures = Image.fromarray(painted), Image.fromarray(np.uint8(np.rint(128 + 127 * slopes))), brightness
    for top in range(0, height, ROWS):
        rows = photo[top : top + ROWS]
        seen = top * len(small) / height, (top + len(rows)) * len(small) / height
        strokes, slope, blurred = (
            np.asarray(_enlarged(picture, seen, (width, len(rows)), method), np.float32)
            for picture, method in zip(pictures, (LANCZOS, BILINEAR, LANCZOS), strict=True)
        )
        detail = np.asarray(Image.fromarray(rows).convert("L"), np.float32) - blurred
        yield top, np.clip(strokes + (slope - 128) / 127 * detail[..., None], 0, 255)


def _enlarged(
    picture: Image.Image, seen: tuple[float, float], size: tuple[int, int], method: Image.Resampling
) -> Image.Image:
    """The rows from seen[0] to seen[1] of a picture at a (width, height) that is no smaller."""
    first, last = max(0, int(seen[0]) - REACH), min(picture.height, math.ceil(seen[1]) + REACH)
    part = picture.crop((0, first, picture.width, last))
    # In two steps: Pillow chooses by the sizes which comes first, and rounds between them.
    wide = part.resize((size[0], part.height), method)
    return wide.resize(size, method, (0, seen[0] - first, size[0], seen[1] - first))


def _slopes(brightness: np.ndarray, painted: np.ndarray) -> np.ndarray:
    """How each channel (h, w, 3) follows the brightness (h, w) around each pixel, from -1 to 1."""
    guide = _means(brightness)
    variance = _means(brightness**2) - guide**2
    slopes = []
    for channel in np.moveaxis(painted.astype(np.float32), -1, 0):
        shared = _means(brightness * channel) - guide * _means(channel)
        slopes.append(np.clip(shared / (variance + STEADY), -1, 1))
    return np.stack(slopes, axis=-1)


def _means(values: np.ndarray) -> np.ndarray:
    """The mean of each pixel's surroundings, 2 * RADIUS + 1 pixels wide and high."""
    side = 2 * RADIUS + 1
    for axis in (0, 1):
        more = [(RADIUS, RADIUS) if each == axis else (0, 0) for each in (0, 1)]
        padded = np.pad(values, more, mode="edge")
        count = values.shape[axis]
        values = np.mean([np.take(padded, range(at, at + count), axis) for at in range(side)], axis=0)
    return values
