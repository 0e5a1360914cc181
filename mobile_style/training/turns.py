"""Many styles in one training: each step trains the shared kernels and one style's own arrays.

Conditional normalization (Dumoulin et al. 2017, https://arxiv.org/abs/1610.07629): the styles of a network share its
kernels, and each has scales and offsets of its own. Here the trainer holds one style at a time. Before a step, the
style whose turn it is puts its arrays into the trainer's variables, with the optimizer's moments of them and its own
count of steps. So a style's arrays move as in a training of its own: in a stack of all styles' arrays, Adam would go on
moving them while others have their turn, and correct its moments by a count of steps that they never took.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from ..network.styles import own_arrays
from .trainer import Target, Trainer


class Turns:
    """The styles of a training.

    Args:
        trainer: holds the first of the targets.
        targets: each style's; none for a training of one style.
    """

    def __init__(self, trainer: Trainer, targets: Sequence[Target] = ()) -> None:
        self.trainer, self.targets, self.now = trainer, targets, 0
        names = own_arrays(trainer.network.architecture) if targets else ()
        self._own = [variable for variable in trainer.network.weights if variable.name in names]
        self._state = optimizer_variables(trainer)
        trained = [variable.name for variable in trainer.network.trainable_variables]
        slots = [trainer.optimizer.iterations] if targets else []
        for name in names:
            place = trained.index(name)
            for of in (trainer.optimizer.momentums, trainer.optimizer.adam_velocities):
                slots += [] if of[place] is None else [of[place]]
        self._slots = {key for key, variable in self._state.items() if any(variable is slot for slot in slots)}
        self._swapped = [*self._own, *(self._state[key] for key in sorted(self._slots))]
        self._kept = [self._taken() for _ in targets]
        if targets:
            trainer.aim_at(targets[0])

    def take(self, style: int) -> None:
        """Gives the next step to a style, by its number."""
        if style != self.now:
            self._kept[self.now] = self._taken()
            self._put(self._kept[style])
            self.trainer.aim_at(self.targets[style])
            self.now = style

    def weights(self) -> dict[str, np.ndarray]:
        """The network's arrays by name; of many styles, their own arrays stacked: (styles, ...)."""
        return self._stacked({v.name: v for v in self.trainer.network.weights}, {v.name for v in self._own})

    def optimizer(self) -> dict[str, np.ndarray]:
        """The optimizer's arrays, stacked likewise."""
        return self._stacked(self._state, self._slots)

    def load(self, weights: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]) -> None:
        """Puts in what `weights` and `optimizer` gave.

        Raises:
            ValueError: the optimizer has other arrays.
        """
        if set(state) != set(self._state):
            raise ValueError("another optimizer")
        network = {v.name: v for v in self.trainer.network.weights}
        for variables, arrays in ((network, weights), (self._state, state)):
            for name, variable in variables.items():
                if not any(variable is each for each in self._swapped):
                    variable.assign(arrays[name])
        stacks = [*(weights[v.name] for v in self._own), *(state[key] for key in sorted(self._slots))]
        self._kept = [[stack[style] for stack in stacks] for style in range(len(self.targets))]
        if self.targets:
            self._put(self._kept[0])
            self.trainer.aim_at(self.targets[0])
            self.now = 0

    def _taken(self) -> list[np.ndarray]:
        return [np.array(ops.convert_to_numpy(variable.value)) for variable in self._swapped]

    def _put(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self._swapped, values, strict=True):
            variable.assign(value)

    def _stacked(self, variables: Mapping[str, Any], own: set[str]) -> dict[str, np.ndarray]:
        if self.targets:
            self._kept[self.now] = self._taken()
        found = {}
        for name, variable in variables.items():
            place = next((at for at, each in enumerate(self._swapped) if each is variable), None)
            if name in own and place is not None:
                found[name] = np.stack([kept[place] for kept in self._kept])
            else:
                found[name] = ops.convert_to_numpy(variable.value)
        return found


def optimizer_variables(trainer: Trainer) -> dict[str, Any]:
    """The optimizer's variables by name and place, because Keras numbers names by how many objects were made before."""
    return {f"{index:03d}": variable for index, variable in enumerate(trainer.optimizer.variables)}


def turn(step: int, count: int, seed: int) -> int:
    """The style of a step: each once in every `count` steps, in an order drawn anew."""
    cycle, place = divmod(step, count)
    return int(np.random.default_rng((seed, 3, cycle)).permutation(count)[place])
