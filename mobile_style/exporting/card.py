"""What an exported file says about itself: JSON beside it, and inside a .tflite as metadata.

schema        1
name, style   of the model and of the painting's file; preset of its network
target        tflite or coreml; recipe: a row of recipes.py
file          name, bytes, sha256 (of an .mlpackage: over its files in order); not in the copy inside the file
input, output name, shape (N, H, W, C), layout, type, range, color order, scale, zero_point; all that an app
              needs to feed camera frames. sizes: every (height, width) that a Core ML program takes
source        checkpoint (a bundled one's name, or else its place from this folder), its sha256, preset; and the
              training's card. Copies that an app carries, and that inside the file, lack it and the folder
              of the checkpoint
tools         versions
mix           of a file of many styles: its second input, and the names of the styles in the order of their shares;
              they add up to 1, as bytes to 255. Other files lack it
calibration   number of photos and sha256 over their pixels, by which channels were scaled and int8 ranges chosen
fidelity      what validate measured right after the export; null if it was skipped; not in the copy inside
date          ISO 8601, UTC
"""

import hashlib
import json
import struct
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Literal, cast

from msgspec import Meta
from typing_extensions import NotRequired, TypedDict

from ..documents import (
    Count,
    Figure,
    FileName,
    Label,
    Sha256,
    Text,
    extensible,
    printable,
    read_document,
    read_document_file,
)
from ..errors import CheckpointError
from ..files import writing
from ..network.card import MODEL
from ..network.catalog import mix_of, model_path, with_mix, without_mix

SCHEMA = 1
METADATA = "mobile_style"  # name of the metadata buffer in a .tflite
ADVICE = "; export it again"
EXPORTED = (".tflite", ".mlpackage")
NAMED = 8  # models of a folder in an error

Side = Annotated[int, Meta(ge=1, le=65_536)]  # pixels


class FileEntry(TypedDict):
    """The exported file."""

    name: FileName
    bytes: Count
    sha256: Sha256


class Tensor(TypedDict):
    """What goes in or comes out."""

    name: Label
    shape: Annotated[list[Side], Meta(min_length=4, max_length=4)]
    sizes: Annotated[list[Annotated[list[Side], Meta(min_length=2, max_length=2)]], Meta(min_length=1, max_length=100)]
    layout: Label
    type: Label
    range: list[Figure]
    color: Label
    scale: Figure
    zero_point: int


class MixInput(TypedDict):
    """The share of each style in the picture."""

    name: Label
    shape: Annotated[list[Count], Meta(min_length=4, max_length=4)]
    type: Label
    scale: Figure
    zero_point: int
    styles: Annotated[list[FileName], Meta(min_length=2, max_length=1000)]


class Source(TypedDict):
    """The float network."""

    checkpoint: Text
    sha256: Sha256
    preset: Label
    training: NotRequired[dict[str, Any]]


class Calibration(TypedDict):
    """The photos that ranges were chosen on."""

    photos: Count
    sha256: Sha256


@extensible
class MeanFidelity(TypedDict):
    """Mean over the photos."""

    psnr: Figure
    ssim: Figure


@extensible
class Fidelity(TypedDict):
    """What validation found."""

    passed: bool
    mean: MeanFidelity


class ExportCard(TypedDict):
    """The card of an exported file."""

    schema: Literal[1]
    name: FileName
    style: Text
    target: Literal["tflite", "coreml"]
    recipe: Label
    file: FileEntry | None
    input: Tensor
    output: Tensor
    mix: NotRequired[MixInput]
    source: Source
    tools: dict[Label, Label]
    calibration: Calibration
    fidelity: Fidelity | None
    date: Label


def styles_in(card: dict[str, Any]) -> list[str]:
    """The styles that an exported file mixes; none of a file of one style."""
    return list(card["mix"]["styles"]) if "mix" in card else []


def card_path(exported: Path) -> Path:
    """Where the card of an exported file lies."""
    return exported.with_suffix(".json")


def is_left_alone(exported: Path) -> bool:
    """Whether there is the card of an exported file that is not there: its export was killed, or it was removed."""
    try:
        card = read_document_file(ExportCard, card_path(exported), CheckpointError)
    except CheckpointError:
        return False
    return not exported.exists() and card["file"] is not None and card["file"]["name"] == printable(exported.name)


