"""The perceptual losses of finished pictures, through LiteRT: what `evaluate` and `validate` report, without Keras.

They equal those of losses.py, which training differentiates; a test compares the two.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..inference.interpreter import Loaded
from ..inference.tflite_writer import RELU, SAME, VALID, TfliteWriter, Value
from ..training.objective import VGG16_LAYERS, Objective
from ..training.vgg16 import MEAN_RGB, vgg16_weights

KEPT = 2  # sizes whose graphs are kept


class PictureLosses:
    """The losses of an `Objective` for one style.

    Attributes:
        objective: the layers and the weights.
        style_grams: the style image's Gram matrices by layer, (C, C).
    """

    def __init__(self, objective: Objective, style: np.ndarray | Mapping[str, np.ndarray]) -> None:
        """Takes the style image, (H, W, 3), 0..255, at the scale of its strokes, or its Gram matrices."""
        self.objective = objective
        if isinstance(style, np.ndarray):
            features = vgg16_features(style, objective.style_layers)
            style = {layer: gram_matrix(value) for layer, value in features.items()}
        self.style_grams = dict(style)

    def __call__(self, photo: np.ndarray, pictures: Iterable[np.ndarray]) -> list[dict[str, float]]:
        """The losses of each picture for one photo; all (H, W, 3), 0..255.

        Returns:
            "content", "style" and "tv", unweighted, and their weighted "total".
        """
        chosen, found = self.objective, []
        targets = vgg16_features(photo, chosen.content_layers)
        for picture in pictures:
            features = vgg16_features(picture, (*chosen.content_layers, *chosen.style_layers))
            content = sum(float(np.mean(np.square(features[layer] - targets[layer]))) for layer in targets)
            style = sum(self._style_loss(layer, features[layer]) for layer in chosen.style_layers)
            tv = total_variation(picture)
            total = chosen.content_weight * content + chosen.style_weight * style + chosen.tv_weight * tv
            found.append({"content": content, "style": style, "tv": tv, "total": total})
        return found

    def _style_loss(self, layer: str, features: np.ndarray) -> float:
        squared = np.square(gram_matrix(features) - self.style_grams[layer])
        return float(squared.mean() if self.objective.reduction == "mean" else squared.sum())


def gram_matrix(features: np.ndarray) -> np.ndarray:
    """(C, C), of features (H, W, C): equation 3 of Johnson et al. 2016, divided by C * H * W."""
    flat = features.reshape(-1, features.shape[-1])
    gram: np.ndarray = flat.T @ flat / flat.size
    return gram


def total_variation(picture: np.ndarray) -> float:
    """Sum over all neighboring pixels and channels of their squared difference."""
    pixels = picture.astype(np.float64)
    return float(np.square(np.diff(pixels, axis=0)).sum() + np.square(np.diff(pixels, axis=1)).sum())


def vgg16_features(picture: np.ndarray, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Features of (H, W, 3), RGB, 0..255, after the ReLU of each layer: (H / d, W / d, C) float32, d 1 to 8."""
    given = picture[None].astype(np.float32) - np.array(MEAN_RGB, np.float32)
    wanted = tuple(layer for layer in VGG16_LAYERS if layer in layers)
    found = _loaded(picture.shape[:2], wanted)(given)
    return {layer: features[0] for layer, features in zip(wanted, found, strict=True)}


@lru_cache(KEPT)
def _loaded(size: tuple[int, int], layers: tuple[str, ...]) -> Loaded:
    """VGG-16 for pictures of one size, up to the last of the layers, each an output."""
    graph = TfliteWriter()
    x, outputs = graph.input("picture", "FLOAT32", (1, *size, 3)), {}
    for layer, (kernel, bias) in zip(VGG16_LAYERS, vgg16_weights(), strict=True):
        if layer.endswith("_1") and layer != "1_1":
            shape = (1, x.shape[1] // 2, x.shape[2] // 2, x.shape[3])
            strides: dict[str, Any] = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
            x = graph.operator("MAX_POOL_2D", [x], f"pool{layer}", "FLOAT32", shape, padding=VALID, **strides)
        x = _convolution(graph, x, kernel, bias, layer)
        if layer in layers:
            outputs[layer] = x
        if len(outputs) == len(layers):
            break
    return Loaded(graph.content(outputs))


def _convolution(graph: TfliteWriter, x: Value, kernel: np.ndarray, bias: np.ndarray, layer: str) -> Value:
    weights = graph.constant(f"kernel{layer}", np.ascontiguousarray(kernel.transpose(3, 0, 1, 2)))
    given = [x, weights, graph.constant(f"bias{layer}", bias)]
    options: dict[str, Any] = {"strideH": 1, "strideW": 1, "fusedActivationFunction": RELU}
    return graph.operator("CONV_2D", given, layer, "FLOAT32", (*x.shape[:3], kernel.shape[3]), padding=SAME, **options)
