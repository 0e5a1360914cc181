"""A trained network as one safetensors file that carries its own configuration.

Its metadata holds the card (card.py). The same format with the optimizer's variables added is what
a training resumes from.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from ..errors import CheckpointError, UsageError
from ..files import writing
from .architecture import Architecture
from .card import read_card


@dataclass(frozen=True)
class Checkpoint:
    """What is in the file.

    Attributes:
        card: what was trained, on what, with which settings.
        weights: the network's arrays by name, float32.
        optimizer: the optimizer's arrays by name; empty in a finished model.
    """

    card: dict[str, Any]
    weights: dict[str, np.ndarray]
    optimizer: dict[str, np.ndarray]

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        arrays = {f"weights/{name}": value for name, value in self.weights.items()}
        arrays |= {f"optimizer/{name}": value for name, value in self.optimizer.items()}
        # Strides matter to safetensors, which writes the bytes of an array as they lie in memory.
        arrays = {name: np.asarray(value, order="C") for name, value in arrays.items()}
        with writing(path) as temporary:
            # Written here, as safetensors' own files are for nobody else to read.
            temporary.write_bytes(save(arrays, {"mobile_style": json.dumps(self.card)}))

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Reads the file.

        Raises:
            CheckpointError: missing, cut short, not of this tool, or holding a number that is not finite.
        """
        card = read_card(path)
        parts: dict[str, dict[str, np.ndarray]] = {"weights": {}, "optimizer": {}}
        with safe_open(path, "numpy") as file:
            for key in file.keys():  # noqa: SIM118 (not a dict)
                kind, _, name = key.partition("/")
                value = file.get_tensor(key)
                if kind not in parts or (value.dtype.kind == "f" and not np.isfinite(value).all()):
                    raise CheckpointError(f"{path} holds an unusable array {key}; use an earlier checkpoint")
                parts[kind][name] = value
        return cls(card, **parts)

    def architecture(self) -> Architecture:
        """The shape of the network.

        Raises:
            CheckpointError: it is unknown, or the arrays do not fit it.
        """
        try:
            architecture = Architecture(**self.card["config"]["architecture"])
        except (TypeError, KeyError, UsageError) as error:
            raise CheckpointError(
                f"the checkpoint describes an architecture that this version does not know ({error})"
            ) from None
        if {name: array.shape for name, array in self.weights.items()} != architecture.weights():
            raise CheckpointError("the checkpoint's arrays do not fit the architecture that it names")
        return architecture
