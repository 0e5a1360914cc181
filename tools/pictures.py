"""Which models the docs' pictures show: what makes a picture records it, and a test compares."""

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "pictures.json"


def digest() -> str:
    """Of the networks that are bundled."""
    parts = [
        f"{path.parent.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted((ROOT / "models").glob("*/model.safetensors"))
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def record(*pictures: str) -> None:
    """Says that pictures, named as in docs/, show the networks of now."""
    known = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    known |= dict.fromkeys(pictures, digest())
    RECORD.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
