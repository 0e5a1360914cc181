"""A trained network as one safetensors file that carries its own configuration.

Its metadata holds the card (card.py). The same format with the optimizer's variables added is what
a training resumes from.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ..documents import printable
from ..errors import CheckpointError, UsageError
from ..files import regular, writing
from .architecture import Architecture
from .card import Card, Settings, architecture_of, read_card, styles_of
from .catalog import mix_of, model_name, model_path
from .styles import mixed, own_arrays, parse_mix


@dataclass(frozen=True)
class Checkpoint:
    """What is in the file.

    Attributes:
        card: what was trained, on what, with which settings.
        weights: the network's arrays by name, float32.
        optimizer: the optimizer's arrays by name; empty in a finished model.
    """

    card: Card
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
            card = self.card | {"arrays_sha256": digest(arrays)}
            temporary.write_bytes(save(arrays, {"mobile_style": json.dumps(card)}))

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Reads the file.

        Raises:
            CheckpointError: missing, cut short, changed, not of this tool, or holding a number that is not finite.
        """
        card = read_card(path)
        try:
            with safe_open(regular(path), "numpy") as file:
                arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:  # types that NumPy lacks
            raise CheckpointError(f"{path} is damaged ({error}); use an earlier checkpoint") from None
        if card.get("arrays_sha256", recorded := digest(arrays)) != recorded:
            raise CheckpointError(f"{path} is damaged: its arrays are not those written; use an earlier checkpoint")
        parts: dict[str, dict[str, np.ndarray]] = {"weights": {}, "optimizer": {}}
        for key, value in arrays.items():
            part, _, name = key.partition("/")
            wanted = value.dtype == np.float32 if part == "weights" else value.dtype.kind in "fi"
            if part not in parts or not wanted or not np.isfinite(value).all():
                raise CheckpointError(f"{path} holds an unusable array {printable(key)}; use an earlier checkpoint")
            parts[part][name] = value
        return cls(card, **parts)

    def architecture(self) -> Architecture:
        """The shape of the network.

        Raises:
            CheckpointError: it is unknown, or the arrays do not fit it.
        """
        try:
            architecture = architecture_of(self.card)
        except UsageError as error:
            raise CheckpointError(
                f"the checkpoint describes an architecture that this version does not know ({error})"
            ) from None
        count, own = len(styles_of(self.card)), own_arrays(architecture)
        wanted = {
            name: (count, *shape) if count and name in own else shape for name, shape in architecture.weights().items()
        }
        if {name: array.shape for name, array in self.weights.items()} != wanted:
            raise CheckpointError("the checkpoint's arrays do not fit the architecture that it names")
        return architecture

    def mixed(self, text: str) -> "Checkpoint":
        """The network of one style that a mix makes of many, with the settings of the style that has most of it.

        Args:
            text: such as "udnie" or "starry_night=0.7,udnie=0.3"; empty for a network of one style as it is.

        Raises:
            UsageError: a style is unknown; or there are many, and none is named.
        """
        styles = styles_of(self.card)
        if not styles:
            if text:
                raise UsageError(f"`mix={text}`: this is a network of one style; leave the mix out")
            return self
        names = [style["name"] for style in styles]
        if not text and len(names) > 1:
            raise UsageError(
                f"this is a network of {len(names)} styles; name one, such as `mix={names[0]}`, or a mix of them, "
                f"such as `mix={names[0]}=0.7,{names[1]}=0.3`: {', '.join(names)}"
            )
        mix = parse_mix(text or names[0], names)
        weights = mixed(self.architecture(), self.weights, names, mix)
        most = styles[names.index(max(mix, key=lambda name: mix[name]))]
        config: dict[str, Any] = {**self.card["config"], "styles": [], "only_style": False}
        config |= {"style": most["name"], "style_size": most["size"], "style_crop": ""}  # the kept picture is cut
        objective = config.get("objective")
        if isinstance(objective, dict) and isinstance(objective.get("style_weight"), float):
            config["objective"] = objective | {"style_weight": objective["style_weight"] * most["weight"]}
        card = self.card | {"config": cast(Settings, config)}
        card.pop("arrays_sha256", None)
        return Checkpoint(card, weights, {})


def read_model(model: str | Path, all_styles: bool = False) -> Checkpoint:
    """The network of one style that a command's `model` names; of many styles, a mix is named after a colon.

    Args:
        model: its name.
        all_styles: give a network of many styles as it is where no mix is named, instead of an error.

    Raises:
        CheckpointError: the file is missing, damaged, or does not fit its own description.
        UsageError: the mix is unknown.
    """
    path = model_path(model)
    read = Checkpoint.read(path)
    if all_styles and not mix_of(model) and len(styles_of(read.card)) > 1:
        return read
    try:
        return read.mixed(mix_of(model))
    except UsageError as error:
        raise UsageError(f"{model_name(path)}: {error}") from None


def digest(arrays: dict[str, np.ndarray]) -> str:
    """sha256 over the names, types, shapes and values of arrays, in the order of their names."""
    whole = hashlib.sha256()
    for name, value in sorted(arrays.items()):
        whole.update(f"{name} {value.dtype.str} {value.shape}\n".encode() + value.tobytes())
    return whole.hexdigest()
