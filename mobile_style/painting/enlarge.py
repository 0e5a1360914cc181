"""Enlarging a painted picture to the size of its photo: broad strokes, and the photo's own edges.

Strokes have a width in pixels, so those of a large photo are broader when a smaller one is painted and enlarged. An
enlarged edge is soft. The photo's detail (the photo minus its own reduction, enlarged) makes it sharp again, as far as
the painting follows the photo there: `painted = a * brightness + b`, fitted around each pixel of the small pictures by
least squares, as in the guided filter (He et al. 2013, https://doi.org/10.1109/TPAMI.2012.213), at half the size as in
the fast one (He & Sun 2015, https://arxiv.org/abs/1505.00996). Where it does not, `a` is near 0, and the painting stays
as it is.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

RADIUS = 1  # pixels of the small pictures at half the size: strokes are about that wide
STEADY = 30.0  # squared gray levels of the photo's variance, below which its detail hardly counts
ROWS = 256  # of a band
HAMMING, LANCZOS, BILINEAR = Image.Resampling.HAMMING, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR


def reduced(photo: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The photo, (H, W, 3) uint8, at a smaller (height, width)."""

    def rows(first: int, last: int) -> Image.Image:
        return Image.fromarray(photo[first:last])

    tops = range(0, size[0], ROWS)
    return np.concatenate([_resized(rows, len(photo), size, top, min(size[0], top + ROWS), HAMMING) for top in tops])


def enlarged_bands(photo: np.ndarray, small: np.ndarray, painted: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The painted picture at the photo's size, from top to bottom.

    Args:
        photo: (H, W, 3) uint8, RGB; a band needs no row of it but its own.
        small: the same reduced, (h, w, 3) uint8.
        painted: `small` painted, (h, w, 3) uint8.

    Yields:
        The first row of a band, and the band, (rows, W, 3) uint8.
    """
    size = photo.shape[:2]
    brightness = _brightness(small)
    halves = [np.asarray(Image.fromarray(each).reduce(2)) for each in (brightness, painted)]
    slopes = np.concatenate([_slopes(halves[0], halves[1], top) for top in range(0, len(halves[0]), ROWS)], 1)

    def layers(first: int, last: int) -> Image.Image:
        # Enlarged together: Pillow computes four bytes for each pixel of a color picture anyway.
        colors = Image.fromarray(painted[first:last]).split()
        return Image.merge("RGBX", (*colors, Image.fromarray(brightness[first:last])))

    def slope_rows(first: int, last: int) -> Image.Image:
        return Image.merge("RGB", [Image.fromarray(of_channel[first:last]) for of_channel in slopes])

    for top in range(0, size[0], ROWS):
        rows = photo[top : top + ROWS]
        end = top + len(rows)
        larger = _resized(layers, len(small), size, top, end, LANCZOS)
        detail = _brightness(rows).astype(np.int16) - np.asarray(larger.getchannel(3))
        # In place and as rows of 3 * W: new arrays, or an innermost axis of 3, would take twice the time.
        slope = np.asarray(_resized(slope_rows, slopes.shape[1], size, top, end, BILINEAR))
        sharp = slope.reshape(len(rows), -1).astype(np.int16)
        sharp -= 128
        sharp *= np.repeat(detail, 3, axis=1)
        sharp += 63  # rounds
        sharp //= 127
        sharp += np.asarray(larger.convert("RGB")).reshape(len(rows), -1)
        yield top, np.clip(sharp, 0, 255, out=sharp).astype(np.uint8).reshape(rows.shape)


def _brightness(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L"))


def _resized(
    rows: Callable[[int, int], Image.Image],
    height: int,
    size: tuple[int, int],
    top: int,
    bottom: int,
    method: Image.Resampling,
) -> Image.Image:
    """The rows from `top` to `bottom` of a picture at another (height, width).

    `rows` gives a range of its own `height` rows.
    """
    times = height / size[0]
    reach = math.ceil(3 * max(1.0, times)) + 1  # rows that Lanczos' window looks up and down
    first, last = max(0, int(top * times) - reach), min(height, math.ceil(bottom * times) + reach)
    # In two steps: Pillow chooses by the sizes which comes first, and rounds between them.
    wide = rows(first, last).resize((size[1], last - first), method)
    return wide.resize((size[1], bottom - top), method, (0, top * times - first, size[1], bottom * times - first))


def _slopes(brightness: np.ndarray, painted: np.ndarray, top: int) -> np.ndarray:
    """How each channel follows the brightness around each pixel of a band: (3, rows, w) bytes, 1 for -1, 255 for 1."""
    rows = slice(max(0, top - RADIUS), top + ROWS + RADIUS)
    above = RADIUS - (top - rows.start)
    below = RADIUS - max(0, min(len(painted), rows.stop) - (top + ROWS))

    def surrounded(values: np.ndarray) -> np.ndarray:
        return np.pad(values, ((above, below), (RADIUS, RADIUS)), mode="edge").astype(np.float32)

    light = surrounded(brightness[rows])
    # Sums over the `count` pixels around stand for means: what they are divided by cancels out.
    count = np.float32((2 * RADIUS + 1) ** 2)
    guide = _sums(light)
    spread = count * _sums(light * light) - guide * guide + count * count * np.float32(STEADY)
    slopes = np.empty((3, *guide.shape), np.uint8)
    for channel, values in enumerate(Image.fromarray(painted[rows]).split()):
        color = surrounded(np.asarray(values))
        slope = _sums(light * color)
        slope *= count
        slope -= guide * _sums(color)
        slope /= spread
        np.clip(slope, -1, 1, out=slope)
        slope *= 127
        slope += 128
        slopes[channel] = np.rint(slope, out=slope)
    return slopes


def _sums(values: np.ndarray) -> np.ndarray:
    """The sum of each pixel's surroundings, 2 * RADIUS + 1 pixels wide and high, of those within the margin."""
    side = 2 * RADIUS + 1
    height, width = (length - side + 1 for length in values.shape)
    down = values[:height] + values[1 : height + 1]
    for at in range(2, side):
        down += values[at : at + height]
    sums: np.ndarray = down[:, :width] + down[:, 1 : width + 1]
    for at in range(2, side):
        sums += down[:, at : at + width]
    return sums
