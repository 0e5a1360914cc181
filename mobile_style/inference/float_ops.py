"""The network's graph as a float .tflite file: each operator in the form that XNNPACK has a kernel for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .levels import Levels, Range, kernel_levels
from .tflite_writer import NONE, RELU6, VALID, TfliteWriter, Value

PIXELS: Range = (0.0, 255.0)
INPUT, MIX, OUTPUT = "image", "mix", "output_0"  # in the file's signature
HYBRID_CONVOLUTION = 5  # version of the operator that multiplies floats by int8 weights with a scale for each channel


@dataclass
class FloatOps:
    """Floats; weights float32, float16 or int8.

    Attributes:
        graph: what the operators are added to.
        mix: in a network of many styles, the share of each, (1, 1, 1, styles).
        named: the tensors that an int8 file would hold, by name.
    """

    graph: TfliteWriter
    weights: str = "float32"
    mix: Value | None = None
    named: dict[str, Value] = field(default_factory=dict)

    def size(self, x: Value) -> tuple[int, int]:
        """Height and width."""
        return x.shape[1], x.shape[2]

    def take(self, x: Value, axis: int, start: int, length: int) -> Value:
        """SLICE."""
        begin, size = [0, 0, 0, 0], list(x.shape)  # written out: XNNPACK refuses -1 for "to the end"
        begin[axis], size[axis] = start, length
        return self._copy("SLICE", [x, self._integers(begin), self._integers(size)], size)

    def join(self, parts: Sequence[Value], axis: int) -> Value:
        """CONCATENATION."""
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return self._copy("CONCATENATION", parts, shape, axis=axis)

    def convolve(self, x: Value, kernel: np.ndarray, bias: np.ndarray, strides: int, relu: bool, name: str) -> Value:
        """CONV_2D."""
        return self._convolution(x, kernel, bias, strides, RELU6 if relu else NONE, name)

    def gain(self, x: Value, scale: np.ndarray, floor: np.ndarray, name: str) -> Value:
        """ABS, MEAN, ADD, DIV."""
        magnitude = self.magnitude(x, name)
        floored = self._made("ADD", [magnitude, self._parameters(f"{name}_floor", floor)], "floored", magnitude.shape)
        return self._made("DIV", [self._own(f"{name}_scale", scale), floored], name, magnitude.shape)

    def magnitude(self, x: Value, name: str) -> Value:
        """Mean absolute value of each channel; `name` is the gain's."""
        return self._mean(self._made("ABS", [x], f"{name}_abs", x.shape), f"{name}_magnitude")

    def multiply(self, x: Value, gain: Value, name: str) -> Value:
        """MUL."""
        return self._stored("MUL", [x, gain], name, x.shape)

    def shift(self, x: Value, offset: np.ndarray, relu: bool, name: str) -> Value:
        """ADD with its ReLU6."""
        offsets = self._own(f"{name}_offset", offset)
        return self._stored("ADD", [x, offsets], name, x.shape, fusedActivationFunction=RELU6 if relu else NONE)

    def add(self, x: Value, y: Value, name: str) -> Value:
        """ADD."""
        return self._stored("ADD", [x, y], name, x.shape)

    def depth_to_space(self, x: Value) -> Value:
        """DEPTH_TO_SPACE."""
        images, height, width, channels = x.shape
        return self._copy("DEPTH_TO_SPACE", [x], (images, 2 * height, 2 * width, channels // 4), blockSize=2)

    def clipped(self, x: Value, name: str) -> Value:
        """MINIMUM, RELU: within 0..255."""
        highest = self._parameters("highest", np.array(PIXELS[1]))
        return self._made("RELU", [self._made("MINIMUM", [x, highest], "minimum", x.shape)], name, x.shape)

    def _made(
        self, operator: str, inputs: Sequence[Value], name: str, shape: Sequence[int], levels: Levels | None = None,
        **options: Any,
    ) -> Value:  # fmt: skip
        version = HYBRID_CONVOLUTION if (operator, self.weights) == ("CONV_2D", "int8") else 1
        return self.graph.operator(operator, inputs, name, "FLOAT32", shape, levels, version, **options)

    def _stored(
        self, operator: str, inputs: Sequence[Value], name: str, shape: Sequence[int], levels: Levels | None = None,
        **options: Any,
    ) -> Value:  # fmt: skip
        self.named[name] = self._made(operator, inputs, name, shape, levels or self._levels(name), **options)
        return self.named[name]

    def _levels(self, name: str) -> Levels | None:
        """The levels of a new tensor: floats need none."""
        return None

    def _copy(self, operator: str, inputs: Sequence[Value], shape: Sequence[int], **options: Any) -> Value:
        """An operator that moves values and changes none: its levels are its input's, or XNNPACK refuses it."""
        return self._made(operator, inputs, operator.lower(), shape, inputs[0].levels, **options)

    def _convolution(
        self, x: Value, kernel: np.ndarray, bias: np.ndarray, strides: int, activation: int, name: str
    ) -> Value:
        images, height, width, _ = x.shape
        rows, columns, _, channels = kernel.shape
        shape = (images, (height - rows) // strides + 1, (width - columns) // strides + 1, channels)
        given = [x, *self._weights(x, kernel.transpose(3, 0, 1, 2), bias, name)]
        return self._stored(
            "CONV_2D",
            given,
            name,
            shape,
            padding=VALID,
            strideH=strides,
            strideW=strides,
            fusedActivationFunction=activation,
        )

    def _weights(self, _x: Value, kernel: np.ndarray, bias: np.ndarray, name: str) -> tuple[Value, Value]:
        """Kernel (out, height, width, in) and bias of a convolution."""
        if self.weights == "int8":
            weights = self.graph.constant(f"{name}_kernel", *kernel_levels(kernel))
        else:
            weights = self._parameters(f"{name}_kernel", kernel)
        return weights, self._parameters(f"{name}_bias", bias)

    def _own(self, name: str, values: np.ndarray) -> Value:
        """Scales or offsets of one style, (C,); or of many, (styles, C), mixed by a convolution of a single pixel."""
        if values.ndim == 1:
            return self._parameters(name, values)
        assert self.mix is not None
        kernel = values.T[:, None, None]
        given = [self.mix, *self._weights(self.mix, kernel, np.zeros(len(kernel), np.float32), name)]
        options: dict[str, Any] = {"padding": VALID, "strideH": 1, "strideW": 1}
        return self._made("CONV_2D", given, name, (1, 1, 1, len(kernel)), self._own_levels(name, values), **options)

    def _own_levels(self, _name: str, values: np.ndarray) -> Levels | None:
        """The levels of mixes of the values."""
        return None

    def _parameters(self, name: str, values: np.ndarray) -> Value:
        """A constant of floats; runtimes expand those of float16 when they load the file."""
        if self.weights != "float16":
            return self.graph.constant(name, values.astype(np.float32))
        half = self.graph.constant(f"{name}_half", values.astype(np.float16))
        if half not in self._expanded:
            self._expanded[half] = self.graph.operator("DEQUANTIZE", [half], name, "FLOAT32", half.shape, version=3)
        return self._expanded[half]

    def __post_init__(self) -> None:
        self._expanded: dict[Value, Value] = {}

    def _integers(self, values: Sequence[int]) -> Value:
        return self.graph.constant("integers", np.array(values, np.int32))

    def _reshaped(self, x: Value, shape: Sequence[int]) -> Value:
        """RESHAPE."""
        return self._copy("RESHAPE", [x, self._integers(shape)], shape)

    def _mean(self, x: Value, name: str) -> Value:
        """MEAN over height and width."""
        shape = (x.shape[0], 1, 1, x.shape[3])
        return self._stored("MEAN", [x, self._integers((1, 2))], name, shape, self._mean_levels(x, name), keepDims=True)

    def _mean_levels(self, x: Value, name: str) -> Levels | None:
        return None


def mix_in(graph: TfliteWriter, styles: int) -> Value | None:
    """The second input of a file of many styles, their shares of the mix, (1, 1, 1, styles); None for one style."""
    return graph.input(MIX, "FLOAT32", (1, 1, 1, styles)) if styles > 1 else None
