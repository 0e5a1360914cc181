"""The slow way: optimizing the pixels of one image (Gatys et al. 2016, https://arxiv.org/abs/1508.06576).

Transform networks are measured against it. As in Johnson et al. 2016, section 4.1, L-BFGS changes the pixels, kept
within 0..255, to minimize the same losses. The paper starts from white noise; from the photo itself, whose content is
perfect, the same number of iterations gets further.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.optimize import minimize

from ..training.losses import PerceptualLoss


@dataclass(frozen=True)
class Snapshot:
    """The image after a number of iterations.

    Attributes:
        seconds: since the start, without the losses' compilation.
        image: (H, W, 3) float32, 0..255.
    """

    iterations: int
    seconds: float
    image: np.ndarray


class _GradientAsValue(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Leaves each variable's gradient in the variable, which gives the gradient on every Keras backend."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        self.assign(variable, gradient)


class _Canvas(keras.Model):  # type: ignore[misc]
    """An image as the only weight of a model."""

    def __init__(self, perceptual: PerceptualLoss, shape: tuple[int, ...]) -> None:
        super().__init__(name="canvas", dtype="float32")
        self.perceptual = perceptual
        self.loss_network = perceptual.network
        self.image = self.add_weight(name="image", shape=shape)

    def call(self, content_targets: Any) -> Any:
        return self.image + 0

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        return ops.mean(self.perceptual.total(self.perceptual.parts(y_pred, x)))


class PixelOptimizer:
    """Optimizes images of one size for one style."""

    def __init__(self, perceptual: PerceptualLoss, height: int, width: int) -> None:
        self.shape = (1, height, width, 3)
        self.canvas = _Canvas(perceptual, self.shape)
        self.canvas.compile(
            _GradientAsValue(1.0, name="gradient"), jit_compile="auto" if keras.backend.backend() == "jax" else False
        )

    def loss_and_gradient(self, pixels: np.ndarray, targets: dict[str, Any]) -> tuple[float, np.ndarray]:
        """The loss of an image, and its gradient: float64, flat, as SciPy wants them.

        Args:
            pixels: the image, flat, 0..255.
            targets: features of the photo at the content layers.
        """
        self.canvas.image.assign(pixels.reshape(self.shape))
        self.canvas.reset_metrics()  # before Keras 3.15 the loss is else the mean of all so far
        loss = float(self.canvas.train_on_batch(targets, return_dict=True)["loss"])
        return loss, ops.convert_to_numpy(self.canvas.image.value).astype(np.float64).ravel()

    def run(
        self,
        content: np.ndarray,
        iterations: tuple[int, ...],
        start: np.ndarray,
        each: Callable[[Snapshot], None] = lambda _: None,
        tell: Callable[[int], None] = lambda _: None,
    ) -> list[Snapshot]:
        """Optimizes from `start` and keeps the image after each of the `iterations`.

        Args:
            content: (H, W, 3), 0..255.
            iterations: counts in ascending order.
            start: (H, W, 3), 0..255.
            each: called with each kept image as soon as it is there.
            tell: called after each iteration with how many are done.
        """
        targets = self.canvas.perceptual.content_targets(ops.convert_to_tensor(content[None], dtype="float32"))
        self.loss_and_gradient(content, targets)  # compiles
        snapshots: list[Snapshot] = []
        done, began = 0, time.perf_counter()

        def keep(count: int, pixels: np.ndarray) -> None:
            nonlocal began
            now, image = time.perf_counter(), pixels.reshape(self.shape[1:]).astype(np.float32)
            snapshots.append(Snapshot(count, now - began, image))
            each(snapshots[-1])
            began += time.perf_counter() - now  # which is not the optimization's

        def note(pixels: np.ndarray) -> None:
            nonlocal done
            done += 1
            tell(done)
            if done in iterations:
                keep(done, pixels)

        result = minimize(
            lambda pixels: self.loss_and_gradient(pixels, targets),
            start.ravel().astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 255.0)] * start.size,
            callback=note,
            options={"maxiter": iterations[-1], "maxfun": 20 * iterations[-1], "ftol": 0.0, "gtol": 0.0, "maxcor": 10},
        )
        for count in iterations[len(snapshots) :]:  # it converged early: nothing would change any more
            keep(count, result.x)
        return snapshots
