"""TensorFlow's converter as a witness: the same graph from another hand."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mobile_style.exporting.recipes import Recipe
from mobile_style.inference.graph import Convolution, forward
from mobile_style.inference.int8_ops import reciprocal_terms
from mobile_style.inference.levels import Levels
from mobile_style.network.backend import quiet

Limits = tuple[float, float]


def convert(
    convolutions: Sequence[Convolution],
    recipe: Recipe,
    size: tuple[int, int],
    levels: Mapping[str, Levels],
    knots: Mapping[str, np.ndarray],
) -> bytes:
    """The bytes of a .tflite file; `levels` of each tensor by name, and `knots` of each gain, where there are any."""

    def stylized(image: tf.Tensor) -> tf.Tensor:
        if not levels:
            return tf.clip_by_value(forward(_Ops(), convolutions, image), 0.0, 255.0)
        return tf.identity(forward(_Int8Ops(levels, knots), convolutions, _rounded(image, (0.0, 255.0))))

    signature = [tf.TensorSpec((1, *size, 3), tf.float32, "image")]
    function = tf.function(stylized, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if recipe.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if recipe.activations == "int8":
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    with quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)  # the ranges are in the graph
        return converter.convert()


def _rounded(x: tf.Tensor, limits: Limits) -> tf.Tensor:
    return tf.quantization.fake_quant_with_min_max_args(x, min=limits[0], max=limits[1])


class _Ops:
    def stored(self, x: tf.Tensor, name: str) -> tf.Tensor:
        """Every tensor that an int8 file holds."""
        return x

    def size(self, x: tf.Tensor) -> tuple[int, int]:
        return int(x.shape[1]), int(x.shape[2])

    def take(self, x: tf.Tensor, axis: int, start: int, length: int) -> tf.Tensor:
        begin, size = [0, 0, 0, 0], list(x.shape)
        begin[axis], size[axis] = start, length
        return tf.slice(x, begin, size)

    def join(self, parts: Sequence[tf.Tensor], axis: int) -> tf.Tensor:
        return tf.concat(parts, axis)

    def convolve(
        self, x: tf.Tensor, kernel: np.ndarray, bias: np.ndarray, strides: int, relu: bool, name: str
    ) -> tf.Tensor:
        x = _linear(x, kernel, bias, strides)
        return self.stored(tf.nn.relu6(x) if relu else x, name)

    def gain(self, x: tf.Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> tf.Tensor:
        return tf.constant(scale) / (tf.reduce_mean(tf.abs(x), (1, 2), keepdims=True) + tf.constant(floor))

    def multiply(self, x: tf.Tensor, gain: tf.Tensor, name: str) -> tf.Tensor:
        return self.stored(x * gain, name)

    def shift(self, x: tf.Tensor, offset: np.ndarray, relu: bool, name: str) -> tf.Tensor:
        shifted = x + tf.constant(offset)
        return self.stored(tf.nn.relu6(shifted) if relu else shifted, name)

    def add(self, x: tf.Tensor, y: tf.Tensor, name: str) -> tf.Tensor:
        return self.stored(x + y, name)

    def depth_to_space(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.depth_to_space(x, 2)


@dataclass
class _Int8Ops(_Ops):
    levels: Mapping[str, Levels]
    knots: Mapping[str, np.ndarray]

    def stored(self, x: tf.Tensor, name: str) -> tf.Tensor:
        return _rounded(x, limits(self.levels[name]))

    def gain(self, x: tf.Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> tf.Tensor:
        images, _, _, channels = x.shape
        positive = _rounded(tf.nn.relu(tf.nn.max_pool2d(x, 1, 1, "VALID")), limits(self.levels[f"{name}_relu"]))
        above = self.stored(tf.reduce_mean(positive, (2,), keepdims=True), f"{name}_positive")
        mean = self.stored(tf.reduce_mean(x, (2,), keepdims=True), f"{name}_mean")
        below = self.stored(above - mean, f"{name}_negative")
        rows = self.stored(above + below, f"{name}_rows")
        magnitude = self.stored(tf.reduce_mean(rows, (1, 2), keepdims=True), f"{name}_magnitude")
        weights, biases = reciprocal_terms(self.knots[name], floor)
        x = tf.reshape(magnitude, (images, channels, 1, 1))
        x = self.stored(tf.nn.relu(_linear(x, weights.reshape(1, 1, 1, -1), biases)), f"{name}_terms")
        x = self.stored(_linear(x, np.ones((1, 1, len(biases), 1)), np.zeros(1)), f"{name}_reciprocal")
        return self.stored(tf.reshape(x, (images, 1, 1, channels)) * tf.constant(scale), name)


def _linear(x: tf.Tensor, kernel: np.ndarray, bias: np.ndarray, strides: int = 1) -> tf.Tensor:
    kernel, bias = kernel.astype(np.float32), bias.astype(np.float32)
    return tf.nn.bias_add(tf.nn.conv2d(x, tf.constant(kernel), strides, "VALID"), tf.constant(bias))


def limits(levels: Levels) -> Limits:
    """The lowest and highest value, in float32, of which the converter makes these levels, to the last bit."""
    ends = [np.float32(levels.scale * np.float64(end - levels.zero)) for end in (-128, 127)]
    at = min((at for at in (0, 1) if ends[at]), key=lambda at: abs(ends[at]))  # its steps are the finer ones
    for _ in range(64):
        made = Levels.spanning((float(ends[0]), float(ends[1])))
        if made == levels:
            break
        outwards = made.scale < levels.scale
        ends[at] = np.nextafter(ends[at], np.float32(np.inf if outwards == (at == 1) else -np.inf))
    return float(ends[0]), float(ends[1])
