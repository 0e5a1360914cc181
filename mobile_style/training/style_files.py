"""A style in a file of a few kilobytes: its scales and offsets, a thumbnail, and the sha256 of the kernels that it
fits.

It is a safetensors file with the arrays of one style in float16, at most one part in 2,000 from those trained, and a
thumbnail (a JPEG file's bytes, uint8). Its metadata holds the card.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ..documents import Label, Sha256, read_document
from ..errors import CheckpointError, UsageError
from ..files import refuse_existing, regular, writing
from ..media import images
from ..network.card import MODEL
from ..network.catalog import model_name, model_path
from ..network.checkpoint import Checkpoint, digest
from ..network.styles import own_arrays
from .config import TrainConfig
from .paintings import StyleEntry
from .start import as_many, kernels_sha256, with_styles

SUFFIX = ".style"
THUMBNAIL_SIDE, QUALITY = 64, 80  # pixels; of 100
THUMBNAIL = "thumbnail"


@dataclass(frozen=True)
class StyleCard:
    """What a style file says of itself.

    Attributes:
        style: its name, and how its painting was seen.
        kernels_sha256: sha256 of the kernels of the network that it belongs to.
        arrays_sha256: sha256 of what the file holds beside this card.
        style_weight: weight of its style loss in training.
        steps: number of steps that it was trained for.
        date: ISO 8601, UTC.
    """

    style: StyleEntry
    kernels_sha256: Sha256
    arrays_sha256: Sha256
    style_weight: Annotated[float, Meta(ge=0, le=1e12)]
    steps: Annotated[int, Meta(ge=0, le=10**12)]
    date: Label
    schema: Literal[1] = 1


@dataclass(frozen=True)
class StyleFile:
    """One style.

    Attributes:
        card: what it is.
        arrays: its scales and offsets by name, float16.
        thumbnail: of the painting: a JPEG file's bytes.
    """

    card: StyleCard
    arrays: dict[str, np.ndarray]
    thumbnail: bytes

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        with writing(path) as temporary:
            temporary.write_bytes(
                save(_held(self.arrays, self.thumbnail), {"mobile_style": json.dumps(asdict(self.card))})
            )

    @classmethod
    def read(cls, path: Path) -> "StyleFile":
        """Reads the file.

        Raises:
            CheckpointError: the file is missing, damaged, or no style.
        """
        try:
            with safe_open(regular(path), "numpy") as file:
                metadata = file.metadata() or {}
                arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        except FileNotFoundError:
            raise CheckpointError(f"there is no style at {path}; a training writes styles/NAME.style") from None
        except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CheckpointError(f"{path} is damaged or no style ({reason})") from None
        content = metadata.get("mobile_style", "").encode(errors="surrogatepass")
        card = read_document(StyleCard, content, f"the card of {path}", CheckpointError)
        if digest(arrays) != card.arrays_sha256:
            raise CheckpointError(f"{path} is damaged: its arrays are not those written; use another copy")
        thumbnail = arrays.pop(THUMBNAIL, np.zeros(0, np.uint8)).tobytes()
        if not all(value.dtype == np.float16 and np.isfinite(value).all() for value in arrays.values()):
            raise CheckpointError(f"{path} is damaged: it holds an unusable array; use another copy")
        return cls(card, arrays, thumbnail)


def style_file(model: Checkpoint, entry: StyleEntry, painting: np.ndarray) -> StyleFile:
    """One style of a network of many as a file.

    Args:
        model: the network.
        entry: one of its styles.
        painting: (H, W, 3) uint8.
    """
    config: dict[str, Any] = dict(model.card["config"])
    place = [style["name"] for style in config["styles"]].index(entry.name)
    thumbnail = images.encode(images.center_square(painting, THUMBNAIL_SIDE), "JPEG", QUALITY)
    arrays = {name: model.weights[name][place].astype(np.float16) for name in own_arrays(model.architecture())}
    card = StyleCard(
        style=entry,
        kernels_sha256=kernels_sha256(model),
        arrays_sha256=digest(_held(arrays, thumbnail)),
        style_weight=config["objective"]["style_weight"] * entry.weight,
        steps=model.card["step"],
        date=model.card["date"],
    )
    return StyleFile(card, arrays, thumbnail)


def _held(arrays: dict[str, np.ndarray], thumbnail: bytes) -> dict[str, np.ndarray]:
    """All that a file holds beside its card."""
    return arrays | {THUMBNAIL: np.frombuffer(thumbnail, np.uint8)}


def with_style(model: Checkpoint, file: StyleFile) -> Checkpoint:
    """A network of many styles with one more; the others stay as they are, to the bit.

    Raises:
        CheckpointError: the style belongs to other kernels.
        UsageError: the network has a style of this name.
    """
    name, config = file.card.style.name, TrainConfig.from_card(model.card)
    if file.card.kernels_sha256 != kernels_sha256(model):
        raise CheckpointError(f"the style {name} belongs to another network; train it with `init` set to this one")
    if name in [entry.name for entry in config.styles]:
        raise UsageError(f"there is a style called {name} already")
    shapes = {key: model.weights[key].shape[1:] for key in own_arrays(config.architecture)}
    if {key: value.shape for key, value in file.arrays.items()} != shapes:
        raise CheckpointError(f"the style {name} is damaged: its arrays do not fit the network; use another copy")
    weights = {
        key: np.concatenate([value, file.arrays[key][None].astype(np.float32)]) if key in shapes else value
        for key, value in model.weights.items()
    }
    entry = replace(file.card.style, weight=file.card.style_weight / (config.objective.style_weight or 1.0))
    return Checkpoint(with_styles(model.card, (*config.styles, entry)), weights, {})


def add_styles(model: str | Path, files: Sequence[Path], out: Path) -> Path:
    """Writes a network with more styles into the new folder `out`. Returns its file.

    Raises:
        UsageError, CheckpointError: a style does not belong to it, or it has one of this name.
        OutputError: `out` exists or cannot be written.
    """
    refuse_existing(out)
    path = model_path(model)
    grown = as_many(Checkpoint.read(path), model_name(path))
    for file in files:
        grown = with_style(grown, StyleFile.read(file))
    with writing(out) as folder:
        folder.mkdir()
        grown.write(folder / MODEL)
        if (path.parent / "styles").is_dir():
            shutil.copytree(path.parent / "styles", folder / "styles")
    return out / MODEL
