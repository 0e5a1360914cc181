"""Turns a trained network's arrays into the convolutions of its graph."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..network.architecture import EPSILON, INPUT_SCALE, OUTPUT_OFFSET, OUTPUT_SCALE, Architecture
from .graph import Convolution, phases, picked, styles
from .interpreter import Loaded
from .tiles import magnitudes


def fold(
    architecture: Architecture, weights: Mapping[str, np.ndarray], typical: Mapping[str, np.ndarray] | None = None
) -> list[Convolution]:
    """The network as phones run it, for `graph.forward`.

    Args:
        architecture: the network's shape.
        weights: its trained arrays, named and shaped as `architecture.weights()` says; the scales and offsets of many
            styles are stacked, (styles, channels).
        typical: `typical_magnitudes`. Each normalized channel is divided by its own, which the normalization undoes:
            float16 stays far from its limits, and the channels of a layer can share one int8 range. Without them
            channels keep their scale.
    """
    typical = typical or {}
    done = []
    for name, k, channels_in, channels_out, _ in architecture.convolutions():
        kernel = weights[f"{name}_kernel"].reshape(k, k, channels_in, channels_out)
        offset = weights.get(f"{name}_offset", np.zeros(channels_out, np.float32))
        scale, floor = weights.get(f"{name}_scale"), None
        if name == "stem":
            kernel = kernel * np.float32(INPUT_SCALE)
        if name == "out":
            kernel, offset = kernel * np.float32(OUTPUT_SCALE), offset * np.float32(OUTPUT_SCALE) + OUTPUT_OFFSET
        if scale is not None:
            usual = typical.get(name, np.ones(channels_out, np.float32))
            sign = np.sign(scale) if scale.ndim == 1 else common_signs(scale)
            kernel, floor = kernel * (sign / usual), EPSILON / usual
            scale = np.abs(scale) if scale.ndim == 1 else scale * sign
        kernel = phases(kernel) if name.startswith("up") else kernel
        strides, relu = 2 if name.startswith("down") else 1, not (name == "out" or name.endswith("b"))
        done.append(Convolution(name, kernel, offset, scale, floor, strides, relu))
    return done


def common_signs(scales: np.ndarray) -> np.ndarray:
    """Of the scales of many styles, (styles, C), the signs that go into the kernel: (C,), 1 or -1.

    Styles that start alike seldom differ in a channel's sign.
    """
    return np.where(scales.sum(axis=0) < 0, -1, 1).astype(np.float32)


def typical_magnitudes(
    architecture: Architecture, weights: Mapping[str, np.ndarray], photos: np.ndarray
) -> dict[str, np.ndarray]:
    """The mean absolute value of each normalized channel on ordinary photos, (N, H, W, 3) uint8, by layer: (C,)."""
    plain, found = fold(architecture, weights), []
    for shares, some in styles_photos(plain, photos):
        network = Loaded(magnitudes(picked(plain, shares), (1, *photos.shape[1:3])))
        found += [network(photo[None].astype(np.float32)) for photo in some]
    means = [np.maximum(np.mean(each, axis=0).ravel(), EPSILON) for each in zip(*found, strict=True)]
    return dict(zip([layer.name for layer in plain if layer.scale is not None], means, strict=True))


def styles_photos(
    convolutions: Sequence[Convolution], photos: np.ndarray, least: int = 4
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The photos that each style is observed on: its share of the mix, (styles,), and (n, H, W, 3) of the photos.

    One style gets all photos; of many styles, each gets different photos, `least` or more.
    """
    count = styles(convolutions)
    taken = len(photos) if count == 1 else max(least, len(photos) // count)
    for style in range(count):
        yield np.eye(count, dtype=np.float32)[style], np.roll(photos, -style * taken, axis=0)[:taken]
