"""Undoes, in the last layers, what int8 does to the contrast and the tint of each style of a network of many.

In a network of many styles scales and offsets are bytes, and their errors add up to a change of a style's contrast, by
up to one percent, and to a small shift of its colors, both nearly the same on all photos. A network of one style keeps
its last offsets in 32 bits, and has next to none.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..network.styles import share_bytes
from .fold import styles_photos
from .graph import Convolution, common
from .int8_ops import Quantization
from .paired_ops import int8_painter, painter

PHOTOS = 8  # of each style: those of three left a tint of 0.8 gray levels to other photos, those of eight 0.4
ROUNDS = 8  # corrections of contrast, of which the best is taken: what is corrected is rounded again
LARGEST = 0.02  # correction


def with_float_tone(
    convolutions: Sequence[Convolution], quantization: Quantization, photos: np.ndarray
) -> tuple[list[Convolution], Quantization]:
    """The network for int8, with the contrast and the colors that each style has in float.

    Args:
        convolutions: those of a network of many styles.
        quantization: its ranges.
        photos: (N, H, W, 3) uint8, H and W multiples of 4: those that the ranges were chosen on.

    Returns:
        The corrected convolutions, and the quantization that they were corrected for.
    """
    size = photos.shape[1:3]
    given = list(styles_photos(convolutions, photos, PHOTOS))
    paint_exactly = painter(convolutions, size)
    floats = [(mix.reshape(1, 1, 1, -1), some.astype(np.float32)) for mix, some in given]
    exact = [np.stack([paint_exactly(photo[None], mix)[0] for photo in some]) for mix, some in floats]
    # Else a correction of one style would move the levels of all others, and what they are rounded to.
    quantization = replace(quantization, limits=_limits(convolutions))

    def rounded(corrected: Sequence[Convolution]) -> list[np.ndarray]:
        paint = int8_painter(corrected, quantization, size)
        levels = [(share_bytes(mix).reshape(1, 1, 1, -1), some) for mix, some in given]
        return [np.stack([paint(photo[None], mix)[0] for photo in some]).astype(np.float32) for mix, some in levels]

    wanted = np.array([_contrast(pictures) for pictures in exact])
    factors, ratios = [np.ones_like(wanted)], []
    for _ in range(ROUNDS):
        painted = rounded(_with_contrast(convolutions, factors[-1]))
        ratios.append(np.array([_contrast(pictures) for pictures in painted]) / wanted)
        factors.append(np.clip(factors[-1] / ratios[-1], 1 - LARGEST, 1 + LARGEST))
    best = np.abs(np.array(ratios) - 1).argmin(axis=0)
    *others, last = _with_contrast(convolutions, np.array(factors)[best, np.arange(len(given))])
    painted = rounded([*others, last])
    tints = [np.mean(one - other, axis=(0, 1, 2, 3)) for one, other in zip(painted, exact, strict=True)]
    return [*others, replace(last, offset=last.offset - np.stack(tints))], quantization


def _limits(convolutions: Sequence[Convolution]) -> dict[str, np.ndarray]:
    """The limits of what is corrected."""
    up1, up2, out = convolutions[-3:]
    assert up1.scale is not None
    found = {f"{up1.name}_gain_scale": (up1.scale, up1.scale)}
    found |= {f"{layer.name}_offset": (layer.offset, layer.offset - common(layer)) for layer in (up1, up2, out)}
    margins = {name: LARGEST * np.abs(whole).max(axis=0) for name, (whole, _) in found.items()}
    return {
        name: np.stack([own.min(axis=0) - margins[name], own.max(axis=0) + margins[name]])
        for name, (_, own) in found.items()
    }


def _contrast(pictures: np.ndarray) -> float:
    """Standard deviation of all channels, each about its mean over all pictures."""
    return float((pictures - pictures.mean(axis=tuple(range(pictures.ndim - 1)))).std())


def _with_contrast(convolutions: Sequence[Convolution], factors: np.ndarray) -> list[Convolution]:
    """Multiplies what the last two layers before the output give by a factor for each style, (styles,)."""
    *others, up1, up2, out = convolutions
    assert up1.scale is not None
    times = factors.astype(np.float32)[:, None]
    up1 = replace(up1, scale=up1.scale * times, offset=up1.offset * times)
    return [*others, up1, replace(up2, offset=up2.offset * times), out]
