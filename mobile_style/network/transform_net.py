"""The transform network: a photo in, the stylized photo out, in one forward pass.

Johnson et al. 2016 (https://arxiv.org/abs/1603.08155), with two changes. Upsampling is by nearest
neighbor followed by a convolution in place of transposed convolution (Odena et al. 2016,
https://distill.pub/2016/deconv-checkerboard/). And where others normalize each image to zero mean
and unit variance (Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022), here each channel of each
image is divided by its mean absolute value, as filter response normalization (Singh & Krishnan 2019,
https://arxiv.org/abs/1911.09737) does with the root of the mean square. That paints as well, and
8-bit integers can hold it: no difference of large numbers, no square, no root. The first and the
last hidden layer, the largest ones, do without (docs/quantization.md has what each choice costs).

Pixels are 0..255 on both ends, RGB, channels last. Every convolution sees its input continued by
reflection: with zero padding the network draws a frame around the picture. Constant factors stand
between the pixels and the first and last convolution so that an optimizer's steps suit the weights;
an export folds them into the weights.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from .architecture import EPSILON, INPUT_SCALE, OUTPUT_OFFSET, OUTPUT_SCALE, Architecture
from .backend import LAST
from .card import Card
from .checkpoint import read_model
from .random_weights import random_weights

Tensor = Any  # a tensor of whichever backend Keras runs on
Magnitude = Callable[[int, Tensor], Tensor]


def image_magnitude(_index: int, x: Tensor) -> Tensor:
    """Mean absolute value of each channel over each image's own pixels: (N, 1, 1, C)."""
    return ops.mean(ops.abs(x), axis=(1, 2), keepdims=True)


def rounded(x: Tensor) -> Tensor:
    """x as 8-bit integers would hold it, 256 levels between its extremes; the gradient passes straight through."""
    lowest, highest = ops.minimum(ops.min(x), 0.0), ops.maximum(ops.max(x), 0.0)
    step = (highest - lowest) / 255 + 1e-6
    return x + ops.stop_gradient(ops.round(x / step) * step - x)


def convolved(x: Tensor, kernel: Tensor, strides: int = 1) -> Tensor:
    """Convolution of x (N, H, W, C) continued by reflection: (N, ceil(H / strides), ceil(W / strides), C')."""
    margin = (kernel.shape[0] // 2,) * 2
    x = ops.pad(x, ((0, 0), margin, margin, (0, 0)), mode="reflect")
    return ops.conv(x, kernel, strides=strides, padding="valid", data_format=LAST)


class TransformNet(keras.Model):  # type: ignore[misc]
    """Image transformation network of an `Architecture`; builds its weights at once from `seed`."""

    def __init__(self, architecture: Architecture, seed: int = 0) -> None:
        super().__init__(name="transform_net", dtype="float32")
        self.architecture = architecture
        self.kernels: list[Any] = []
        self.scales: list[Any] = []  # None where there is none
        self.offsets: list[Any] = []
        weights = random_weights(architecture, seed)
        for name, *_ in architecture.convolutions():
            # Kernels are matrices, which is what Muon takes.
            for kind, kept in (("kernel", self.kernels), ("scale", self.scales), ("offset", self.offsets)):
                kept.append(self._variable(f"{name}_{kind}", weights.get(f"{name}_{kind}")))
        self.built = True

    def _variable(self, name: str, value: np.ndarray | None) -> Any:
        if value is None:
            return None
        variable = self.add_weight(name=name, shape=value.shape, initializer="zeros")
        variable.assign(value)
        return variable

    def call(self, images: Tensor, magnitude: Magnitude = image_magnitude, training: bool = False) -> Tensor:
        """Stylizes a batch.

        Args:
            images: (N, H, W, 3) float, RGB, 0..255; H and W multiples of 4, at least `SMALLEST`.
            magnitude: gives what the n-th convolution's output is divided by, broadcastable to it.
                Tiles of one large image share theirs (see stylize.py).
            training: every tensor that int8 will store is rounded, so that the network learns to bear it
                (Jacob et al. 2018, https://arxiv.org/abs/1712.05877).

        Returns:
            (N, H, W, 3) float, RGB, 0..255 (clipped).
        """
        shapes = [(k, k, i, o) for _, k, i, o, _ in self.architecture.convolutions()]

        stored = rounded if training else (lambda x: x)

        def layer(index: int, x: Tensor, strides: int = 1) -> Tensor:
            x = convolved(x, ops.reshape(self.kernels[index], shapes[index]), strides)
            if self.scales[index] is not None:
                x = stored(x)
                x = stored(x * (self.scales[index] / (magnitude(index, x) + EPSILON)))
            return x if self.offsets[index] is None else x + self.offsets[index]

        def rectified(index: int, x: Tensor, strides: int = 1) -> Tensor:
            return stored(ops.relu6(layer(index, x, strides)))

        x = rectified(0, images * INPUT_SCALE)
        x = rectified(1, x, strides=2)
        x = rectified(2, x, strides=2)
        index = 3
        for _ in range(self.architecture.blocks):
            x = stored(x + layer(index + 1, rectified(index, x)))
            index += 2
        for _ in range(2):
            x = rectified(index, ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2))
            index += 1
        x = layer(index, x) * OUTPUT_SCALE + OUTPUT_OFFSET
        # Clipped in training too, so that what is trained is what is seen; the gradient passes
        # straight through, or a pixel that leaves the range could never come back.
        return x + ops.stop_gradient(ops.clip(x, 0.0, 255.0) - x)


def load_network(path: Path) -> tuple[TransformNet, Card]:
    """The network in a checkpoint, ready to run, and the checkpoint's card.

    Raises:
        CheckpointError: the file is missing, damaged, or does not fit its own description.
    """
    checkpoint = read_model(path)
    network = TransformNet(checkpoint.architecture())
    load_weights(network, checkpoint.weights)
    return network, checkpoint.card


def load_weights(network: TransformNet, weights: dict[str, np.ndarray]) -> None:
    """Puts a checkpoint's arrays into a network of the same architecture."""
    for variable in network.weights:
        variable.assign(weights[variable.name])


def arrays(network: TransformNet) -> dict[str, np.ndarray]:
    """A network's arrays by name, as a checkpoint has them."""
    return {variable.name: ops.convert_to_numpy(variable.value) for variable in network.weights}
