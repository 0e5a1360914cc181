"""The network's graph in full integers: the operators of an int8 file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..network.styles import WHOLE
from .float_ops import INPUT, MIX, PIXELS, FloatOps
from .levels import Levels, Range, kernel_levels, mean_levels, product_levels
from .tflite_writer import NONE, RELU, VALID, TfliteWriter, Value

# Operators of which the first version has no 8 bits, and that which has.
INT8_SINCE_2 = ("ADD", "CONCATENATION", "DEPTH_TO_SPACE", "MAX_POOL_2D", "MEAN", "MUL", "SLICE", "SUB")
INT8_VERSIONS = dict.fromkeys(INT8_SINCE_2, 2) | {"CONV_2D": 3}
SINGLE_PIXELS = {  # a pooling that only applies its ReLU
    **dict.fromkeys(("strideH", "strideW", "filterHeight", "filterWidth"), 1),
    "padding": VALID,
    "fusedActivationFunction": RELU,
}
LARGEST_BIAS = 2**30 - 1  # half of what 32 bits hold, the other half being for the products


@dataclass
class Quantization:
    """What int8 needs beside the network; int8_calibration.py chooses it.

    Attributes:
        ranges: lowest and highest value by tensor name.
        knots: magnitudes between which a gain is interpolated, rising, by the gain's name.
        limits: lowest and highest scale or offset that a style may have in each channel, (2, C), by name, where
            int8_tone.py corrects them; elsewhere those that the styles have.
    """

    ranges: dict[str, Range] = field(default_factory=dict)
    knots: dict[str, np.ndarray] = field(default_factory=dict)
    limits: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Int8Ops(FloatOps):
    """Full integers: each activation has one range, weights have a scale for each output channel, biases are int32."""

    quantization: Quantization = field(default_factory=Quantization)

    def gain(self, x: Value, scale: np.ndarray, floor: np.ndarray, name: str) -> Value:
        """MAX_POOL_2D with its ReLU, MEAN, SUB, ADD, and `_interpolated`.

        int8 has no kernel for |x| = relu(x) + relu(-x), but relu(-x) = relu(x) - x, of which only means are needed. A
        pooling over single pixels changes nothing; its ReLU keeps the levels of x, so that XNNPACK only clamps bytes. A
        leaky ReLU of slope -1 would be |x| as well, but GPUs compute it as a plain ReLU (docs/operators.md).
        """
        positive = self._stored("MAX_POOL_2D", [x], f"{name}_relu", x.shape, x.levels, **SINGLE_PIXELS)
        # Over each row, then over the rows: of so few bytes no sum need lie between two levels (`levels.ties`).
        above, mean = self._row_means(positive, f"{name}_positive"), self._row_means(x, f"{name}_mean")
        below = self._stored("SUB", [above, mean], f"{name}_negative", above.shape)
        rows = self._stored("ADD", [above, below], f"{name}_rows", above.shape)
        return self._interpolated(self._mean(rows, f"{name}_magnitude"), scale, floor, name)

    def _row_means(self, x: Value, name: str) -> Value:
        assert x.levels is not None
        shape = (x.shape[0], x.shape[1], 1, x.shape[3])
        levels = mean_levels(x.levels, x.shape[2], self.quantization.ranges[name])
        return self._stored("MEAN", [x, self._integers((2,))], name, shape, levels, keepDims=True)

    def _interpolated(self, magnitude: Value, scale: np.ndarray, floor: np.ndarray, name: str) -> Value:
        """scale / (magnitude + floor) between the knots as a sum of ReLUs, because int8 has no division.

        The channels' magnitudes, laid out as pixels of one channel, go through a 1x1 convolution that makes
        the terms, and one that adds them up.
        """
        weights, biases = reciprocal_terms(self.quantization.knots[name], floor)
        images, channels = magnitude.shape[0], scale.shape[-1]
        x = self._reshaped(magnitude, (images, channels, 1, 1))
        x = self._convolution(x, weights.reshape(1, 1, 1, -1), biases, 1, RELU, f"{name}_terms")
        x = self._convolution(x, np.ones((1, 1, len(biases), 1)), np.zeros(1), 1, NONE, f"{name}_reciprocal")
        x = self._reshaped(x, (images, 1, 1, channels))
        return self.multiply(x, self._own(f"{name}_scale", scale), name)

    def multiply(self, x: Value, gain: Value, name: str) -> Value:
        """MUL."""
        assert x.levels is not None and gain.levels is not None
        levels = product_levels(x.levels, gain.levels, self.quantization.ranges[name])
        return self._stored("MUL", [x, gain], name, x.shape, levels)

    def clipped(self, x: Value, name: str) -> Value:
        """QUANTIZE to bytes: beyond the ends of its range int8 has no values, so there is nothing to clip."""
        return self.graph.operator("QUANTIZE", [x], name, "UINT8", x.shape, Levels(np.float32(1), 0))

    def _made(
        self, operator: str, inputs: Sequence[Value], name: str, shape: Sequence[int], levels: Levels | None = None,
        **options: Any,
    ) -> Value:  # fmt: skip
        version = INT8_VERSIONS.get(operator, 1)
        return self.graph.operator(operator, inputs, name, "INT8", shape, levels, version, **options)

    def _levels(self, name: str) -> Levels:
        return Levels.spanning(self.quantization.ranges[name])

    def _mean_levels(self, x: Value, name: str) -> Levels:
        assert x.levels is not None
        return mean_levels(x.levels, x.shape[1] * x.shape[2], self.quantization.ranges[name])

    def _weights(self, x: Value, kernel: np.ndarray, bias: np.ndarray, name: str) -> tuple[Value, Value]:
        assert x.levels is not None
        limits = self.quantization.limits.get(name, np.zeros((2, len(kernel))))
        # A bias is added to the sums of products, in their unit: one so small that it would not fit is made larger.
        least = [np.abs(bias) / (x.levels.scale * LARGEST_BIAS), np.abs(limits).max(axis=0) / 127]
        weights, levels = kernel_levels(kernel, np.maximum(np.max(least, axis=0), 1e-30))
        units = [Levels(np.float32(x.levels.scale * each.scale), 0) for each in levels]
        sums = np.rint(bias / np.array([unit.scale for unit in units], np.float64)).astype(np.int32)
        return (
            self.graph.constant(f"{name}_kernel", weights, levels),
            self.graph.constant(f"{name}_bias", sums, units),
        )

    def _own_levels(self, name: str, values: np.ndarray) -> Levels:
        values = self.quantization.limits.get(name, values)
        return Levels.spanning((min(0.0, float(values.min())), max(0.0, float(values.max()))))

    def _parameters(self, name: str, values: np.ndarray) -> Value:
        levels = self._own_levels(name, values)
        return self.graph.constant(name, levels.of(values), levels)


def reciprocal_terms(knots: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases: the sum of relu(weight * magnitude + bias) is 1 / (magnitude + floor's mean) at the knots."""
    values = 1 / (knots + floor.mean())
    slopes = np.diff(values) / np.diff(knots)
    bends = np.diff(slopes, append=0)  # what the slope changes by at the end of each piece
    # relu(bend * (knot - magnitude)) for each bend, and what is left beyond the last knot.
    return np.append(-bends, 0), np.append(bends * knots[1:], values[-1])


def bytes_in(graph: TfliteWriter, size: tuple[int, int]) -> Value:
    """The file's input, a picture (1, height, width, 3) uint8, as int8."""
    shape = (1, *size, 3)
    given = graph.input(INPUT, "UINT8", shape, Levels(np.float32(1), 0))
    return graph.operator("QUANTIZE", [given], "pixels", "INT8", shape, Levels.spanning(PIXELS))


def shares_in(graph: TfliteWriter, styles: int) -> Value | None:
    """The second input of a file of many styles, bytes (1, 1, 1, styles) that add up to `WHOLE`, as int8."""
    if styles == 1:
        return None
    shape = (1, 1, 1, styles)
    given = graph.input(MIX, "UINT8", shape, Levels(np.float32(1 / WHOLE), 0))
    return graph.operator("QUANTIZE", [given], "shares", "INT8", shape, Levels.spanning((0.0, 1.0)))
