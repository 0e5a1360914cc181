"""The operators for painting: the network's two large kernels see neighboring pixels of a row as one pixel."""

from collections.abc import Sequence

import numpy as np

from .float_ops import INPUT, OUTPUT, FloatOps, mix_in
from .graph import Convolution, forward, styles
from .int8_ops import Int8Ops, Quantization, bytes_in, shares_in
from .interpreter import Loaded
from .tflite_writer import NONE, RELU6, TfliteWriter, Value

LARGE = 5  # side of a kernel from which on it pays


class PairedOps(FloatOps):
    """The same values as `FloatOps`, bit for bit, in less memory.

    XNNPACK keeps a pointer for each pixel of the output and each place of the kernel: for 5 x 5, these are 200 bytes a
    pixel, and filling them takes a third of painting's time. And it computes 8 channels or more at a time, where the
    last convolution has 3. Pairs of pixels need a third of the pointers and give it twice the channels; taking a row's
    pixels as pairs costs nothing, because they lie in memory like that.
    """

    def convolve(self, x: Value, kernel: np.ndarray, bias: np.ndarray, strides: int, relu: bool, name: str) -> Value:
        """CONV_2D, of large kernels between two RESHAPEs; rows have an even number of pixels."""
        if len(kernel) < LARGE or strides > 1:
            return super().convolve(x, kernel, bias, strides, relu, name)
        images, height, width, channels = x.shape
        pairs = self._reshaped(x, (images, height, width // 2, 2 * channels))
        y = self._convolution(pairs, paired(kernel), np.tile(bias, 2), 1, RELU6 if relu else NONE, name)
        return self._reshaped(y, (images, y.shape[1], 2 * y.shape[2], kernel.shape[3]))


class PairedInt8Ops(PairedOps, Int8Ops):
    """The same values as `Int8Ops`, bit for bit."""


def paired(kernel: np.ndarray) -> np.ndarray:
    """The kernel that maps pairs of pixels to pairs: (k, k, in, out) to (k, (k + 1) / 2, 2 * in, 2 * out), k odd.

    Zeros stand where a place of the pair's kernel lies outside the pixel's. The values keep the order in which sums are
    added up.
    """
    k, _, channels_in, channels_out = kernel.shape
    both = np.zeros((k, k + 1, channels_in, 2, channels_out), np.float32)
    both[:, :-1, :, 0] = both[:, 1:, :, 1] = kernel
    return both.reshape(k, (k + 1) // 2, 2 * channels_in, 2 * channels_out)


def painter(convolutions: Sequence[Convolution], size: tuple[int, int], threads: int | None = None) -> Loaded:
    """The network, ready to paint (1, H, W, 3) float32, 0..255, of one (height, width); for many styles, with a mix."""
    graph = TfliteWriter()
    ops, image = PairedOps(graph), graph.input(INPUT, "FLOAT32", (1, *size, 3))
    ops.mix = mix_in(graph, styles(convolutions))
    painted = ops.clipped(forward(ops, convolutions, image), "painted")
    return Loaded(graph.content({OUTPUT: painted}), threads)


def int8_painter(
    convolutions: Sequence[Convolution],
    quantization: Quantization,
    size: tuple[int, int],
    threads: int | None = None,
) -> Loaded:
    """The same in full integers, for (1, H, W, 3) uint8."""
    graph = TfliteWriter()
    ops, image = PairedInt8Ops(graph, quantization=quantization), bytes_in(graph, size)
    ops.mix = shares_in(graph, styles(convolutions))
    painted = ops.clipped(forward(ops, convolutions, image), "painted")
    return Loaded(graph.content({OUTPUT: painted}), threads)
