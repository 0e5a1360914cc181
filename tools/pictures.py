"""What the docs' pictures show: what makes a picture records it, and a test compares."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "pictures.json"
APP = "android/"  # pictures of the app, in docs/
SOURCES = [f"android_demo/app/src/main/{part}" for part in ("kotlin", "java", "res")] + ["android_demo/core/src/main"]


def digest(picture: str) -> str:
    """Of the networks that are bundled; for a picture of the app, also of its sources and of the files that it runs."""
    lines = "\n".join(f"{path.parent.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in _shown(picture))
    return hashlib.sha256(lines.encode()).hexdigest()


def _shown(picture: str) -> Iterator[Path]:
    yield from sorted((ROOT / "models").glob("*/model.safetensors"))
    if picture.startswith(APP):
        yield from sorted((ROOT / "models").glob("*/int8.tflite"))
        for folder in SOURCES:
            yield from sorted(path for path in (ROOT / folder).rglob("*") if path.is_file())


def record(*pictures: str) -> None:
    """Says that pictures, named as in docs/, show the networks, and the app, of now."""
    known = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    known |= {picture: digest(picture) for picture in pictures}
    RECORD.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
