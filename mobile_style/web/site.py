"""The browser page as a table of files, which `serve` answers from and `bundle --web` writes.

A request can reach only the files of the table, whatever its path. No name from a model's file or card becomes part of
an address.
"""

import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import CheckpointError
from ..media import images
from ..network.catalog import BUNDLED, PAINTINGS, bundled_photos
from . import litertjs
from .adding import adding
from .models import KNOWN_PHOTO, Model, find_models, grouped, known_frame
from .paintings import painting_of_style
from .stills import still_files

STATIC = Path(__file__).parent / "static"
PHOTOS = (KNOWN_PHOTO, "roman_colosseum", "river_otters", "astronaut_portrait")  # CC0 or public domain
THUMBNAIL = 192  # pixels of each side
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
    """One file of the page.

    Attributes:
        read: returns its bytes, compressed with gzip if `gzipped`.
        kind: its MIME type.
    """

    read: Callable[[], bytes]
    kind: str
    gzipped: bool = False

    def content(self) -> bytes:
        """The bytes, decompressed."""
        return gzip.decompress(self.read()) if self.gzipped else self.read()


Site = dict[str, Resource]  # by address, relative to the page


def build_site(models: Sequence[Path] = (BUNDLED,), offline: bool = False) -> tuple[Site, list[str]]:
    """The page with these models.

    Args:
        models: .tflite files with their cards, and folders, which are searched recursively.
        offline: whether the page installs a service worker, which caches it for use without a network and adds the
            headers that threads need.

    Returns:
        The table of files, and a sentence for each model file that is left out.

    Raises:
        CheckpointError: there is no usable model, or a file in `models` cannot be used.
        DeviceError: LiteRT.js is not set up.
    """
    found, left_out = find_models(models)
    if not found:
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
    groups = list(grouped(found))
    styles = _with_distinct_titles([(group[0], _styles(site, number, group)) for number, group in enumerate(groups)])
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
    """A file whose MIME type follows from the suffix of `name`."""
    return Resource(read, KINDS.get(Path(name).suffix, "application/octet-stream"), gzipped)


def _styles(site: Site, number: int, group: Sequence[Model]) -> list[dict[str, Any]]:
    """Adds the files of a style, or of all styles of a mix, to the table; returns each style's entry of site.json."""
    first, folder = group[0], f"models/{number}"
    still: dict[str, Any] = {}
    if (found := still_files(first)) is not None:
        for name, read in found[0].items():
            site[f"{folder}/{name}"] = resource(name, read)
        still = {"still": found[1] | {name.split(".")[0] + "_url": f"{folder}/{name}" for name in found[0]}}
    if not first.styles:
        return [_style(site, folder, group, str(first.card["name"]), first.painting) | still]
    mix: dict[str, Any] = {"styles": list(map(_title, first.styles))}
    if (added := adding(first)) is not None:
        mix |= {"kernels_sha256": added[0], "terms_url": f"{folder}/terms.json"}
        site[mix["terms_url"]] = resource("a.json", partial(bytes, added[1]))
    return [
        _style(site, folder, group, name, name, index) | {"mix": mix | {"index": index}} | still
        for index, name in enumerate(first.styles)
    ]


def _with_distinct_titles(styles: Sequence[tuple[Model, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """All styles in one list; if several share a title, those of a mix get the mix's name appended."""
    count = Counter(each["title"] for _, several in styles for each in several)
    for model, several in styles:
        for each in several:
            if count[each["title"]] > 1 and model.styles:
                each["title"] += f" ({model.card['name']})"
    return [each for _, several in styles for each in several]


def _style(site: Site, folder: str, group: Sequence[Model], name: str, painting: str, index: int = 0) -> dict[str, Any]:
    """Adds the files of one style, the `index`-th of a mix, to the table; returns its entry of site.json."""
    height, width = group[0].size
    known, thumbnail = f"models/{width}x{height}.rgb", f"{folder}/thumbnail{index or ''}.jpg"
    site[known] = resource("", cache(lambda: known_frame(height, width).tobytes()))
    site[thumbnail] = resource("a.jpg", partial(_thumbnail, group[0], index))
    files = []
    for place, model in enumerate(group):
        url, answer = f"{folder}/{place}.tflite", f"{folder}/{place}{f'-{index}' if index else ''}.rgb"
        site[url] = resource(url, model.read)
        site[answer] = resource(answer, partial(_answer, model, index))
        files.append(
            {
                "url": url,
                "recipe": str(model.card["recipe"]),
                "type": model.card["input"]["type"],
                "bytes": model.path.stat().st_size,
                "psnr": model.psnr,
                "known": {"input": known, "output": answer},
            }
        )
    about: dict[str, Any] = {"title": _title(name), "size": [height, width], "painting": _title(painting)}
    if (picture := painting_of_style(group[0], painting)) is not None:
        about["painting_url"] = f"{folder}/painting{index or ''}.jpg"
        site[about["painting_url"]] = resource("a.jpg", partial(bytes, picture))
    return about | {"thumbnail": thumbnail, "files": files}


def _title(name: str) -> str:
    """A name such as composition_vii as Composition VII; other text unchanged."""
    if not name.isidentifier():
        return name
    words = (word.upper() if set(word) <= set("ivx") else word.capitalize() for word in name.split("_"))
    return " ".join(words)


def _answer(model: Model, index: int) -> bytes:
    return model.painted[index].tobytes()


def _thumbnail(model: Model, index: int) -> bytes:
    return images.encode(images.center_square(model.painted[index], THUMBNAIL), "JPEG", 85)


def _icon(size: int) -> bytes:
    painting = images.center_square(images.load(PAINTINGS / "starry_night.jpg"), size)
    content = io.BytesIO()
    Image.fromarray(painting).quantize().save(content, "PNG", optimize=True)  # 256 colors: a third of the bytes
    return content.getvalue()
