"""Where int8 is decided: the range of every tensor, and how gains are interpolated.

Weights are rounded per output channel, symmetrically; activations per tensor, to 256 levels that
include zero (Jacob et al. 2018, https://arxiv.org/abs/1712.05877, the scheme of TensorFlow Lite).
Pixels need no choice: 0..255 with scale 1 at both ends.

`calibrate` sends a representative dataset through the network in float, then through the same network
rounded, layer by layer. Each tensor gets the range with the least squared error against float in what the
next layer sees of it: a few clipped peaks cost less than a coarse step for everything else. Biases stay as they
were trained: correcting them by the mean errors on the dataset (Nagel et al. 2019,
https://arxiv.org/abs/1906.04721) makes other photos worse (docs/quantization.md).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import tensorflow as tf

from .graph import Convolution, Tensor, forward
from .tflite import PIXELS, FloatOps, Int8Ops, Quantization, Range, fake_quantized

SHRINKS = np.geomspace(1.0, 0.15, 15)  # fractions of the full range that are tried
SAMPLES = 200_000  # values of a tensor that the error is taken over
MARGIN = 1.25  # of magnitudes and gains: other photos may have larger and smaller ones
KNOTS = 13


def calibrate(convolutions: Sequence[Convolution], photos: np.ndarray) -> Quantization:
    """Chooses what int8 needs on a representative dataset.

    Args:
        convolutions: from `TransformNet.convolutions`.
        photos: (N, H, W, 3) uint8; 16 to 64 photos, N * H * W up to about 2 million pixels.
    """
    pixels = tf.constant(photos, tf.float32)
    recorder = _Recorder()
    forward(recorder, convolutions, pixels)
    # What the ReLU6 after the offset turns into 0 or 6 anyway: no levels are spent there.
    useful = {
        f"{c.name}_scaled": (min(0.0, -float(c.offset.max())), 6 - min(0.0, float(c.offset.min())))
        for c in convolutions
        if c.relu
    }
    calibrator = _Calibrator(Quantization(), recorder.seen, recorder.gains, useful, convolutions[-1].name)
    forward(calibrator, convolutions, pixels)
    return calibrator.quantization


@dataclass
class _Recorder(FloatOps):
    """Keeps a sample of every tensor of the float network, and of its gains."""

    seen: dict[str, Tensor] = field(default_factory=dict)
    gains: dict[str, Tensor] = field(default_factory=dict)

    def stored(self, x: Tensor, name: str) -> Tensor:
        self.seen[name] = _sample(x)
        return x

    def gain(self, x: Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> Tensor:
        gain = super().gain(x, scale, floor, name)
        if not name.startswith("up"):  # there the convolution's output is laid out otherwise
            self.gains[name.replace("_gain", "_linear")] = _sample(tf.broadcast_to(gain, x.shape))
        return gain


@dataclass
class _Calibrator(Int8Ops):
    """The int8 network, which chooses a tensor's range when it first meets it."""

    exact: dict[str, Tensor]
    gains: dict[str, Tensor]
    useful: dict[str, Range]
    last: str

    def stored(self, x: Tensor, name: str) -> Tensor:
        if name == self.last:
            chosen = PIXELS
        elif name in self.exact:
            chosen = best_range(self.exact[name], _sample(x), self.matters(name))
        else:  # a part of a gain, which float computes otherwise
            chosen = (0.0, MARGIN * float(tf.reduce_max(x)))
        self.quantization.ranges[name] = chosen
        return super().stored(x, name)

    def matters(self, name: str) -> Callable[[Tensor], Tensor]:
        """What of a tensor's values the next layer sees."""
        if name in self.useful:
            return lambda values: tf.clip_by_value(values, *self.useful[name])
        if name in self.gains:
            # A photo of little contrast, whose gains are high, counts as much as any other. No ReLU6 follows a
            # block's second convolution: its peaks are seen.
            limit = 6 if name.replace("_linear", "_scaled") in self.useful else math.inf
            return lambda values: tf.clip_by_value(values * self.gains[name], -limit, limit)
        return lambda values: values

    def convolve(self, x: Tensor, kernel: np.ndarray, bias: np.ndarray, strides: int, relu: bool, name: str) -> Tensor:
        return super().convolve(x, rounded_kernel(kernel), bias, strides, relu, name)

    def interpolated(self, magnitude: Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> Tensor:
        lowest, highest = float(tf.reduce_min(magnitude)), float(tf.reduce_max(magnitude))
        self.quantization.knots[name] = np.geomspace(max(lowest, 0.05) / MARGIN, max(highest, 0.1) * MARGIN, KNOTS)
        return super().interpolated(magnitude, scale, floor, name)


def best_range(exact: Tensor, rounded: Tensor, matters: Callable[[Tensor], Tensor]) -> Range:
    """The range for `rounded` whose 256 levels come nearest to `exact` in what `matters` of both, all flat."""
    lowest, highest = min(0.0, float(tf.reduce_min(rounded))), max(0.0, float(tf.reduce_max(rounded)))
    if lowest == highest:
        return 0.0, 1.0
    wanted = matters(exact)

    def candidate(below: int, above: int) -> Range:
        return lowest * SHRINKS[below], highest * SHRINKS[above]

    def error(place: tuple[int, int]) -> float:
        return float(tf.reduce_mean(tf.square(matters(fake_quantized(rounded, candidate(*place))) - wanted)))

    # Every third fraction, then all around the best of those: the error has one valley.
    belows, aboves = range(len(SHRINKS) if lowest < 0 else 1), range(len(SHRINKS))
    below, above = min(product(belows[::3], aboves[::3]), key=error)
    around = product(belows[max(0, below - 2) : below + 3], aboves[max(0, above - 2) : above + 3])
    return candidate(*min(around, key=error))


def rounded_kernel(kernel: np.ndarray) -> np.ndarray:
    """The kernel with the values that int8 weights can have."""
    step = np.maximum(np.abs(kernel).max(axis=(0, 1, 2)), 1e-30) / 127
    rounded: np.ndarray = (np.rint(kernel / step) * step).astype(np.float32)
    return rounded


def _sample(x: Tensor) -> Tensor:
    flat = tf.reshape(x, -1)
    step = max(1, flat.shape[0] // SAMPLES)
    while math.gcd(step, x.shape[-1]) > 1:  # or it would see some of the channels only
        step += 1
    return flat[::step]
