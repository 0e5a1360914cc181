"""The transform network: a photo in, the stylised photo out, in one forward pass.

Johnson et al. 2016 (https://arxiv.org/abs/1603.08155), with the two changes that its authors and
successors settled on: instance normalisation (Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022)
and nearest-neighbour upsampling followed by a convolution in place of transposed convolution
(Odena et al. 2016, https://distill.pub/2016/deconv-checkerboard/).

Pixels are 0..255 on both ends, RGB, channels last. Every convolution sees its input continued by
reflection: with zero padding the network draws a frame around the picture. Constant factors stand
between the pixels and the first and last convolution so that Adam's steps suit the weights; an
export folds them into the weights.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from .checkpoint import Checkpoint
from .config import Architecture
from .errors import CheckpointError, UsageError

Tensor = Any  # a tensor of whichever backend Keras runs on
Moments = Callable[[int, Tensor], tuple[Tensor, Tensor]]

EPSILON = 1e-5
INPUT_SCALE = 1 / 255
OUTPUT_SCALE = 25.0
OUTPUT_OFFSET = 127.5
SMALLEST = 8  # pixels: at a quarter of it, there must be something left to reflect


def image_moments(_index: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance over each image's own pixels: what makes it *instance* normalisation."""
    return ops.moments(x, axes=(1, 2), keepdims=True)  # type: ignore[no-any-return]


def convolved(x: Tensor, kernel: Tensor, strides: int = 1) -> Tensor:
    """Convolution of x (N, H, W, C) continued by reflection: (N, ceil(H / strides), ceil(W / strides), C')."""
    margin = (kernel.shape[0] // 2,) * 2
    x = ops.pad(x, ((0, 0), margin, margin, (0, 0)), mode="reflect")
    return ops.conv(x, kernel, strides=strides, padding="valid")


class TransformNet(keras.Model):  # type: ignore[misc]
    """Image transformation network of an `Architecture`; builds its weights at once from `seed`."""

    def __init__(self, architecture: Architecture, seed: int = 0) -> None:
        super().__init__(name="transform_net")
        self.architecture = architecture
        self.kernels, self.scales, self.offsets = [], [], []
        rng = np.random.default_rng(seed)  # NumPy's, so that every backend starts from the same weights
        for name, k, channels_in, channels_out, _ in architecture.convolutions():
            # Glorot & Bengio 2010, equation 16.
            limit = np.sqrt(6 / (k * k * (channels_in + channels_out)))
            start = rng.uniform(-limit, limit, (k, k, channels_in, channels_out)).astype(np.float32)
            kernel = self.add_weight(name=f"{name}_kernel", shape=start.shape, initializer="zeros")
            kernel.assign(start)
            self.kernels.append(kernel)
            if name != "out":
                self.scales.append(self.add_weight(name=f"{name}_scale", shape=(channels_out,), initializer="ones"))
            self.offsets.append(self.add_weight(name=f"{name}_offset", shape=(channels_out,), initializer="zeros"))
        self.built = True

    def call(self, images: Tensor, moments: Moments = image_moments) -> Tensor:
        """Stylises a batch.

        Args:
            images: (N, H, W, 3) float, RGB, 0..255; H and W at least `SMALLEST`.
            moments: gives (mean, variance) that normalise the n-th convolution's output,
                broadcastable to it. Tiles of one large image share theirs (see stylize.py).

        Returns:
            (N, H, W, 3) float, RGB, 0..255 (clipped).
        """

        def normalised(index: int, x: Tensor, strides: int = 1) -> Tensor:
            x = convolved(x, self.kernels[index], strides)
            mean, variance = moments(index, x)
            scale = self.scales[index] * ops.rsqrt(variance + EPSILON)
            return x * scale + (self.offsets[index] - mean * scale)

        height, width = ops.shape(images)[1:3]
        x = ops.relu(normalised(0, images * INPUT_SCALE))
        x = half = ops.relu(normalised(1, x, strides=2))
        x = ops.relu(normalised(2, x, strides=2))
        index = 3
        for _ in range(self.architecture.blocks):
            x = x + normalised(index + 1, ops.relu(normalised(index, x)))
            index += 2
        for size in (ops.shape(half)[1:3], (height, width)):
            x = ops.relu(normalised(index, ops.image.resize(x, size, interpolation="nearest")))
            index += 1
        x = convolved(x, self.kernels[index]) + self.offsets[index]
        x = x * OUTPUT_SCALE + OUTPUT_OFFSET
        # Clipped in training too, so that what is trained is what is seen; the gradient passes
        # straight through, or a pixel that leaves the range could never come back.
        return x + ops.stop_gradient(ops.clip(x, 0.0, 255.0) - x)


def load_network(path: Path) -> tuple[TransformNet, dict[str, Any]]:
    """The network in a checkpoint, ready to run, and the checkpoint's card.

    Raises:
        CheckpointError: the file is missing, damaged, or does not fit its own description.
    """
    checkpoint = Checkpoint.read(path)
    try:
        architecture = Architecture(**checkpoint.card["config"]["architecture"])
    except (TypeError, KeyError, UsageError) as error:
        raise CheckpointError(f"{path} describes an architecture that this version does not know ({error})") from None
    network = TransformNet(architecture)
    load_weights(network, checkpoint.weights)
    return network, checkpoint.card


def load_weights(network: TransformNet, weights: dict[str, np.ndarray]) -> None:
    """Puts a checkpoint's arrays into a network of the same architecture."""
    variables = {variable.name: variable for variable in network.weights}
    if {name: tuple(v.shape) for name, v in variables.items()} != {name: a.shape for name, a in weights.items()}:
        raise CheckpointError("the checkpoint's arrays do not fit the architecture that it names")
    for name, variable in variables.items():
        variable.assign(weights[name])
