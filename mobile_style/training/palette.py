"""The palette loss: how far a picture's colors are from the painting's.

Gram matrices of VGG-16 say which features occur together, and let a picture be paler than its painting. The sliced
Wasserstein distance (Bonneel et al. 2015, https://doi.org/10.1007/s10851-014-0506-3) compares the colors themselves:
along many directions of CIE Lab, both pictures' pixels are sorted, and the two sorted lists are compared.
`metrics.palette_distance` is the same for finished pictures.
"""

from typing import Any

import numpy as np
from keras import ops

from ..metrics import LAB_BLUE_YELLOW, LAB_GREEN_RED, XYZ, directions, palette_quantiles
from ..network.backend import LAST

Tensor = Any  # a tensor of whichever backend Keras runs on

DIRECTIONS = 24
CELLS = (1, 4, 16)  # pixels
RIM = 8  # pixels that do not count: or a network that lacks a color paints a frame of it


def lab(images: Tensor) -> Tensor:
    """CIE Lab (D65) of sRGB images (..., 3), 0..255: L from 0 to 100, a and b from about -100 to 100."""
    x = images / 255
    # Both branches are evaluated, and both have a gradient: neither may be infinite.
    linear = ops.where(x > 0.04045, ops.power((ops.maximum(x, 0.04045) + 0.055) / 1.055, 2.4), x / 12.92)
    xyz = ops.matmul(linear, ops.convert_to_tensor(XYZ, dtype="float32"))
    root = ops.power(ops.maximum(xyz, 0.008856), 1 / 3)
    f = ops.where(xyz > 0.008856, root, 7.787 * xyz + 16 / 116)
    brightness = 116 * f[..., 1] - 16
    green_red, blue_yellow = LAB_GREEN_RED * (f[..., 0] - f[..., 1]), LAB_BLUE_YELLOW * (f[..., 1] - f[..., 2])
    return ops.stack([brightness, green_red, blue_yellow], axis=-1)


class PaletteLoss:
    """Mean squared distance between the sorted colors of a picture and of one painting, over directions of Lab.

    Each quarter of the picture is compared, so that a sky gets all the colors, too. The pixels are compared, and also
    the means of cells of `CELLS` pixels: fine strokes can mix a painting's colors and yet be gray from afar; shapes of
    that size cannot.
    """

    def __init__(self, painting: np.ndarray) -> None:
        """Takes the painting, (H, W, 3), RGB, 0..255, at the scale its strokes should have."""
        self.directions = directions(DIRECTIONS).astype(np.float32)
        self.quantiles: list[Any] = [
            palette_quantiles(ops.convert_to_numpy(cell_means(painting[None], side))[0], DIRECTIONS).astype(np.float32)
            for side in CELLS
        ]

    def __call__(self, images: Tensor) -> Tensor:
        """The loss of each of (N, H, W, 3) images, sides at least 24 pixels, in squared units of Lab: (N,)."""
        parts = quarters(images[:, RIM:-RIM, RIM:-RIM])
        found = [
            self._distance(cell_means(parts, side), wanted)
            for side, wanted in zip(CELLS, self.quantiles, strict=True)
            if side <= min(parts.shape[1:3])
        ]
        return ops.mean(ops.reshape(sum(found) / len(found), (-1, 4)), axis=1)

    def _distance(self, images: Tensor, quantiles: Tensor) -> Tensor:
        _, height, width, _ = images.shape
        pixels = ops.reshape(lab(images), (-1, height * width, 3))
        found = ops.sort(ops.matmul(pixels, ops.convert_to_tensor(self.directions.T)), axis=1)
        places = (np.arange(height * width) + 0.5) / (height * width) * quantiles.shape[0]
        wanted = ops.take(ops.convert_to_tensor(quantiles), places.astype(int), axis=0)
        return ops.mean(ops.square(found - wanted), axis=(1, 2))


def quarters(images: Tensor) -> Tensor:
    """The quarters of each of (N, H, W, 3) images, one after the other: (4N, H // 2, W // 2, 3)."""
    _, height, width, _ = images.shape
    rows, columns = height // 2, width // 2
    cut = ops.reshape(images[:, : 2 * rows, : 2 * columns], (-1, 2, rows, 2, columns, 3))
    return ops.reshape(ops.transpose(cut, (0, 1, 3, 2, 4, 5)), (-1, rows, columns, 3))


def cell_means(images: Tensor, side: int) -> Tensor:
    """Means of cells of side x side pixels; what is left over of whole cells does not count."""
    images = ops.convert_to_tensor(images, "float32")
    return images if side == 1 else ops.average_pool(images, side, side, data_format=LAST)
