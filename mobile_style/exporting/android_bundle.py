"""Puts exported models where the apps find them, each with its card, its thumbnail and a golden picture.

In the Android app's assets (docs/android.md):

    styles/NAME/WIDTHxHEIGHT/  model.tflite, card.json: the int8 export; float16.tflite, float16.json: the float16
                               export for GPUs, if one lies in the same folder as the int8 export; reference.png, what
                               the float network makes of the photo; golden.json: which photo, and the PSNR that the
                               int8 export reaches on this machine. Of many styles: reference-0.png and so on, of each
                               style and of one mix, and golden.json has the shares and the PSNR of each
    styles/NAME/thumbnail.jpg  for the strip of styles; of many styles, STYLE.jpg for each
    styles/index.txt           NAME/WIDTHxHEIGHT, a line for each
    golden/WIDTHxHEIGHT.png    the photo
"""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from ..errors import CheckpointError, ImageError, UsageError
from ..files import writing
from ..inference.network import load_network
from ..media import images
from ..metrics import psnr
from ..network.catalog import BUNDLED, bundled_photos, painting_of, places, with_mix
from ..network.styles import shares_of, trial_mixes
from ..progress import Note, Progress, silent
from . import runtimes
from .card import card_path, for_apps, read_export_card, source_checkpoint, source_model, styles_in

ASSETS = Path("app/src/main/assets")
THUMBNAIL = 192


def bundle_android(models: Sequence[str | Path], app_dir: Path | str, progress: Progress = silent) -> list[Path]:
    """Puts each model into the Android app's assets; one of the same name and size is replaced.

    Args:
        models: names of bundled models, exported .tflite files, or folders with int8 ones anywhere in them; none for
            all bundled ones.
        app_dir: the app's project.
        progress: called with what a user should know.

    Returns:
        The folder of each model.

    Raises:
        UsageError: there is no such project, or a model does not take and give plain bytes.
        CheckpointError: a model or its card is missing or damaged.
    """
    app_dir = Path(app_dir)
    if not (app_dir / "app/src/main/AndroidManifest.xml").is_file():
        raise UsageError(f"there is no Android app in {app_dir}; name its folder")
    exported = [path for model in models for path in find_exports(model)] or sorted(BUNDLED.glob("*/int8.tflite"))
    cards = [_checked(path) for path in exported]
    folders = [_bundle(path, card, app_dir / ASSETS, progress) for path, card in zip(exported, cards, strict=True)]
    styles = app_dir / ASSETS / "styles"
    found = sorted(path.parent.relative_to(styles).as_posix() for path in styles.glob("*/[!.]*/model.tflite"))
    with writing(styles / "index.txt") as temporary:
        temporary.write_text("".join(f"{folder}\n" for folder in found))
    return folders


def find_exports(model: str | Path) -> list[Path]:
    """The .tflite of a bundled model's name, or a file, or the int8 ones in a folder.

    Raises:
        CheckpointError: none of them, or all of them are damaged.
    """
    unusable: list[CheckpointError] = []
    for place in places(model):
        if place.is_file() and place.suffix == ".tflite":
            return [place]
        if inside := [path for path in sorted(place.rglob("*.tflite")) if _is_int8(path, unusable)]:
            return inside
    if unusable:
        raise unusable[0]
    command = f"mobile-style export {quote(str(model))} --int8"
    raise CheckpointError(f"there is no exported model {model}; `{command}` makes one")


def _is_int8(path: Path, unusable: list[CheckpointError]) -> bool:
    try:
        return bool(read_export_card(path)["recipe"] == "int8")
    except CheckpointError as error:  # another app's, or damaged
        unusable.append(error)
        return False


def _checked(exported: Path) -> dict[str, Any]:
    card = read_export_card(exported)
    for side in ("input", "output"):
        if card[side]["type"] != "uint8":
            raise UsageError(f"{exported}: its {side} is {card[side]['type']}, apps take int8 exports; see --int8")
    for name in (card["name"], *styles_in(card)):
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise UsageError(f"{exported}: {name!r} is no name for a folder")
    if not card_path(exported).is_file():
        raise CheckpointError(f"the card {card_path(exported)} is missing; export the model again")
    return card


