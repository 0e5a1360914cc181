"""The tint that int8 gives to the styles of a network of many, taken back by the last layer's offsets.

In a network of many styles scales and offsets are bytes, and their errors add up to a small shift of a style's colors
that is nearly the same on all photos. A network of one style keeps its offsets in 32 bits, and has next to no tint.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..network.styles import WHOLE
from .fold import styles_photos
from .graph import Convolution
from .int8_ops import Quantization
from .paired_ops import int8_painter, painter


def without_tint(
    convolutions: Sequence[Convolution], quantization: Quantization, photos: np.ndarray
) -> list[Convolution]:
    """The network for int8: its last offsets less the mean difference that int8 makes to each color of each style.

    Args:
        convolutions: those of a network of many styles.
        quantization: its ranges.
        photos: (N, H, W, 3) uint8, H and W multiples of 4: those that the ranges were chosen on.
    """
    *others, last = convolutions
    size = photos.shape[1:3]
    exact, rounded = painter(convolutions, size), int8_painter(convolutions, quantization, size)
    tints = []
    for shares, some in styles_photos(convolutions, photos):
        mix = shares.reshape(1, 1, 1, -1)
        differences = [
            rounded(photo[None], (mix * WHOLE).astype(np.uint8))[0].astype(np.float32)
            - exact(photo[None].astype(np.float32), mix)[0]
            for photo in some
        ]
        tints.append(np.mean(differences, axis=(0, 1, 2, 3)))
    return [*others, replace(last, offset=last.offset - np.stack(tints))]
