"""The browser page as static files for any web host."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import CheckpointError
from ..files import refuse_existing, writing
from ..network.catalog import BUNDLED, places
from ..progress import Note, Progress, silent
from .site import Site, build_site

PLACE = b'{"version": "", "shell": [], "rest": []}'  # the placeholder in sw.js


def bundle_web(models: Sequence[str | Path], out: Path | str, progress: Progress = silent) -> Path:
    """Writes the page with a service worker, which caches it for offline use and adds the headers that threads need.

    Args:
        models: bundled styles by name, .tflite files, or folders of them; empty for all bundled styles.
        out: a new folder.
        progress: called with a warning for each file that is left out.

    Returns:
        The path of index.html.

    Raises:
        CheckpointError: a model is missing or cannot be used.
        OutputError: the folder exists or cannot be written.
        DeviceError: LiteRT.js is not set up.
    """
    refuse_existing(out := Path(out))
    site, left_out = build_site([_place(model) for model in models] or [BUNDLED], offline=True)
    for sentence in left_out:
        progress(Note(f"left out: {sentence}", warning=True))
    with writing(out) as temporary:
        contents = {name: resource.content() for name, resource in site.items()}
        contents["sw.js"] = _filled_in(contents["sw.js"], _listed(site, contents))
        for name, content in contents.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return out / "index.html"


def _place(model: str | Path) -> Path:
    for place in places(model):
        if place.suffix == ".tflite" if place.is_file() else any(place.rglob("*.tflite")):
            return place
    raise CheckpointError(f"there is no {model}: neither a bundled style, nor a .tflite file, nor a folder of them")


def _filled_in(worker: bytes, listed: dict[str, object]) -> bytes:
    """The service worker's script with its placeholder filled in."""
    before, after = worker.split(PLACE)
    return before + json.dumps(listed).encode() + after


def _listed(site: Site, contents: dict[str, bytes]) -> dict[str, object]:
    """For the service worker: a version that changes with any file, the files to cache at once, and the other files.

    Engines and float files are large, and no device needs all of them: they are cached when first used.
    """
    styles = json.loads(contents["site.json"])["styles"]
    floats = {file["url"] for style in styles for file in style["files"] if file["type"] != "uint8"}
    floats |= {style["still"][name] for style in styles if "still" in style for name in ("gains_url", "tile_url")}
    shell = [name for name in site if not name.startswith("engine/") and name not in floats]
    whole = hashlib.sha256()
    for name in sorted(contents):
        whole.update(name.encode() + b"\0" + hashlib.sha256(contents[name]).digest())
    return {"version": f"mobile-style-{whole.hexdigest()[:16]}", "shell": shell, "rest": sorted(set(site) - set(shell))}
