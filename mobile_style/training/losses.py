"""The loss network (VGG-16) and the perceptual losses that it defines.

Johnson et al. 2016 (https://arxiv.org/abs/1603.08155), section 3.2. docs/losses.md derives them.
Images are (N, H, W, 3), RGB, 0..255; features are (N, H, W, C); every loss is the mean over the
batch of a loss per image.
"""

from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from ..media.images import LUMA
from ..network.backend import LAST, Precision
from ..network.transform_net import TransformNet
from .objective import VGG16_LAYERS, Objective
from .vgg16 import MEAN_RGB, vgg16_weights

Tensor = Any  # a tensor of whichever backend Keras runs on

WINDOW = 32  # pixels, of the checkerboard loss
BLUR = 8  # pixels: the brightness loss compares means of squares of that side
CONTRAST = 0.9  # of the photo's own: judges like deep darks (docs/experiments/training-brightness.md)
FARTHEST = 8  # pixels that a frame moves in the temporal loss; two of the network's strides


class LossNetwork(keras.Model):  # type: ignore[misc]
    """VGG-16 up to the last of `layers`, with its ImageNet classification weights, frozen.

    Its convolutions run in `precision`; images and features are float32 all the same.
    """

    def __init__(self, layers: tuple[str, ...], precision: Precision = "float32") -> None:
        super().__init__(name="loss_network", dtype="float32")
        self.precision = precision
        self.wanted = layers
        needed = VGG16_LAYERS[: 1 + max(map(VGG16_LAYERS.index, layers))]
        self.convolutions = []
        for layer, (kernel, bias) in zip(needed, vgg16_weights(), strict=False):
            convolution = keras.layers.Conv2D(
                kernel.shape[3],
                3,
                padding="same",
                activation="relu",
                name=layer,
                dtype=precision,
                data_format=LAST,
            )
            convolution.build((None, None, None, kernel.shape[2]))
            convolution.set_weights([kernel, bias])
            convolution.trainable = False
            self.convolutions.append((layer, convolution))
        self.built = True

    def call(self, images: Tensor) -> dict[str, Tensor]:
        """Features after the ReLU of each wanted layer, at 1, 1/2, 1/4 and 1/8 of the resolution."""
        x = ops.cast(images - ops.array(MEAN_RGB, dtype="float32"), self.precision)
        features = {}
        for layer, convolution in self.convolutions:
            if layer.endswith("_1") and layer != "1_1":
                x = ops.max_pool(x, (2, 2), (2, 2), data_format=LAST)
            x = convolution(x)
            if layer in self.wanted:
                features[layer] = ops.cast(x, "float32")
        return features


def gram_matrix(features: Tensor) -> Tensor:
    """Products of every two channels, summed over the pixels and divided by C * H * W (equation 3 of the paper).

    Args:
        features: (N, H, W, C).

    Returns:
        (N, C, C), symmetric.
    """
    _, height, width, channels = ops.shape(features)
    flat = ops.reshape(features, (-1, height * width, channels))
    count = height * width * channels
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / ops.cast(count, features.dtype)


def squared_difference(a: Tensor, b: Tensor, reduction: Literal["mean", "sum"]) -> Tensor:
    """Squared differences of each item of a batch, averaged or added up over its elements: (N,)."""
    squared = ops.square(a - b)
    axes = tuple(range(1, len(squared.shape)))
    return ops.mean(squared, axis=axes) if reduction == "mean" else ops.sum(squared, axis=axes)


def total_variation(images: Tensor) -> Tensor:
    """Sum over all neighboring pixels and channels of their squared difference: (N,)."""
    down = ops.square(images[:, 1:] - images[:, :-1])
    right = ops.square(images[:, :, 1:] - images[:, :, :-1])
    return ops.sum(down, axis=(1, 2, 3)) + ops.sum(right, axis=(1, 2, 3))


def checkerboard(images: Tensor) -> Tensor:
    """The grid that the network's two upsamplings leave: color that depends on the position in a cell of 4 x 4 pixels.

    In each window of `WINDOW` x `WINDOW` pixels, it is the variance of the 16 positions' means, in squared gray levels.
    Strokes and contents fall on every position alike, so they leave little; a grid adds up. (`metrics.checkerboard`,
    the gate's score, is the amplitude of one wave of the whole picture's brightness.)

    Args:
        images: (N, H, W, 3), each side at least `WINDOW` pixels; what is left over of whole windows does not count.

    Returns:
        The mean over windows and channels: (N,).
    """
    _, height, width, channels = images.shape
    rows, columns, cells = height // WINDOW, width // WINDOW, WINDOW // 4
    tiled = images[:, : rows * WINDOW, : columns * WINDOW]
    tiled = ops.reshape(tiled, (-1, rows, cells, 4, columns, cells, 4, channels))
    return ops.mean(ops.var(ops.mean(tiled, axis=(2, 5)), axis=(2, 4)), axis=(1, 2, 3))