def digest(path: Path) -> str:
    """sha256 of a file, or over the relative names and contents of a folder's files, hidden ones left out, in order."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    for file in sorted(p for p in path.rglob("[!.]*") if p.is_file()):
        whole.update(file.relative_to(path).as_posix().encode() + b"\0" + file.read_bytes())
    return whole.hexdigest()


def not_exported(path: Path) -> CheckpointError:
    """What to name in place of a path that is no exported model."""
    if not path.exists():
        return CheckpointError(f"there is no exported model at {path}; `mobile-style export` makes one")
    if (path / MODEL).is_file():
        advice = f"export it first: mobile-style export {quote(str(path))}"
        return CheckpointError(f"{path} is the folder of a training; {advice}")
    inside = sorted(each for each in path.rglob("*") if each.suffix in EXPORTED) if path.is_dir() else []
    if inside:
        more = f" and {len(inside) - NAMED} more" if len(inside) > NAMED else ""
        return CheckpointError(f"{path} is a folder; name a model in it: {', '.join(map(str, inside[:NAMED]))}{more}")
    return CheckpointError(f"{path} is no exported model; name a .tflite file or an .mlpackage")


def read_export_card(exported: Path) -> dict[str, Any]:
    """The card beside an exported file, or without one that inside a .tflite.

    Raises:
        CheckpointError: the file or its card is missing or damaged, or they do not belong together.
    """
    if not (exported.is_file() or exported.is_dir()) or exported.suffix not in EXPORTED:
        raise not_exported(exported)
    path = card_path(exported)
    if not path.exists() and exported.suffix == ".tflite":
        inside = read_document(ExportCard, _embedded(exported), f"the card in {exported}", CheckpointError, ADVICE)
        return cast(dict[str, Any], inside)
    card = read_document_file(ExportCard, path, CheckpointError, ADVICE)
    if card["file"] is None or digest(exported) != card["file"]["sha256"]:
        raise CheckpointError(f"{exported} is not the file that {path} describes{ADVICE}")
    return cast(dict[str, Any], card)


def for_apps(card: dict[str, Any]) -> dict[str, Any]:
    """The card without what names folders of whoever trained the network."""
    source = {key: value for key, value in card["source"].items() if key != "training"}
    return card | {"source": source | {"checkpoint": Path(source["checkpoint"]).name}}


def source_checkpoint(exported: Path, card: dict[str, Any]) -> Path:
    """The float network that a file was exported from: where the card says, or beside the file.

    Raises:
        CheckpointError: it is at neither place, or is another by now.
    """
    source, other = card["source"], None
    named = without_mix(source["checkpoint"])
    for place in (_on_disk(exported.parent / named), named, exported.parent):
        try:
            checkpoint = model_path(place)
        except CheckpointError:
            continue
        if digest(checkpoint) == source["sha256"]:
            return checkpoint
        other = other or checkpoint
    if other:
        raise CheckpointError(f"{other} is not what {exported} was exported from; export it again")
    raise CheckpointError(f"{source['checkpoint']}, the float reference of {exported}, is not here")


def _on_disk(path: Path) -> Path:
    """A path that a card names: with a mark in place of each byte of a folder's name that no text can hold."""
    found = Path()
    for part in path.parts:
        place = found / part
        if not place.exists() and "\N{REPLACEMENT CHARACTER}" in part and found.is_dir():
            place = next((each for each in found.iterdir() if printable(each.name) == part), place)
        found = place
    return found


def source_model(exported: Path, card: dict[str, Any]) -> str:
    """The same, with the mix of its styles that was exported, as `load_network` takes it."""
    return with_mix(source_checkpoint(exported, card), mix_of(card["source"]["checkpoint"]))


def _embedded(exported: Path) -> bytes:
    from ai_edge_litert import schema_py_generated as schema

    content = exported.read_bytes()
    try:
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        (buffer,) = (entry.buffer for entry in model.metadata or () if entry.name == METADATA.encode())
        return bytes(model.buffers[buffer].data)
    except (ValueError, LookupError, TypeError, AttributeError, struct.error):
        raise CheckpointError(f"{exported} has no card, neither beside it nor inside; export it again") from None


def write_card(exported: Path, card: dict[str, Any]) -> None:
    """Writes the card beside the file that it describes."""
    with writing(card_path(exported)) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n")
