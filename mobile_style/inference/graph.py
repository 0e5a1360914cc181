"""The network as phones run it: convolutions, gains, and copies of rows, columns and pixels.

`forward` is the one description of the exported graph. TensorFlow Lite, Core ML and the calibration
each give it their operators (`Ops`) and so run the same steps. It computes what `TransformNet` does,
with these changes that cost no accuracy:

- Whatever multiplies or shifts between two convolutions is folded into their kernels and biases,
  the pixel range at both ends included: bytes go in and bytes come out.
- The border is continued by copying rows and columns (slice and concatenate). XNNPACK and NNAPI have
  no kernel for the operator that mirrors (MIRROR_PAD): the int8 network takes 4.7 times as long with
  it (docs/quantization.md).
- Nearest-neighbor upsampling followed by a 3x3 convolution sees each pixel four times. The same sums
  come from 2x2 kernels on the small image, four times as many channels, and DEPTH_TO_SPACE, for 4/9
  of the multiplications (Shi et al. 2016, https://arxiv.org/abs/1609.05158, run backwards).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

Tensor = Any  # whatever a target's operators take


@dataclass(frozen=True)
class Convolution:
    """A convolution without padding, and what follows it up to the next.

    Attributes:
        name: name of its output tensor.
        kernel: (k, k, in, out) float32; for up1 and up2, what `phases` makes of it.
        offset: (channels,) float32, added to the convolution or, where there is a gain, after it.
        scale, floor: (channels,) float32: the output is multiplied by scale / (its channels' mean absolute
            value over the image + floor); None: it is not.
        strides: 1 or 2.
        relu: whether a ReLU6 follows: outputs are kept within 0..6.

    In a network of many styles, offset and scale are (styles, channels): the graph mixes them by its second input.
    """

    name: str
    kernel: np.ndarray
    offset: np.ndarray
    scale: np.ndarray | None = None
    floor: np.ndarray | None = None
    strides: int = 1
    relu: bool = True


class Ops(Protocol):
    """A target's operators; images are (1, H, W, C), magnitudes (1, 1, 1, C)."""

    def size(self, x: Tensor) -> tuple[int, int]:
        """Height and width."""

    def take(self, x: Tensor, axis: int, start: int, length: int) -> Tensor:
        """Rows (axis 1) or columns (axis 2) `start` to `start + length`."""

    def join(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """The parts, at most five, one after the other."""

    def convolve(self, x: Tensor, kernel: np.ndarray, bias: np.ndarray, strides: int, relu: bool, name: str) -> Tensor:
        """A convolution without padding, its bias, and a ReLU6 or none."""

    def gain(self, x: Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> Tensor:
        """scale / (mean absolute value of each channel of x + floor): (1, 1, 1, C)."""

    def multiply(self, x: Tensor, gain: Tensor, name: str) -> Tensor:
        """Every pixel times the gains."""

    def shift(self, x: Tensor, offset: np.ndarray, relu: bool, name: str) -> Tensor:
        """Every pixel plus the offsets, and a ReLU6 or none."""

    def add(self, x: Tensor, y: Tensor, name: str) -> Tensor:
        """The sum of two tensors of one shape."""

    def depth_to_space(self, x: Tensor) -> Tensor:
        """Channels (2, 2, C) of each pixel become a square of 2 x 2 pixels."""


def forward(ops: Ops, convolutions: Sequence[Convolution], image: Tensor) -> Tensor:
    """Stylizes (1, H, W, 3) RGB, 0..255, H and W at least 8; the target clips the result to 0..255."""
    stem, down1, down2, *blocks, up1, up2, out = convolutions

    def convolved(x: Tensor, layer: Convolution) -> Tensor:
        x = _reflected(ops, x, layer.kernel.shape[0] // 2)
        if layer.scale is None and layer.offset.ndim == 1:
            return ops.convolve(x, layer.kernel, layer.offset, layer.strides, layer.relu, layer.name)
        x = ops.convolve(x, layer.kernel, common(layer), layer.strides, False, f"{layer.name}_linear")
        return shifted(x, layer) if layer.scale is None else normalized(x, layer)

    def shifted(x: Tensor, layer: Convolution) -> Tensor:
        return ops.shift(x, layer.offset - common(layer), layer.relu, layer.name)

    def normalized(x: Tensor, layer: Convolution) -> Tensor:
        assert layer.scale is not None and layer.floor is not None
        gain = ops.gain(x, layer.scale, layer.floor, f"{layer.name}_gain")
        x = ops.multiply(x, gain, f"{layer.name}_scaled")
        return shifted(x, layer) if layer.relu else x

    def upsampled(x: Tensor, layer: Convolution, size: tuple[int, int]) -> Tensor:
        # Pixel 2i is made of the small image's rows i-1 and i, pixel 2i+1 of i and i+1: the window that
        # ends at row i holds the pixels 2i-1 and 2i. The first of all lies outside the image.
        plain = layer.scale is None and layer.offset.ndim == 1
        bias = np.tile(layer.offset if plain else common(layer), 4)
        x = _continued(ops, x, (1, 1), (1, 1))
        x = ops.convolve(x, layer.kernel, bias, 1, plain, layer.name if plain else f"{layer.name}_linear")
        x = ops.depth_to_space(x)
        x = ops.take(ops.take(x, 1, 1, size[0]), 2, 1, size[1])
        return x if plain else shifted(x, layer) if layer.scale is None else normalized(x, layer)

    height, width = ops.size(image)
    image = _continued(ops, image, (0, -height % 4), (0, -width % 4))
    full = ops.size(image)
    x = convolved(convolved(image, stem), down1)
    half = ops.size(x)
    x = convolved(x, down2)
    for first, second in zip(blocks[::2], blocks[1::2], strict=True):
        x = ops.add(x, convolved(convolved(x, first), second), second.name.removesuffix("b") + "_sum")
    x = convolved(upsampled(upsampled(x, up1, half), up2, full), out)
    if full != (height, width):
        x = ops.take(ops.take(x, 1, 0, height), 2, 0, width)
    return x


def common(layer: Convolution) -> np.ndarray:
    """The part of a layer's offsets that the convolution adds: for many styles their mean, if no gain comes between."""
    return layer.offset.mean(axis=0) if layer.scale is None else np.zeros(layer.offset.shape[-1], np.float32)


def styles(convolutions: Sequence[Convolution]) -> int:
    """How many styles the graph mixes; 1 for a network of one."""
    offset = convolutions[0].offset
    return len(offset) if offset.ndim == 2 else 1


def picked(convolutions: Sequence[Convolution], shares: np.ndarray) -> list[Convolution]:
    """The network of one style that a mix, (styles,), makes of a network of many."""

    def mixed(stack: np.ndarray) -> np.ndarray:
        return stack if stack.ndim == 1 else (shares @ stack).astype(np.float32)

    return [replace(c, offset=mixed(c.offset), scale=None if c.scale is None else mixed(c.scale)) for c in convolutions]


def _reflected(ops: Ops, x: Tensor, margin: int) -> Tensor:
    """The image continued by its mirror image, without repeating the border row."""
    for axis in (1, 2):
        length = ops.size(x)[axis - 1]
        before = [ops.take(x, axis, i, 1) for i in range(margin, 0, -1)]
        after = [ops.take(x, axis, length - 1 - i, 1) for i in range(1, margin + 1)]
        x = _joined(ops, before, x, after, axis)
    return x


def _continued(ops: Ops, x: Tensor, top_bottom: tuple[int, int], left_right: tuple[int, int]) -> Tensor:
    """The image with its border pixels repeated on each side."""
    for axis, (before, after) in ((1, top_bottom), (2, left_right)):
        length = ops.size(x)[axis - 1]
        first, last = ([ops.take(x, axis, at, 1)] * count for at, count in ((0, before), (length - 1, after)))
        x = _joined(ops, first, x, last, axis)
    return x


def _joined(ops: Ops, before: list[Tensor], x: Tensor, after: list[Tensor], axis: int) -> Tensor:
    """Everything in a row, two rows or columns on each side at a time."""
    while before or after:
        x = ops.join([*before[-2:], x, *after[:2]], axis)
        before, after = before[:-2], after[2:]
    return x


def phases(kernel: np.ndarray) -> np.ndarray:
    """The 2x2 kernels that do to a small image what a 3x3 kernel does to it enlarged twofold.

    Args:
        kernel: (3, 3, in, out).

    Returns:
        (2, 2, in, 4 * out), for DEPTH_TO_SPACE: the phases of pixels (2i-1, 2j-1), (2i-1, 2j),
        (2i, 2j-1) and (2i, 2j).
    """
    # Which of the two rows of the window each of the three taps falls on. An odd pixel, the left
    # neighbor of an even one, has itself and its left neighbor on the first row.
    rows = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]])
    taps = np.einsum("ary,bsx,yxio->rsiabo", rows, rows, kernel)
    return np.ascontiguousarray(taps.reshape(2, 2, kernel.shape[2], 4 * kernel.shape[3]).astype(np.float32))
