"""Adding a style file to a network of many styles: how the style's arrays become constants of the exported files.

The browser inserts them into the files that it already has (static/grow.js), so a static host is enough.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import CheckpointError
from ..exporting.card import source_checkpoint
from ..inference.fold import common_signs, fold
from ..inference.graph import common
from ..network.architecture import OUTPUT_OFFSET, OUTPUT_SCALE
from ..network.checkpoint import Checkpoint
from ..training.start import kernels_sha256
from .models import Model


def adding(model: Model) -> tuple[str, bytes] | None:
    """What the page needs to add a style file to a model.

    Returns:
        The SHA-256 of the kernels, which the style file must name, and `terms` as JSON; None if the model mixes no
        styles, or its checkpoint is missing, changed or damaged.
    """
    if not model.styles:
        return None
    try:
        checkpoint = Checkpoint.read(source_checkpoint(model.path, model.card))
    except CheckpointError:
        return None
    return kernels_sha256(checkpoint), json.dumps(dict(terms(checkpoint))).encode()


def terms(network: Checkpoint) -> Iterator[tuple[str, dict[str, Any]]]:
    """How each array of a style becomes a constant of the network's exported files: array * times + plus.

    Yields:
        The array's name; and the constant's name as `tensor`, with `times` and `plus` as lists, one value per channel.
    """
    for layer in fold(network.architecture(), network.weights):
        scales, offset = network.weights.get(f"{layer.name}_scale"), f"{layer.name}_offset"
        if scales is not None:
            signs = common_signs(scales)
            yield f"{layer.name}_scale", _term(f"{layer.name}_gain_scale", signs, np.zeros_like(signs))
        if offset in network.weights:
            factor, base = (OUTPUT_SCALE, OUTPUT_OFFSET) if layer.name == "out" else (1.0, 0.0)
            yield offset, _term(offset, np.full_like(common(layer), factor), base - common(layer))


def _term(tensor: str, times: np.ndarray, plus: np.ndarray) -> dict[str, Any]:
    # A millionth is a thousandth of the rounding step of a style file's numbers.
    return {"tensor": tensor, "times": times.tolist(), "plus": [round(value, 6) for value in plus.tolist()]}
