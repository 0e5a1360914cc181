"""The exported models that the page offers: found in folders, described by their cards, read only while unchanged."""

import hashlib
import math
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..errors import CheckpointError
from ..exporting import runtimes
from ..exporting.card import card_path, digest, read_export_card, styles_in
from ..media import images
from ..network.catalog import bundled_photos

KNOWN_PHOTO = "singapore_skyline_dusk"  # engines are checked on it, and all thumbnails show it
OPENING = "great_wave"  # the page opens with it, because it looks best at 256 x 256 pixels
LARGEST_SIDE = 4096  # pixels, as in `export`
LARGEST_FILE, LARGEST_CARD = 256 << 20, 1 << 20  # bytes


@dataclass(frozen=True, eq=False)
class Model:
    """A .tflite file that maps a picture to a picture, both uint8 or float32.

    Attributes:
        path: the file itself, not a link to it.
        card: its export card.
        sha256: of the file when it was found.
    """

    path: Path
    card: dict[str, Any]
    sha256: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of its pictures, in pixels."""
        _, height, width, _ = self.card["input"]["shape"]
        return height, width

    @property
    def style(self) -> tuple[Any, ...]:
        """What all files of one style, or of one mix, share: name, SHA-256 of the checkpoint, size, styles."""
        return self.card["name"], self.card["source"]["sha256"], self.size, *self.styles

    @property
    def styles(self) -> list[str]:
        """The names of the styles that it mixes; empty for a file of one style."""
        return styles_in(self.card)

    @property
    def painting(self) -> str:
        """The painting's name, or its file's name without the folder."""
        return PureWindowsPath(PurePosixPath(str(self.card["style"])).name).name

    @property
    def psnr(self) -> float | None:
        """The mean PSNR measured at export, in dB; None if it was not measured or is not finite."""
        measured = self.card["fidelity"]
        psnr = float(measured["mean"]["psnr"]) if measured else math.inf
        return psnr if math.isfinite(psnr) else None

    def read(self) -> bytes:
        """The file's bytes.

        Raises:
            CheckpointError: it is gone, or is no longer the file that was found.
        """
        content = read_regular(self.path, LARGEST_FILE)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise CheckpointError(f"{self.path} was replaced while it was in use; start again")
        return content

    @cached_property
    def painted(self) -> list[np.ndarray]:
        """The known photo painted by native LiteRT, (H, W, 3) uint8: one picture for each style.

        Raises:
            CheckpointError: the file is damaged or was replaced.
        """
        alone = [[shares] for shares in np.eye(len(self.styles), dtype=np.float32)] or [[]]
        with TemporaryDirectory() as folder:  # a copy, because the file could be replaced before it is opened again
            copy = Path(folder) / self.path.name
            copy.write_bytes(self.read())
            try:
                run = runtimes.load(copy)
                return [run(known_frame(*self.size), *shares) for shares in alone]
            except CheckpointError as error:
                raise CheckpointError(str(error).replace(str(copy), str(self.path))) from None


def known_frame(height: int, width: int) -> np.ndarray:
    """The photo that engines are checked on, cropped to (height, width, 3), uint8."""
    photo = images.load(bundled_photos("held_out") / f"{KNOWN_PHOTO}.jpg")
    return images.center_crop(photo, height, width)


def find_models(places: Sequence[Path]) -> tuple[list[Model], list[str]]:
    """The models at some places.

    Args:
        places: .tflite files with their cards, and folders, which are searched recursively. A link inside a folder
            that leads out of it is left out.

    Returns:
        The models in the order of the places, `OPENING` first within each folder; and a sentence for each file that is
        left out.

    Raises:
        CheckpointError: a file in `places` cannot be used.
    """
    models: dict[Path, Model] = {}
    left_out = []
    for place in places:
        if not place.is_dir():
            path = place.resolve()  # a link that is named explicitly may lead anywhere
            models[path] = _model(path, path.parent)
            continue
        for path in sorted(place.rglob("*.tflite"), key=lambda path: (OPENING not in path.parts, path)):
            try:
                model = _model(path, place)
                models.setdefault(model.path, model)
            except CheckpointError as error:
                left_out.append(str(error))
    return list(models.values()), left_out


def grouped(models: Sequence[Model]) -> Iterator[list[Model]]:
    """One list of models for each style, float16 first; of two files with the same recipe, only the first."""
    groups: dict[tuple[Any, ...], dict[str, Model]] = {}
    for model in models:
        groups.setdefault(model.style, {}).setdefault(model.card["recipe"], model)
    for group in groups.values():
        yield sorted(group.values(), key=lambda model: model.card["recipe"] != "float16")


def read_regular(path: Path, largest: int) -> bytes:
    """Reads at most `largest` + 1 bytes of a regular file, without following a link or waiting on a pipe.

    Raises:
        CheckpointError: it is missing, is no regular file, or cannot be read.
    """
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CheckpointError(f"{path} is no file any more; start again")
            return file.read(largest + 1)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read any more: {error.strerror}; start again") from None


def _model(path: Path, folder: Path) -> Model:
    for file, largest in ((path, LARGEST_FILE), (card_path(path), LARGEST_CARD)):
        if os.path.lexists(file):
            _check_file(file, folder, largest)
    card = read_export_card(path)
    try:
        model = Model(path.resolve(), card, (card["file"] or {}).get("sha256") or digest(path))
        given, sides = card["input"], card["input"]["shape"][1:3]
        if len(given["shape"]) != 4 or given["type"] not in ("uint8", "float32"):
            raise CheckpointError(f"{path} takes {given['type']} {given['shape']}, and the page gives it pictures")
        if not all(isinstance(side, int) and 0 < side <= LARGEST_SIDE for side in sides):
            raise CheckpointError(
                f"{path} takes pictures of {sides}, and the page gives it up to {LARGEST_SIDE} pixels"
            )
        # Finds damage here, not while the page is served.
        hash((model.style, card["recipe"], model.psnr, model.painting))
        if model.styles and list(card["mix"]["shape"]) != [1, 1, 1, len(model.styles)]:
            raise CheckpointError(f"the card of {path} names {len(model.styles)} styles, its file mixes others")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"the card of {path} is damaged ({error}); export it again") from None
    return model


def _check_file(file: Path, folder: Path, largest: int) -> None:
    try:
        real = file.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError):  # a link to nothing, or to itself
        raise CheckpointError(f"{file} leads to no file; remove it") from None
    if not real.is_relative_to(folder.resolve()):
        raise CheckpointError(f"{file} is a link that leads out of {folder}; put the file itself there")
    if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
        raise CheckpointError(f"{file} is no file of at most {largest:,} bytes; remove it")
