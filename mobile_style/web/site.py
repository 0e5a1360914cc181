"""The browser page as a table of its files: what `serve` answers with and `bundle --web` writes.

Nothing outside the table can be asked for, whatever the request's path says, and no name that comes from a model's
file or card becomes a part of an address.
"""

import gzip
import hashlib
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .. import images
from ..errors import CheckpointError
from ..exporting import runtimes
from ..exporting.card import read_export_card
from ..network.catalog import BUNDLED, DEFAULT, STYLES, bundled_photos
from . import litertjs

STATIC = Path(__file__).parent / "static"
PHOTOS = ("singapore_skyline_dusk", "roman_colosseum", "river_otters", "astronaut_portrait")  # CC0 or public domain
THUMBNAIL = 192
LARGEST = 4096  # pixels of a side, as in `export`
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".md": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Resource:
    """One file of the page; `read` gives its bytes, which are gzipped if `gzipped` says so."""

    read: Callable[[], bytes]
    kind: str
    gzipped: bool = False

    def content(self) -> bytes:
        """The bytes, unpacked."""
        return gzip.decompress(self.read()) if self.gzipped else self.read()


Site = dict[str, Resource]  # by address, relative to the page


@dataclass(frozen=True)
class _Export:
    """A .tflite that takes and gives pictures as bytes or floats, and its card."""

    path: Path
    card: dict[str, Any]

    def style(self) -> tuple[Any, ...]:
        """What the files of one style have in common: the network, the size of its pictures."""
        return self.card["name"], self.card["source"]["sha256"], tuple(self.card["input"]["shape"])


def build_site(models: Sequence[Path] = (BUNDLED,), offline: bool = False) -> tuple[Site, list[str]]:
    """The page with these models.

    Args:
        models: .tflite files with their cards, and folders that are searched for them all the way down.
        offline: whether the page installs a service worker, which keeps it for use without a network and adds the
            headers that threads need.

    Returns:
        The table of files, and a sentence for each file that had to be left out.

    Raises:
        CheckpointError: there is no model that can be used.
        DeviceError: LiteRT.js is not set up.
    """
    exports, left_out = _find(models)
    if not exports:
        reason = f" ({left_out[0]})" if left_out else ""
        places = ", ".join(map(str, models))
        raise CheckpointError(f"no .tflite models in {places}{reason}; `mobile-style export` makes one")
    site = page_files()
    site["photos/SOURCES.md"] = resource("a.md", (bundled_photos("train").parent / "SOURCES.md").read_bytes)
    photos = [f"photos/{name}.jpg" for name in PHOTOS]
    for url, name in zip(photos, PHOTOS, strict=True):
        site[url] = resource(url, (bundled_photos("held_out") / f"{name}.jpg").read_bytes)
    for size in (192, 512):
        site[f"icon-{size}.png"] = resource("a.png", cache(partial(_icon, size)))
    styles = [_style(site, number, group) for number, group in enumerate(_grouped(exports))]
    about = {
        "version": version("mobile-style"),
        "litertjs": litertjs.VERSION,
        "offline": offline,
        "photos": photos,
        "styles": styles,
    }
    site["site.json"] = resource("a.json", partial(json.dumps(about, indent=1).encode))
    return site, left_out


def page_files() -> Site:
    """The page's own files and the engine, without any model.

    Raises:
        DeviceError: LiteRT.js is not set up.
    """
    site = {path.name: resource(path.name, path.read_bytes) for path in sorted(STATIC.iterdir()) if path.is_file()}
    engine = litertjs.folder()
    for name in litertjs.FILES:
        site[f"engine/{name}"] = resource(name, (engine / f"{name}.gz").read_bytes, gzipped=True)
    site["engine/LICENSE"] = resource("", (engine / "LICENSE").read_bytes)
    return site


def resource(name: str, read: Callable[[], bytes], gzipped: bool = False) -> Resource:
    """A file of the kind that its name's suffix tells."""
    return Resource(read, KINDS.get(Path(name).suffix, "application/octet-stream"), gzipped)


