"""What a training starts from, and what it leaves as it is: the kernels and the other styles of a network of many."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import numpy as np

from ..errors import CheckpointError, UsageError
from ..network.card import Card, Settings, architecture_of, styles_of
from ..network.catalog import mix_of, model_name, model_path
from ..network.checkpoint import Checkpoint
from ..network.styles import own_arrays
from .config import TrainConfig
from .paintings import RESERVED, StyleEntry


def start_arrays(config: TrainConfig) -> dict[str, np.ndarray] | None:
    """The arrays that a training starts from, by name; None for random weights.

    In a training of many styles, each style's arrays are stacked, (styles, ...): a style that `init` has starts from
    its own, another one from the mean of all that `init` has, or from the mix that is named.
    """
    if not config.init:
        return None
    start = Checkpoint.read(model_path(config.init))
    architecture = architecture_of(start.card)
    if architecture != config.architecture:
        raise CheckpointError(
            f"`init={config.init}` is a network of preset {start.card['config']['preset']} ({architecture}), "
            f"but this training asks for {config.preset} ({config.architecture})"
        )
    there = [style["name"] for style in styles_of(start.card)]
    mean = start.mixed(mix_of(config.init) or ",".join(there)).weights
    if not config.styles:
        return mean

    def stacked(name: str) -> np.ndarray:
        arrays = start.weights[name]
        return np.stack([arrays[there.index(e.name)] if e.name in there else mean[name] for e in config.styles])

    return {name: stacked(name) if name in own_arrays(architecture) else value for name, value in mean.items()}


def other_styles(config: TrainConfig) -> Checkpoint | None:
    """The network whose kernels and styles a training of styles alone leaves as they are.

    Raises:
        UsageError: it has a style with the name of one that is trained.
    """
    if not config.only_style:
        return None
    others = as_many(Checkpoint.read(model_path(config.init)), model_name(model_path(config.init)))
    names = [style["name"] for style in styles_of(others.card)]
    if twice := next((entry.name for entry in config.styles if entry.name in names), None):
        raise UsageError(f"{config.init} has a style called {twice}; give the new one another name in a list (JSON)")
    return others


def as_many(checkpoint: Checkpoint, name: str) -> Checkpoint:
    """A network of one style as a network of many that has one; a network of many as it is."""
    if styles_of(checkpoint.card):
        return checkpoint
    config, own = TrainConfig.from_card(checkpoint.card), own_arrays(checkpoint.architecture())
    name = "".join("_" if character in RESERVED else character for character in name)
    entry = StyleEntry(Path(config.style).name or name, name, config.style_size)
    card = with_styles(checkpoint.card, [entry])
    return Checkpoint(card, {k: value[None] if k in own else value for k, value in checkpoint.weights.items()}, {})


def joined(trained: Checkpoint, others: Checkpoint) -> Checkpoint:
    """The styles of `others`, then those that were trained on the same kernels, in one network.

    Earlier versions of the trained styles in `others` are replaced.
    """
    config, before = (TrainConfig.from_card(each.card) for each in (trained, others))
    names = [entry.name for entry in config.styles]
    kept = [at for at, entry in enumerate(before.styles) if entry.name not in names]
    # A style's weight is a factor of the objective's, which may be another one now.
    factor = before.objective.style_weight / (config.objective.style_weight or 1.0)
    entries = [replace(before.styles[at], weight=before.styles[at].weight * (factor or 1.0)) for at in kept]
    own = own_arrays(config.architecture)
    weights = {
        name: np.concatenate([others.weights[name][kept], value]) if name in own else value
        for name, value in trained.weights.items()
    }
    return Checkpoint(with_styles(trained.card, (*entries, *config.styles)), weights, {})


def kernels_sha256(checkpoint: Checkpoint) -> str:
    """Identifies the kernels that a style belongs to."""
    own, whole = own_arrays(checkpoint.architecture()), hashlib.sha256()
    for name, value in sorted(checkpoint.weights.items()):
        if name not in own:
            whole.update(value.tobytes())
    return whole.hexdigest()


def with_styles(card: Card, styles: Sequence[StyleEntry]) -> Card:
    """The card of a network with other styles."""
    names = ", ".join(style.name for style in styles)
    config = cast(
        Settings, {**card["config"], "style": names, "styles": [asdict(style) for style in styles], "style_crop": ""}
    )
    return cast(Card, {k: v for k, v in card.items() if k != "arrays_sha256"} | {"config": config})
