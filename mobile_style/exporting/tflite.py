"""The network as a TensorFlow Lite file."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from ..network.backend import quiet
from .card import METADATA
from .graph import Convolution, Tensor, forward
from .recipes import Recipe

Range = tuple[float, float]
PIXELS: Range = (0.0, 255.0)
HALFWAY = 2**-15  # levels; a mean on x86 was seen to be wrong by 1.9e-5
TRIES = 300
COPIES = (  # must have the scale of what they copy, or XNNPACK refuses them
    schema.BuiltinOperator.RESHAPE,
    schema.BuiltinOperator.SLICE,
    schema.BuiltinOperator.CONCATENATION,
    schema.BuiltinOperator.DEPTH_TO_SPACE,
)


@dataclass
class Quantization:
    """What an int8 export needs beside the network; quantize.py chooses it.

    Attributes:
        ranges: lowest and highest value by tensor name.
        knots: magnitudes between which a gain is interpolated, rising, by the gain's name.
    """

    ranges: dict[str, Range] = field(default_factory=dict)
    knots: dict[str, np.ndarray] = field(default_factory=dict)


def fake_quantized(x: Tensor, limits: Range) -> Tensor:
    """x rounded to the 256 levels between the limits, zero being one of them."""
    return tf.quantization.fake_quant_with_min_max_args(x, min=limits[0], max=limits[1])


class FloatOps:
    """TensorFlow's operators, in those forms that XNNPACK has kernels for."""

    def stored(self, x: Tensor, name: str) -> Tensor:
        """Every tensor that a file will hold passes here."""
        return x

    def size(self, x: Tensor) -> tuple[int, int]:
        """Height and width."""
        return int(x.shape[1]), int(x.shape[2])

    def take(self, x: Tensor, axis: int, start: int, length: int) -> Tensor:
        """SLICE."""
        begin, size = [0, 0, 0, 0], list(x.shape)  # written out: XNNPACK refuses -1 for "to the end"
        begin[axis], size[axis] = start, length
        return tf.slice(x, begin, size)

    def join(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """CONCATENATION."""
        return tf.concat(parts, axis)

    def convolve(self, x: Tensor, kernel: np.ndarray, bias: np.ndarray, strides: int, relu: bool, name: str) -> Tensor:
        """CONV_2D."""
        with tf.name_scope(name):  # by which a lint names the operators
            x = linear(x, kernel, bias, strides)
            return self.stored(tf.nn.relu6(x) if relu else x, name)

    def gain(self, x: Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> Tensor:
        """ABS, MEAN, ADD, DIV."""
        return tf.constant(scale) / (tf.reduce_mean(tf.abs(x), (1, 2), keepdims=True) + tf.constant(floor))

    def multiply(self, x: Tensor, gain: Tensor, name: str) -> Tensor:
        """MUL."""
        with tf.name_scope(name):
            return self.stored(x * gain, name)

    def shift(self, x: Tensor, offset: np.ndarray, name: str) -> Tensor:
        """ADD with its ReLU6."""
        with tf.name_scope(name):
            return self.stored(tf.nn.relu6(x + tf.constant(offset)), name)

    def add(self, x: Tensor, y: Tensor, name: str) -> Tensor:
        """ADD."""
        with tf.name_scope(name):
            return self.stored(x + y, name)

    def depth_to_space(self, x: Tensor) -> Tensor:
        """DEPTH_TO_SPACE."""
        return tf.nn.depth_to_space(x, 2)


@dataclass
class Int8Ops(FloatOps):
    """The same with every new tensor rounded as the int8 file will hold it, and no operator that int8 lacks."""

    quantization: Quantization

    def stored(self, x: Tensor, name: str) -> Tensor:
        """Rounds to the tensor's range."""
        return fake_quantized(x, self.quantization.ranges[name])

    def gain(self, x: Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> Tensor:
        """LEAKY_RELU, MEAN, and `interpolated`."""
        # A leaky ReLU with a slope of -1 is the absolute value, for which int8 has no kernel.
        magnitude = self.stored(tf.nn.leaky_relu(x, alpha=-1.0), f"{name}_abs")
        # Over each row, then over the rows: of so few bytes no sum need lie between two levels (`_avoid_ties`).
        images, height, width, channels = magnitude.shape
        rows = tf.reshape(magnitude, (images * height, 1, width, channels))
        rows = self.stored(tf.reduce_mean(rows, (1, 2), keepdims=True), f"{name}_rows")
        rows = tf.reshape(rows, (images, height, 1, channels))
        magnitude = self.stored(tf.reduce_mean(rows, (1, 2), keepdims=True), f"{name}_magnitude")
        return self.interpolated(magnitude, scale, floor, name)

    def interpolated(self, magnitude: Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> Tensor:
        """scale / (magnitude + floor) between the knots as a sum of ReLUs, for want of an int8 division.

        The channels' magnitudes, laid out as pixels of one channel, go through a 1x1 convolution that makes
        the terms, and one that adds them up.
        """
        knots = self.quantization.knots[name]
        values = 1 / (knots + floor.mean())
        slopes = np.diff(values) / np.diff(knots)
        bends = np.diff(slopes, append=0)  # what the slope changes by at the end of each piece
        # relu(bend * (knot - magnitude)) for each bend, and what is left beyond the last knot.
        weights, biases = np.append(-bends, 0), np.append(bends * knots[1:], values[-1])
        images, channels = magnitude.shape[0], len(scale)
        x = tf.reshape(magnitude, (images, channels, 1, 1))
        x = self.stored(tf.nn.relu(linear(x, weights.reshape(1, 1, 1, -1), biases)), f"{name}_terms")
        x = self.stored(linear(x, np.ones((1, 1, len(biases), 1)), np.zeros(1)), f"{name}_reciprocal")
        return self.stored(tf.reshape(x, (images, 1, 1, channels)) * tf.constant(scale), name)


def linear(x: Tensor, kernel: np.ndarray, bias: np.ndarray, strides: int = 1) -> Tensor:
    """A convolution without padding, and its bias."""
    kernel, bias = kernel.astype(np.float32), bias.astype(np.float32)
    return tf.nn.bias_add(tf.nn.conv2d(x, tf.constant(kernel), strides, "VALID"), tf.constant(bias))


def convert(
    convolutions: Sequence[Convolution], recipe: Recipe, size: tuple[int, int], quantization: Quantization | None
) -> bytes:
    """The bytes of a .tflite file.

    Args:
        convolutions: the network's.
        recipe: a row of recipes.py with the target "tflite".
        size: (height, width) of the pictures that the file takes.
        quantization: where the recipe's activations are int8; else None.

    Returns:
        A model of one subgraph; input "image" and output "stylised", (1, H, W, 3), RGB, 0..255.
    """

    def stylised(image: Tensor) -> Tensor:
        if quantization is None:
            return tf.clip_by_value(forward(FloatOps(), convolutions, image), *PIXELS, name="stylised")
        # Beyond the ends of its range int8 has no values: nothing to clip.
        output = forward(Int8Ops(quantization), convolutions, fake_quantized(image, PIXELS))
        return tf.identity(output, "stylised")

    signature = [tf.TensorSpec((1, *size, 3), tf.float32, "image")]
    function = tf.function(stylised, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if recipe.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if recipe.activations == "int8":
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    with quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)  # the ranges are in the graph
        return converter.convert()  # type: ignore[no-any-return]


def with_card(content: bytes, card: dict[str, Any]) -> bytes:
    """The .tflite file with the card as a metadata buffer, and written more tightly."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for tensor in model.subgraphs[0].tensors:  # what says nothing here takes 2 % of an int8 file
        tensor.name, tensor.shapeSignature = tensor.name.split(b";")[0], None
    _avoid_ties(model)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(json.dumps(card).encode(), np.uint8)
    entry.name, entry.buffer = METADATA, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = _SharingBuilder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _avoid_ties(model: Any) -> None:
    """Moves the scales of int8 products and means by millionths until no result lies between two levels.

    XNNPACK's kernels for x86, WebAssembly and ARM compute them in floats or in fixed point, and round such a result to
    different levels: a file would paint other bytes on a phone.
    """
    (graph,) = model.subgraphs
    for operator in graph.operators:
        kind = model.operatorCodes[operator.opcodeIndex].builtinCode
        given, (made, *_) = ([graph.tensors[index] for index in each] for each in (operator.inputs, operator.outputs))
        if made.type != schema.TensorType.INT8:
            continue
        scale = np.float64(given[0].quantization.scale[0])
        if kind == schema.BuiltinOperator.MUL:
            scale *= given[1].quantization.scale[0]
            results = np.unique(np.outer(*(np.arange(-128, 128) - each.quantization.zeroPoint[0] for each in given)))
        elif kind == schema.BuiltinOperator.MEAN:
            count = given[0].shape[1] * given[0].shape[2]
            scale /= count
            results = np.arange(255 * count + 1)
        else:
            if kind in COPIES:  # of what was moved
                made.quantization.scale = given[0].quantization.scale
            continue
        made.quantization.scale = np.array([_decided(results, scale, made.quantization.scale[0])], np.float32)


def _decided(results: np.ndarray, scale: np.float64, wanted: np.float32) -> np.float32:
    """The output's scale next to `wanted` with no ties; of large pictures' means, which all have some, the fewest."""
    candidates, counts = [], []
    for step in range(TRIES):
        candidates.append(np.float32(wanted * (1 + 1e-6 * step)))
        counts.append(ties(results, scale / np.float64(candidates[-1])))
        if counts[-1] == 0:
            break
    return candidates[int(np.argmin(counts))]


def ties(results: np.ndarray, scale: float) -> int:
    """How many integer results, times the scale, lie halfway between two of the 256 levels, or all but halfway."""
    levels = np.abs(results * scale)
    return int((np.abs(levels[levels < 256] % 1 - 0.5) < HALFWAY).sum())


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Writes each array (a shape, a scale, a constant) once, however often it is referred to."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        """Where the array is, or is written now."""
        key = (x.dtype.str, x.tobytes())
        if key not in self.written:
            self.written[key] = super().CreateNumpyVector(x)
        return self.written[key]

    def StartVector(self, element: int, count: int, alignment: int) -> int:
        """Aligns constants to 16 bytes, as TensorFlow Lite wants it."""
        return super().StartVector(element, count, 16 if element == 1 else alignment)  # type: ignore[no-any-return]