def _find(models: Sequence[Path]) -> tuple[list[_Export], list[str]]:
    files: list[Path] = []
    for place in models:
        # The default style first, as the page starts with the first.
        inside = sorted(place.rglob("*.tflite"), key=lambda path: (DEFAULT not in path.parts, path))
        files += inside if place.is_dir() else [place]
    exports, left_out = [], []
    for path in dict.fromkeys(files):
        try:
            card = read_export_card(path)
            given, export = card["input"], _Export(path, card)
            sides = given["shape"][1:3]
            if len(given["shape"]) != 4 or given["type"] not in ("uint8", "float32"):
                raise CheckpointError(f"{path} takes {given['type']} {given['shape']}, and the page gives it pictures")
            if not all(isinstance(side, int) and 0 < side <= LARGEST for side in sides):
                raise CheckpointError(f"{path} takes pictures of {sides}, and the page gives it up to {LARGEST} pixels")
            hash((export.style(), card["recipe"]))  # what is damaged is found here, not while the page is served
            _psnr(card)
            exports.append(export)
        except CheckpointError as error:
            if path in models:
                raise
            left_out.append(str(error))
        except (KeyError, TypeError, ValueError) as error:
            left_out.append(f"the card of {path} is damaged ({error})")
    return exports, left_out


def _grouped(exports: list[_Export]) -> list[list[_Export]]:
    """One list for each style, float16 before what else takes floats; of two files by one recipe the first."""
    groups: dict[tuple[Any, ...], dict[str, _Export]] = {}
    for export in exports:
        groups.setdefault(export.style(), {}).setdefault(export.card["recipe"], export)
    return [sorted(group.values(), key=lambda export: export.card["recipe"] != "float16") for group in groups.values()]


def _style(site: Site, number: int, group: list[_Export]) -> dict[str, Any]:
    """Adds a style's files to the table; what the page needs to know of it."""
    card = group[0].card
    folder = f"models/{number}"
    beside = group[0].path.with_name("thumbnail.jpg")
    thumbnail = beside.read_bytes if beside.is_file() else cache(partial(_thumbnail, group[0].path))
    site[f"{folder}/thumbnail.jpg"] = resource("a.jpg", thumbnail)
    _, height, width, _ = card["input"]["shape"]
    given = f"models/{width}x{height}.rgb"
    site[given] = resource("", cache(lambda: known_frame(height, width).tobytes()))
    files = []
    for place, export in enumerate(group):
        url = f"{folder}/{place}.tflite"
        answer = f"{folder}/{place}.rgb"
        site[url] = resource(url, export.path.read_bytes)
        site[answer] = resource(answer, cache(partial(_known_answer, export.path, height, width)))
        files.append(
            {
                "url": url,
                "recipe": str(export.card["recipe"]),
                "type": export.card["input"]["type"],
                "bytes": export.path.stat().st_size,
                "psnr": _psnr(export.card),
                "known": {"input": given, "output": answer},
            }
        )
    return {
        "title": _title(str(card["name"])),
        "size": [height, width],
        "painting": str(card["style"]),
        "thumbnail": f"{folder}/thumbnail.jpg",
        "files": files,
    }


def _psnr(card: dict[str, Any]) -> float | None:
    """As measured when the file was exported, if it was, and a number that JSON has."""
    measured = card["fidelity"]
    psnr = float(measured["mean"]["psnr"]) if measured else math.inf
    return psnr if math.isfinite(psnr) else None


def _title(name: str) -> str:
    """composition_vii as Composition VII; what looks like no such name as it is."""
    if not name.isidentifier():
        return name
    words = (word.upper() if set(word) <= set("ivx") else word.capitalize() for word in name.split("_"))
    return " ".join(words)


def known_frame(height: int, width: int) -> np.ndarray:
    """The photo on which an engine proves itself, (H, W, 3) uint8."""
    photo = images.load(bundled_photos("held_out") / f"{PHOTOS[0]}.jpg")
    return images.centre_crop(photo, height, width)


def _known_answer(path: Path, height: int, width: int) -> bytes:
    """What native LiteRT makes of it."""
    return runtimes.load(path)(known_frame(height, width)).tobytes()


def _thumbnail(path: Path) -> bytes:
    runner = runtimes.load(path)
    painted = runner(known_frame(*runner.sizes[0]))
    return images.encode(images.centre_square(painted, THUMBNAIL), "JPEG", 85)


def _icon(size: int) -> bytes:
    painting = images.centre_square(images.load(STYLES / "starry_night.jpg"), size)
    content = io.BytesIO()
    Image.fromarray(painting).quantize().save(content, "PNG", optimize=True)  # 256 colours: a third of the bytes
    return content.getvalue()


def etag(content: bytes) -> str:
    """What tells two versions of a file apart."""
    return hashlib.sha256(content).hexdigest()[:32]
