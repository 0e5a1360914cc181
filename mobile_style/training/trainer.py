"""The network under its losses: what Keras differentiates, on any of its backends."""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from ..network.backend import fastest_precision
from ..network.transform_net import TransformNet
from .config import TrainConfig
from .losses import PerceptualLoss, brightness, checkerboard, moved_difference
from .palette import PaletteLoss
from .team import Team

LEARNING_RATE = 3e-3
# How many times the kernels' rate that of scales and offsets is, where they are all that a style has of its own. After
# 100 steps of a style trained alone, content + 12 x style is 710,317 at 3.3 times, 908,444 at the kernels' rate.
OWN_RATE = 3.3
LONG = 4000  # steps; more steps of that length wander off, as far as the root of their number
LOGGED = ("total", "content", "style", "tv", "quantization", "temporal", "checkerboard", "palette", "brightness")


@dataclass(frozen=True)
class Target:
    """What one style's losses compare with.

    Attributes:
        grams: the style image's Gram matrices by layer, (1, C, C).
        quantiles: its sorted colors, as `PaletteLoss` holds them.
        weight: factor of its style loss.
    """

    grams: dict[str, np.ndarray]
    quantiles: list[np.ndarray]
    weight: float = 1.0


class Trainer(keras.Model):  # type: ignore[misc]
    """The network under its losses: what Keras differentiates, on any of its backends.

    `team`: the processes that its steps are spread over, each of which has such a trainer.
    """

    def __init__(
        self,
        network: TransformNet,
        perceptual: PerceptualLoss,
        palette: PaletteLoss,
        config: TrainConfig,
        team: Team | None = None,
    ) -> None:
        super().__init__(dtype="float32")
        self.team = team or Team()
        self._zeros: dict[str, Any] = {}  # of the metrics, in a team
        self.network, self.perceptual, self.palette = network, perceptual, palette
        self.weights_of = {
            "quantization": config.qat_weight,
            "temporal": config.temporal_weight,
            "checkerboard": config.checkerboard_weight,
            "palette": config.palette_weight,
        }
        if config.brightness_weight:  # else not even 0 times it, which would round the total otherwise
            self.weights_of["brightness"] = config.brightness_weight
        self.fine = False
        self.margin = 0  # pixels of each crop's sides that the losses do not see
        # Weights, so that styles can take turns in one compiled step.
        perceptual.style_grams = {
            layer: self._constant(f"gram_{layer}", value) for layer, value in perceptual.style_grams.items()
        }
        palette.quantiles = [self._constant(f"quantiles_{at}", value) for at, value in enumerate(palette.quantiles)]
        self.style_factor = self._constant("style_factor", np.ones((), np.float32))
        self.style_share = self.add_weight(name="style_share", shape=(), initializer="ones", trainable=False)
        self.motion = self.add_weight(name="motion", shape=(2,), initializer="zeros", dtype="int32", trainable=False)
        self.corner = self.add_weight(name="corner", shape=(2,), initializer="zeros", dtype="int32", trainable=False)
        # Named here so that Keras sees their weights; JAX would compile them in as constants.
        self.loss_networks = [perceptual.network, perceptual.content_network]
        self.trackers = [keras.metrics.Mean(name=name, dtype="float32") for name in LOGGED]

    def _constant(self, name: str, value: np.ndarray) -> Any:
        variable = self.add_weight(name=name, shape=value.shape, initializer="zeros", trainable=False)
        variable.assign(value)
        return variable

    def target_of(self, style_image: np.ndarray, weight: float = 1.0) -> Target:
        """What the losses compare with for a style image, (H, W, 3), RGB, 0..255."""
        return Target(self.perceptual.grams_of(style_image), PaletteLoss(style_image).quantiles, weight)

    def aim_at(self, target: Target) -> None:
        """Trains towards another style from the next step on."""
        for layer, gram in target.grams.items():
            self.perceptual.style_grams[layer].assign(gram)
        for variable, quantiles in zip(self.palette.quantiles, target.quantiles, strict=True):
            variable.assign(quantiles)
        self.style_factor.assign(target.weight)

    def call(self, content_images: Any, training: bool = False) -> Any:
        """Stylizes a batch."""
        return self.network(content_images, training=training and self.fine)

    def refine(self) -> None:
        """Enters the fine phase."""
        self.fine = True
        self.make_train_function(force=True)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """The total of the losses of outputs `y_pred` for content images `x`, mean over the batch.

        Only `style_share` of the weights of style and palette counts here; the log counts them in full.

        In the fine phase, `y_pred` is rounded as int8 will round it. The quantization loss is its distance from the
        output that is not rounded, in squared gray levels, with gradients through both: it makes the network amplify
        rounding less. The temporal loss, in both phases, is the distance between the output that is not rounded and
        that of a frame moved by `motion` pixels, moved back: it keeps strokes in place in a video. The checkerboard
        loss is the grid that upsampling leaves in `y_pred`.
        """
        seen, photo = self.window(y_pred), self.window(x)
        parts = self.perceptual.parts(seen, self.perceptual.content_targets(photo))
        nothing = ops.zeros_like(parts["style"])
        moved = self.weights_of["temporal"]
        exact = self.network(x) if self.fine and (self.weights_of["quantization"] or moved) else None
        parts["quantization"] = nothing if exact is None else ops.mean(ops.square(y_pred - exact), axis=(1, 2, 3))
        frame = y_pred if exact is None else exact
        parts["temporal"] = moved_difference(self.network, x, frame, self.motion) if moved else nothing
        parts["checkerboard"] = checkerboard(y_pred)
        unweighted = isinstance(self.weights_of["palette"], int | float) and not self.weights_of["palette"]
        parts["palette"] = nothing if unweighted else self.palette(seen)  # sorting takes a share of each step
        parts["brightness"] = brightness(seen, photo) if "brightness" in self.weights_of else nothing
        parts["total"] = self.total(parts)
        for tracker in self.trackers:
            tracker.update_state(parts[tracker.name])
        return ops.mean(self.total(parts | {name: parts[name] * self.style_share for name in ("style", "palette")}))

    def window(self, images: Any) -> Any:
        """What the losses of content, style and palette see of (N, H, W, 3) images: all but the margin."""
        if not self.margin:
            return images
        count, height, width, _ = images.shape
        size = (count, height - self.margin, width - self.margin, 3)
        return ops.slice(images, (0, self.corner[0], self.corner[1], 0), size)

    def total(self, parts: dict[str, Any]) -> Any:
        """Weighted sum of all the losses."""
        parts = parts | {"style": parts["style"] * self.style_factor}
        return self.perceptual.total(parts) + sum(weight * parts[name] for name, weight in self.weights_of.items())

    def reset_metrics(self) -> None:
        """Sets the metrics to 0. In a team, zeros are copied: JAX has all processes compare each new one, in 5 ms."""
        if self.team.count == 1:
            super().reset_metrics()
            return
        for variable in self.metrics_variables:
            zero = self._zeros.get(variable.path)
            if zero is None:
                variable.assign(np.zeros(variable.shape, variable.dtype))
                zero = self._zeros[variable.path] = variable.value + 0
            variable.assign(zero + 0)  # the step takes the copy

    def step(
        self, batch: np.ndarray, motion: np.ndarray, corner: tuple[int, int] | np.ndarray = (0, 0)
    ) -> dict[str, float]:
        """One optimizer step.

        Args:
            batch: (N, H, W, 3) crops, 0..255; in a team, this process's part.
            motion: (2,) integers from 0 to `FARTHEST` - 1: pixels down and right that frames move by.
            corner: (2,) integers from 0 to `margin`: pixels down and right of what the losses see.

        Returns:
            The losses before the step, unweighted, and their weighted total.
        """
        self.reset_metrics()
        self.motion.assign(motion)
        self.corner.assign(corner)
        logs = self.train_on_batch(batch, return_dict=True)
        return {name: float(logs[name]) for name in LOGGED}

    def weighted(self, losses: dict[str, float]) -> dict[str, float]:
        """The same losses, weighted, so that they add up to the total."""
        objective = self.perceptual.objective
        factors = self.weights_of | {name: getattr(objective, f"{name}_weight") for name in ("content", "style", "tv")}
        factors["style"] *= float(self.style_factor)
        return {name: value * factors.get(name, 1.0) for name, value in losses.items()}


