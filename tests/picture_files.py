"""Damaged and hostile picture files for the tests, made by code."""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from mobile_style.media import images


def bad_files(folder: Path) -> dict[Path, str]:
    """One file of each kind that must be refused, with what the message says."""
    jpeg = images.encode(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), "JPEG")
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    frames = [Image.new("RGB", (8, 8), (100 * number, 0, 0)) for number in range(3)]
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    files = {
        "text.jpg": (b"a letter, not a photo", "not an image that can be read"),
        "empty.jpg": (b"", "not an image that can be read"),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "is damaged"),
        "bomb.png": (bomb.getvalue(), "more than 200 million pixels"),
        "moving.gif": (moving.getvalue(), "animation of 3 frames"),
    }
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    return {folder / name: message for name, (_, message) in files.items()}


def bad_rational() -> bytes:
    """EXIF data whose orientation is 6 and whose resolution is -1/0."""
    entries = struct.pack("<HHII", 0x0112, 3, 1, 6) + struct.pack("<HHII", 0x011A, 10, 1, 38)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + bytes(4) + struct.pack("<ii", -1, 0)
