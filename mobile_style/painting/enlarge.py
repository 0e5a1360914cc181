"""Enlarging a painted picture to the size of its photo: broad strokes, and the photo's own edges.

Strokes have a width in pixels, so those of a large photo are broader when a smaller one is painted and enlarged. An
enlarged edge is soft. The photo's detail (the photo minus its own reduction, enlarged) makes it sharp again, as far as
the painting follows the photo there: `painted = a * brightness + b`, fitted around each pixel of the small pictures by
least squares, as in the guided filter (He et al. 2013, https://doi.org/10.1109/TPAMI.2012.213). Where it does not, `a`
is near 0, and the painting stays as it is.
"""

import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

RADIUS = 2  # pixels of the small pictures: strokes are about that wide
STEADY = 30.0  # squared gray levels of the photo's variance, below which its detail hardly counts
ROWS = 256  # of a band
LANCZOS, BILINEAR = Image.Resampling.LANCZOS, Image.Resampling.BILINEAR


def reduced(photo: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The photo, (H, W, 3) uint8, at a smaller (height, width)."""
    bands = [_resized(photo, size, top, min(size[0], top + ROWS), LANCZOS) for top in range(0, size[0], ROWS)]
    return np.concatenate(bands)


def enlarged_bands(photo: np.ndarray, small: np.ndarray, painted: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The painted picture at the photo's size, from top to bottom.

    Args:
        photo: (H, W, 3) uint8, RGB; a band needs no row of it but its own.
        small: the same reduced, (h, w, 3) uint8.
        painted: `small` painted, (h, w, 3) uint8.

    Yields:
        The first row of a band, and the band, (rows, W, 3) float32, 0..255.
    """
    size = photo.shape[:2]
    brightness = _brightness(small)
    slopes = np.concatenate([_slopes(brightness, painted, top) for top in range(0, len(small), ROWS)])
    for top in range(0, size[0], ROWS):
        rows = photo[top : top + ROWS]
        end = top + len(rows)
        strokes = _resized(painted, size, top, end, LANCZOS)
        slope = _resized(slopes, size, top, end, BILINEAR).astype(np.float32)
        detail = _brightness(rows) - _resized(brightness, size, top, end, LANCZOS).astype(np.float32)
        # In place, as below: new arrays would take twice the time.
        slope -= 128
        slope *= (detail / 127)[..., None]
        slope += strokes
        yield top, np.clip(slope, 0, 255, out=slope)


def _brightness(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L"))


def _resized(picture: np.ndarray, size: tuple[int, int], top: int, bottom: int, method: Image.Resampling) -> np.ndarray:
    """The rows from `top` to `bottom` of a picture at another (height, width)."""
    times = len(picture) / size[0]
    reach = math.ceil(3 * max(1.0, times)) + 1  # rows that Lanczos' window looks up and down
    first, last = max(0, int(top * times) - reach), min(len(picture), math.ceil(bottom * times) + reach)
    # In two steps: Pillow chooses by the sizes which comes first, and rounds between them.
    wide = Image.fromarray(picture[first:last]).resize((size[1], last - first), method)
    seen = (0, top * times - first, size[1], bottom * times - first)
    return np.asarray(wide.resize((size[1], bottom - top), method, seen))


def _slopes(brightness: np.ndarray, painted: np.ndarray, top: int) -> np.ndarray:
    """How each channel follows the brightness around each pixel of a band, as bytes: 1 stands for -1, 255 for 1."""
    rows = slice(max(0, top - RADIUS), top + ROWS + RADIUS)
    own = slice(top - rows.start, top - rows.start + ROWS)
    light = brightness[rows].astype(np.float32)
    guide = _means(light)
    spread = _means(light * light) - guide * guide + STEADY
    slopes = np.empty((*light[own].shape, 3), np.uint8)
    for channel in range(3):
        color = painted[rows, :, channel].astype(np.float32)
        slope = _means(light * color)
        slope -= guide * _means(color)
        slope /= spread
        np.clip(slope, -1, 1, out=slope)
        slope *= 127
        slope += 128
        slopes[..., channel] = np.rint(slope, out=slope)[own]
    return slopes


def _means(values: np.ndarray) -> np.ndarray:
    """The mean of each pixel's surroundings, 2 * RADIUS + 1 pixels wide and high, of (h, w) float32."""
    side = 2 * RADIUS + 1
    height, width = values.shape
    padded = np.pad(values, RADIUS, mode="edge")
    down = padded[:height] + padded[1 : height + 1]
    for at in range(2, side):
        down += padded[at : at + height]
    sums: np.ndarray = down[:, :width] + down[:, 1 : width + 1]
    for at in range(2, side):
        sums += down[:, at : at + width]
    sums /= np.float32(side * side)
    return sums
