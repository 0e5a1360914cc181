"""What a model file says about itself, read without loading any array.

A card is a JSON object in the file's safetensors metadata.
"""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from msgspec import Meta
from safetensors import SafetensorError, safe_open
from typing_extensions import NotRequired, TypedDict

from ..documents import Count, Figure, FileName, Label, Sha256, Text, extensible, read_document
from ..errors import CheckpointError
from ..files import regular
from .architecture import Architecture

MODEL = "model.safetensors"
STATE = "training.safetensors"  # the same with the state of the optimizer
SCHEMA: Final = 2


class ArchitectureSettings(TypedDict):
    """`Architecture`, as a card holds it."""

    width: int
    blocks: int
    end_kernel: int


@extensible
class StyleSettings(TypedDict):
    """What a network of many styles needs to know of one: its name, and how its painting was seen (paintings.py)."""

    name: FileName
    size: Count
    weight: Annotated[float, Meta(ge=0, le=1e12)]


@extensible
class Settings(TypedDict):
    """What a network, and lists of models, need to know of a training's settings; `TrainConfig` knows them all."""

    style: Text
    preset: Label
    architecture: ArchitectureSettings
    styles: NotRequired[list[StyleSettings]]
    steps: Count
    minutes: Annotated[float, Meta(ge=0, le=100_000)]


class Card(TypedDict):
    """The card of a model.

    Attributes:
        config: every setting of the training.
        content_sha256: of the photos in their order.
        step, seconds: of training so far.
        date: ISO 8601, UTC.
        versions: of the tools.
        losses: of the last step.
        arrays_sha256: of the file's arrays (checkpoint.py); earlier versions wrote none.
    """

    schema: Literal[2]
    config: Settings
    content_sha256: Sha256
    step: Count
    seconds: Annotated[float, Meta(ge=0, le=1e12)]
    date: Label
    versions: dict[Label, Label]
    losses: dict[Label, Figure]
    arrays_sha256: NotRequired[Sha256]


def read_card(path: Path) -> Card:
    """The card of a checkpoint.

    Raises:
        CheckpointError: the file is missing, damaged, or not of this tool.
    """
    try:
        with safe_open(regular(path), "numpy") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"there is no model at {path}; `mobile-style models` lists what there is") from None
    except (SafetensorError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{path} is damaged or no model ({reason}); name another one, or train again") from None
    if "mobile_style" not in metadata:
        raise CheckpointError(f"{path} was not written by mobile-style")
    advice = "; use an earlier checkpoint, or train again"
    content = metadata["mobile_style"].encode(errors="surrogatepass")
    return read_document(Card, content, f"the card of {path}", CheckpointError, advice, upgraded)


def architecture_of(card: Card) -> Architecture:
    """The network that a card describes.

    Raises:
        UsageError: no network of this version.
    """
    return Architecture(**card["config"]["architecture"])


def styles_of(card: Card) -> list[StyleSettings]:
    """The styles of a network of many, in the order of its arrays; none of a network of one."""
    return card["config"].get("styles", [])


def untrained_card(config: dict[str, Any]) -> Card:
    """The card of a network that was never trained."""
    return Card(
        schema=SCHEMA,
        config=cast(Settings, config),
        content_sha256="0" * 64,
        step=0,
        seconds=0.0,
        date="",
        versions={},
        losses={},
    )


def upgraded(card: dict[str, Any]) -> dict[str, Any]:
    """A card of schema 1 in schema 2; others as they are.

    Schema 1 called two weights and two losses otherwise, had no checkerboard weight, and knew a second divisor.
    """
    absent = {"palette_weight": 0.0, "style_crop": "", "brightness_weight": 0.0}  # in version 0.2.0's early networks
    config = absent | card["config"]
    if card["schema"] != 1:
        return card | {"config": config}
    config["qat_weight"], config["temporal_weight"] = config.pop("rounding_weight"), config.pop("stability")
    config["checkerboard_weight"] = 4000.0
    config["objective"] = {name: value for name, value in config["objective"].items() if name != "gram_divisor"}
    losses = {{"rounding": "quantization", "motion": "temporal"}.get(k, k): v for k, v in card["losses"].items()}
    return card | {"schema": SCHEMA, "config": config, "losses": losses}