def brightness(outputs: Tensor, photos: Tensor) -> Tensor:
    """How far light and dark are from where the photo has them: (N,), in squared gray levels.

    The mean squared difference of the blurred brightness of outputs and photos, (N, H, W, 3), 0..255, each less its
    mean, the photo's at `CONTRAST`. What is smaller than `BLUR` pixels is the style's.
    """
    return ops.mean(ops.square(_blurred(outputs) - CONTRAST * _blurred(photos)), axis=(1, 2, 3))


def _blurred(images: Tensor) -> Tensor:
    light = ops.sum(images * LUMA, axis=-1, keepdims=True)
    light = ops.average_pool(light, BLUR, BLUR, "valid", data_format=LAST)
    return light - ops.mean(light, axis=(1, 2), keepdims=True)


def moved_difference(network: TransformNet, frames: Tensor, outputs: Tensor, motion: Tensor) -> Tensor:
    """Mean squared difference, in gray levels, between what is painted before and after a movement: (N,).

    Args:
        network: the network that paints.
        frames: (N, H, W, 3), 0..255.
        outputs: what the network makes of the frames.
        motion: (2,) integers from 0 to `FARTHEST` - 1, down and right.
    """
    count, height, width, _ = frames.shape
    start, size = (0, motion[0], motion[1], 0), (count, height - FARTHEST, width - FARTHEST, 3)
    difference = network(ops.slice(frames, start, size)) - ops.slice(outputs, start, size)
    # Up to the edges, though the two see different reflections there: in a rim left out, networks paint a frame.
    return ops.mean(ops.square(difference), axis=(1, 2, 3))


class PerceptualLoss:
    """The losses of an `Objective` for one style image."""

    def __init__(
        self, objective: Objective, style: np.ndarray | Mapping[str, np.ndarray], precision: Precision = "float32"
    ) -> None:
        """Takes the style image's Gram matrices.

        Args:
            objective: the layers and the weights.
            style: the style image, (H, W, 3), RGB, 0..255, at least 8x8, at the scale its strokes should have; or its
                Gram matrices by layer, (C, C).
            precision: precision of the loss network. bfloat16 is nearly twice as fast where the processor has it, and
                good enough to train with; reported figures are taken in float32.
        """
        self.objective = objective
        self.network = LossNetwork((*objective.content_layers, *objective.style_layers), precision)
        # A content image is needed only up to the content layer: a third less work than all of it.
        self.content_network = LossNetwork(objective.content_layers, precision)
        self.style_grams: dict[str, Any]
        if not isinstance(style, np.ndarray):
            self.style_grams = {layer: gram[None] for layer, gram in style.items()}
            return
        self.style_grams = self.grams_of(style)

    def grams_of(self, style: np.ndarray) -> dict[str, np.ndarray]:
        """The Gram matrices of a style image, (H, W, 3), RGB, 0..255, by layer: (1, C, C)."""
        features = self.network(ops.convert_to_tensor(style[None], dtype="float32"))
        return {layer: ops.convert_to_numpy(gram_matrix(features[layer])) for layer in self.objective.style_layers}

    def content_targets(self, content_images: Tensor) -> dict[str, Tensor]:
        """Features of (N, H, W, 3) content images at the content layers."""
        return self.content_network(content_images)  # type: ignore[no-any-return]

    def parts(self, images: Tensor, content_targets: dict[str, Tensor]) -> dict[str, Tensor]:
        """The three losses of each image, before their weights.

        Returns:
            content, style and tv, each (N,).
        """
        features, chosen = self.network(images), self.objective
        content = [
            squared_difference(features[layer], content_targets[layer], "mean") for layer in chosen.content_layers
        ]
        style = [
            squared_difference(
                gram_matrix(features[layer]),
                ops.convert_to_tensor(self.style_grams[layer]),
                chosen.reduction,
            )
            for layer in chosen.style_layers
        ]
        return {"content": sum(content), "style": sum(style), "tv": total_variation(images)}

    def total(self, parts: dict[str, Tensor]) -> Tensor:
        """Weighted sum of what `parts` gives."""
        chosen = self.objective
        return (
            chosen.content_weight * parts["content"]
            + chosen.style_weight * parts["style"]
            + chosen.tv_weight * parts["tv"]
        )