def _bundle(exported: Path, card: dict[str, Any], assets: Path, progress: Progress) -> Path:
    _, height, width, _ = card["input"]["shape"]
    size = f"{width}x{height}"
    style: Path = assets / "styles" / card["name"]
    photo = images.center_crop(images.load(images.photos(bundled_photos("held_out"), 1)[0]), height, width)
    names = styles_in(card)
    trials = trial_mixes(names)[: len(names) + 1] if names else [""]  # each style, and one mix
    shares = [[shares_of(trial, names)] if names else [] for trial in trials]
    run = runtimes.load(exported)
    painted = [run(photo, *each) for each in shares]
    references = _references(exported, card, trials, photo, progress)
    images.save(photo, assets / "golden" / f"{size}.png")
    for name, picture in zip(names, references or painted, strict=False):
        images.save(images.center_square(picture, THUMBNAIL), style / f"{name}.jpg")
    if not names:
        images.save(_thumbnail(exported, card, (references or painted)[0]), style / "thumbnail.jpg")
    with writing(style / size, replacing=True) as folder:
        folder.mkdir()
        shutil.copyfile(exported, folder / "model.tflite")
        (folder / "card.json").write_text(json.dumps(for_apps(card), indent=2) + "\n")
        for path, float_card in _float16_of(exported, card):
            shutil.copyfile(path, folder / "float16.tflite")
            (folder / "float16.json").write_text(json.dumps(for_apps(float_card), indent=2) + "\n")
        if references:
            reached = [psnr(*pair) for pair in zip(references, painted, strict=True)]
            golden = {"photo": f"{size}.png"} | _told(reached, shares if names else None)
            for index, reference in enumerate(references):
                images.save(reference, folder / (f"reference-{index}.png" if names else "reference.png"))
            (folder / "golden.json").write_text(json.dumps(golden, indent=2) + "\n")
    return style / size


def _told(reached: list[float], shares: list[list[np.ndarray]] | None) -> dict[str, Any]:
    """What golden.json says of the golden pictures besides the photo; shares only of many styles."""
    if shares is None:
        return {"psnr": reached[0]}
    mixes = zip(reached, shares, strict=True)
    return {"mixes": [{"shares": each.tolist(), "psnr": decibels} for decibels, (each,) in mixes]}


def _float16_of(exported: Path, card: dict[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    """The float16 export of the same network and size in the same folder, with its card; empty if there is none."""
    for path in sorted(exported.parent.glob("*.tflite")):
        try:
            other = read_export_card(path)
        except CheckpointError:  # another app's, or damaged
            continue
        same = all(other[key] == card[key] for key in ("name", "style")) and styles_in(other) == styles_in(card)
        same = same and other["source"]["sha256"] == card["source"]["sha256"]
        if same and other["recipe"] == "float16" and other["input"]["shape"] == card["input"]["shape"]:
            return [(path, other)]
    return []


def _references(
    exported: Path, card: dict[str, Any], mixes: Sequence[str], photo: np.ndarray, progress: Progress
) -> list[np.ndarray]:
    """What the float network makes of the photo, by each mix of its styles; none if it is not here any more."""
    try:
        source = source_model(exported, card)
        networks = (load_network(with_mix(source, mix))[0] for mix in mixes)
        return [images.to_pixels(network(photo)) for network in networks]
    except CheckpointError:
        progress(Note(f"{card['name']}: its float network is not here, so the app cannot test itself on it", True))
        return []


def _thumbnail(exported: Path, card: dict[str, Any], painted: np.ndarray) -> np.ndarray:
    """The thumbnail beside the model, the painting, or what the model makes of a photo."""
    beside = exported.parent / "thumbnail.jpg"
    try:
        found = beside if beside.is_file() else painting_of(source_checkpoint(exported, card), card["style"])
        return images.center_square(images.load(found), THUMBNAIL)
    except (CheckpointError, ImageError):
        return images.center_square(painted, THUMBNAIL)
