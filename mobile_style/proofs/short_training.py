"""Trains one network for a while towards many targets in turn, with one compiled step; a proof uses it."""

import math
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import keras
import numpy as np
from keras import ops

from ..inference.network import Network
from ..network.checkpoint import read_model
from ..network.transform_net import arrays, load_weights
from ..training.config import TrainConfig
from ..training.dataset import Batches
from ..training.trainer import LEARNING_RATE, Target, make_trainer

WARMUP = 20  # steps
NO_MOTION = np.zeros(2, np.int32)  # nothing here is trained for video


class ShortTraining:
    """A network that starts from the model `config.init`, and the losses of whichever target it is aimed at."""

    def __init__(self, config: TrainConfig, style: np.ndarray, batches: Batches) -> None:
        """Takes the settings, of which the palette weight alone may change later, and a style image (H, W, 3)."""
        self.trainer, self.batches, self.step = make_trainer(config, style), batches, 0
        load_weights(self.trainer.network, read_model(config.init).weights)
        # A variable, so that one compiled step serves every target; in a list, so that Keras sees it on each backend.
        self.palette_weight = keras.Variable(config.palette_weight, trainable=False, dtype="float32")
        self.trainer.weights_of["palette"] = self.palette_weight
        self.trainer.aims = [self.palette_weight]

    def aim(self, target: Target, palette_weight: float) -> None:
        """Turns to a style image's target, from `trainer.target_of`, and a palette weight."""
        self.trainer.aim_at(target)
        self.palette_weight.assign(palette_weight)

    def train(self, steps: int, to_zero: bool, stepped: Callable[[], None] = lambda: None) -> list[float]:
        """Trains on the next crops, with a learning rate that stays at its peak or falls `to_zero` as a cosine.

        Returns:
            The seconds that each step took.
        """
        taken = []
        with closing(self.batches.starting_at(self.step)) as stream:
            for number in range(steps):
                warm = min(1.0, (self.step + 1) / WARMUP)
                fall = 0.5 * (1 + math.cos(math.pi * number / steps)) if to_zero else 1.0
                self.trainer.optimizer.learning_rate = LEARNING_RATE * warm * fall
                began = time.perf_counter()
                self.trainer.step(next(stream), NO_MOTION)
                taken.append(time.perf_counter() - began)
                self.step += 1
                stepped()
        return taken

    def state(self) -> tuple[int, list[np.ndarray]]:
        """The step, the weights and the optimizer's state, for `restore`."""
        return self.step, [ops.convert_to_numpy(variable.value) for variable in self._variables()]

    def restore(self, state: tuple[int, list[np.ndarray]]) -> None:
        """Comes back to an earlier state."""
        self.step = state[0]
        for variable, value in zip(self._variables(), state[1], strict=True):
            variable.assign(value)

    def network(self) -> Network:
        """The network as it is now."""
        return Network(self.trainer.network.architecture, arrays(self.trainer.network))

    def _variables(self) -> list[Any]:
        return [*self.trainer.network.weights, *self.trainer.optimizer.variables]
