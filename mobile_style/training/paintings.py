"""The list of styles that one network is trained on: given as several files, as a folder, or as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from ..documents import read_document_file
from ..errors import UsageError
from ..network.catalog import style_path
from .style_crop import check_crop, cropped

if TYPE_CHECKING:
    import numpy as np

RESERVED = ",=:/\\"  # characters that a mix, or a path, gives another meaning
MOST = 1000


@dataclass(frozen=True)
class StyleEntry:
    """One style of many.

    Attributes:
        file: file of the style image, or the name of a bundled one.
        name: its name in mixes; by default the file's.
        size: shorter side of the style image in pixels; 0 for the training's `style_size`.
        weight: factor of its style loss's weight.
        crop: the part of it that is used (style_crop.py); empty for all of it.
        sha256: the file's; the training fills it in.
    """

    file: str
    name: str = ""
    size: int = 0
    weight: float = 1.0
    crop: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", Path(self.file).stem)
        if set(self.name) & set(RESERVED) or not self.name.isprintable() or not 0 < len(self.name) <= 100:
            raise UsageError(f"`style`: {self.name!r} is no name for a style; give it another in a list (JSON)")
        try:
            self.file.encode()
        except UnicodeError:
            raise UsageError("`style`: a path is not in UTF-8, as a checkpoint needs it; rename it") from None
        check_crop(self.crop)
        if self.size and not 32 <= self.size <= 4096:
            raise UsageError(f"`style`: the size of {self.name} must be from 32 to 4096, not {self.size}")
        if not 0 < self.weight < inf:
            raise UsageError(f"`style`: the weight of {self.name} must be above 0, not {self.weight}")

    def load(self) -> "np.ndarray":
        """The part of the style image that is used: (H, W, 3) uint8."""
        from ..media import images

        return cropped(images.load(style_path(self.file)), self.crop, self.name)


@dataclass(frozen=True)
class StyleList:
    """A JSON file that lists styles."""

    styles: Annotated[tuple[StyleEntry, ...], Meta(min_length=1, max_length=MOST)]


def is_list(style: str) -> bool:
    """Whether the text names a folder of styles, or a list of them."""
    return Path(style).is_dir() or Path(style).suffix.lower() == ".json"


def list_styles(given: Sequence[str]) -> tuple[StyleEntry, ...]:
    """The styles that the command line names: files, bundled names, folders of pictures and JSON lists of styles.

    Raises:
        UsageError: two have one name, or a list is damaged.
        ImageError: a file or a folder's pictures are missing.
    """
    entries: list[StyleEntry] = []
    for style in given:
        path = Path(style)
        if path.is_dir():
            from ..media import images

            entries += [StyleEntry(str(file)) for file in images.find([path], images.is_image)]
        elif path.suffix.lower() == ".json":
            listed = read_document_file(StyleList, path, UsageError).styles
            entries += [replace(entry, file=_beside(path, entry.file)) for entry in listed]
        else:
            entries.append(StyleEntry(style))
    names = [entry.name for entry in entries]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"`style`: two styles are called {twice}; name them apart in a list (docs/many_styles.md)")
    if not 0 < len(entries) <= MOST:
        raise UsageError(f"`style` must name from 1 to {MOST} styles, not {len(entries)}")
    for entry in entries:
        style_path(entry.file)  # fails early
    return tuple(entries)


def _beside(listing: Path, file: str) -> str:
    """A file that a list names: beside the list, or a bundled painting's name."""
    beside = listing.parent / file
    return str(beside) if beside.is_file() else file