def suitable_rate(steps: int) -> float:
    """The peak of the learning rate in a training of `steps` steps."""
    return LEARNING_RATE * min(1.0, math.sqrt(LONG / max(steps, 1)))


def make_trainer(config: TrainConfig, style_image: np.ndarray, team: Team | None = None) -> Trainer:
    """A compiled `Trainer` with fresh weights."""
    precision = fastest_precision() if config.loss_precision == "auto" else config.loss_precision
    perceptual = PerceptualLoss(config.objective, style_image, precision)
    network = TransformNet(config.architecture, config.seed)
    for kernel in network.kernels:
        kernel.trainable = not config.only_style
    trainer = Trainer(network, perceptual, PaletteLoss(style_image), config, team)
    # Muon (https://kellerjordan.github.io/posts/muon/) for the kernels, Adam for the rest: in the same number of steps
    # it gets what takes Adam 1.75 times as many (docs/training.md).
    optimizer = keras.optimizers.Muon(
        config.learning_rate or suitable_rate(config.steps),
        weight_decay=None,
        adam_weight_decay=None,
        exclude_embeddings=False,
        adam_lr_ratio=OWN_RATE if config.styles else 1,
    )
    # XLA on the CPU is no faster.
    trainer.compile(optimizer, jit_compile="auto" if keras.backend.backend() == "jax" else False)
    optimizer.build(trainer.network.trainable_variables)
    return trainer
