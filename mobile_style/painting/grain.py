"""Adds grain to flat areas of a picture, so that a network finds something to paint strokes from there, too.

A network paints the same color wherever the pixels around are the same: blown-out skies, white walls, drawings and
pages of text get bare patches in the middle of brush strokes. Film has grain there; here it is noise of a few gray
levels, too faint to be seen, only where the picture has no detail of its own. docs/grain.md has measurements.

All numbers are integers, so that the Android demo (Grain.kt) and the page (grain.js) add the same grain.
"""

from functools import lru_cache

import numpy as np

OCTAVES = ((4, 2), (12, 3), (36, 4))  # (pixels, gray levels): value noise, linear between points so far apart
CELL = 8  # pixels: detail is measured in squares of that side
DETAILED = 6  # gray levels: mean detail of a square that gets no grain


def grained_part(picture: np.ndarray, top: int, bottom: int, left: int, right: int) -> np.ndarray:
    """The part of `grained(picture)` between these rows and columns, without computing all of it."""
    # Grain depends on the squares around; those at the cut edges of the part are the same as in the whole.
    y, x = max(0, top - 2 * CELL) // CELL * CELL, max(0, left - 2 * CELL) // CELL * CELL
    bottom_, right_ = (-(-(end + 2 * CELL) // CELL) * CELL for end in (bottom, right))
    part = grained(picture[y:bottom_, x:right_], (y, x))
    return part[top - y : bottom - y, left - x : right - x]


def grained(picture: np.ndarray, place: tuple[int, int] = (0, 0)) -> np.ndarray:
    """The picture with grain where it is flat: (H, W, 3) uint8, of any size.

    `place` is the row and column, multiples of `CELL`, at which this picture was cut out of a larger one.

    Detail is how far pixels are from the mean of their two neighbors, across and down, times two, both added up: an
    even gradient has none.
    """
    red, green, blue = (picture[..., channel].astype(np.int16) for channel in range(3))
    share = _smooth(_flatness((red + 2 * green + blue) >> 2), *picture.shape[:2])
    grain = (share * _noise(*picture.shape[:2], *place) + (1 << 19)) >> 20
    # As rows of 3 * W: an innermost axis of 3 would take twice the time.
    noisy = picture.reshape(len(picture), -1) + np.repeat(grain.astype(np.int16), 3, axis=1)
    pixels: np.ndarray = np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)
    return pixels.reshape(picture.shape)


def _flatness(luma: np.ndarray) -> np.ndarray:
    """The flatness of each square, from 0 (detailed) to 256 (flat); the last squares may be smaller."""
    wide = np.pad(luma, 1, mode="edge")
    detail = np.abs(2 * luma - wide[1:-1, :-2] - wide[1:-1, 2:]) + np.abs(2 * luma - wide[:-2, 1:-1] - wide[2:, 1:-1])
    sizes = []
    for axis, length in enumerate(luma.shape):
        starts = np.arange(0, length, CELL)
        detail = np.add.reduceat(detail, starts, axis=axis, dtype=np.int32)
        sizes.append(np.minimum(CELL, length - starts))
    flatness: np.ndarray = np.maximum(0, 256 - 256 * detail // (DETAILED * np.outer(*sizes))).astype(np.int32)
    return flatness


def _smooth(flatness: np.ndarray, height: int, width: int) -> np.ndarray:
    """Interpolates linearly between the squares' middles: (height, width), 0 to 65536."""
    for axis, length in enumerate((height, width)):
        at = 2 * np.arange(length, dtype=np.int32) + 1 - CELL  # in half pixels, from the middle of the first square
        first, weight = at // (2 * CELL), at % (2 * CELL)
        weight = weight.reshape((-1, 1) if axis == 0 else (1, -1))
        before, after = (np.take(flatness, index, axis=axis, mode="clip") for index in (first, first + 1))
        flatness = before * (2 * CELL - weight) + after * weight
    return flatness


@lru_cache(maxsize=1)  # of the last size: the frames of a video share theirs
def _noise(height: int, width: int, top: int, left: int) -> np.ndarray:
    """The endless noise from this row and column on: (height, width), in sixteenths of a gray level."""
    y, x = top + np.arange(height, dtype=np.int32), left + np.arange(width, dtype=np.int32)
    total = np.zeros((height, width), np.int32)
    for spacing, levels in OCTAVES:
        first, second = top // spacing, left // spacing
        points = _random(first + np.arange(height // spacing + 3), second + np.arange(width // spacing + 3), spacing)
        across, down = x % spacing, (y % spacing)[:, None]
        column, row = x // spacing - second, y // spacing - first
        rows = points[:, column] * (spacing - across) + points[:, column + 1] * across
        between: np.ndarray = rows[row] * (spacing - down) + rows[row + 1] * down
        total = total + levels * between // (8 * spacing**2)
    return total


def _random(y: np.ndarray, x: np.ndarray, seed: int) -> np.ndarray:
    """-128 to 127 for each pair: the spatial hash of Teschner et al. 2003, its bits mixed by Knuth's multiplication."""
    row, column, other = (np.asarray(value, np.uint32) for value in (y[:, None], x, [seed]))
    mixed: np.ndarray = (row * 73856093) ^ (column * 19349663) ^ (other * 83492791)
    for shift in (15, 13):
        mixed = (mixed ^ (mixed >> shift)) * 2654435769
    return (mixed >> 24).astype(np.int32) - 128
