"""What a model file says about itself, read without loading any array.

A card is a JSON object in the file's safetensors metadata: schema, config (every setting of the
training), content_sha256 (of the photos in their order), step, seconds (of training so far), date,
versions (of the tools), losses (of the last step).
"""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ..errors import CheckpointError

MODEL = "model.safetensors"
SCHEMA = 2
KEYS = {"schema", "config", "content_sha256", "step", "seconds", "date", "versions", "losses"}


def read_card(path: Path) -> dict[str, Any]:
    """The card of a checkpoint.

    Raises:
        CheckpointError: the file is missing, damaged, or not of this tool.
    """
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"there is no model at {path}; `mobile-style models` lists what there is") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or no model ({error})") from None
    if "mobile_style" not in metadata:
        raise CheckpointError(f"{path} was not written by mobile-style")
    try:
        card = json.loads(metadata["mobile_style"])
        if card["schema"] == 1:
            card = _upgraded(card)
        if card["schema"] != SCHEMA:
            raise CheckpointError(f"{path} is of schema {card['schema']}, this version reads {SCHEMA}")
        if set(card) != KEYS:
            raise CheckpointError(f"{path} has an unexpected card: {sorted(set(card) ^ KEYS)}")
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} has a damaged card ({error})") from None
    return card  # type: ignore[no-any-return]


def _upgraded(card: dict[str, Any]) -> dict[str, Any]:
    """A card of schema 1, which called two weights otherwise, had no checkerboard weight, and knew a second divisor."""
    config = dict(card["config"])
    config["qat_weight"], config["temporal_weight"] = config.pop("rounding_weight"), config.pop("stability")
    config["checkerboard_weight"] = 4000.0
    config["objective"] = {name: value for name, value in config["objective"].items() if name != "gram_divisor"}
    losses = {{"rounding": "quantization", "motion": "temporal"}.get(k, k): v for k, v in card["losses"].items()}
    return card | {"schema": SCHEMA, "config": config, "losses": losses}
