"""Damaged and hostile picture files for the tests, made by code."""

import io
import struct
import zlib
from collections.abc import Sequence
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


def png(pixels: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file with more chunks after its header."""
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG")
        content = file.getvalue()
    more = [
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big") for name, body in chunks
    ]
    return content[:33] + b"".join(more) + content[33:]


def gamma(value: float) -> tuple[bytes, bytes]:
    """The chunk of a PNG file that tells it."""
    return b"gAMA", round(value * 100_000).to_bytes(4, "big")


def primaries(values: tuple[float, ...]) -> tuple[bytes, bytes]:
    """The chunk of a PNG file that tells x and y of white, red, green and blue."""
    return b"cHRM", b"".join(round(value * 100_000).to_bytes(4, "big") for value in values)


def tiff(
    planes: Sequence[np.ndarray],
    photometric: int,
    values: int = 1,
    order: str = "<",
    packed: bool = False,
    bits: int = 0,
    more: dict[int, int] | None = None,
) -> bytes:
    """A TIFF file of a gray picture, or of colors, whose channels may lie apart (TIFF 6.0).

    Args:
        planes: (H, W) each, of one type, or one (H, W, channels).
        photometric: 0 for gray that is black at its largest value, 1 for gray, 2 for RGB.
        values: 1 for unsigned, 2 for signed, 3 for floating-point ones.
        order: of the bytes, "<" or ">".
        packed: whether they are compressed.
        bits: of a value, where the planes are bytes that values lie across.
        more: further tags, with numbers of 16 bits.
    """
    height, width = planes[0].shape[:2]
    width = width * 8 // bits if bits else width
    raw = [plane.astype(plane.dtype.newbyteorder(order)).tobytes() for plane in planes]  # type: ignore[call-overload]
    strips = [zlib.compress(strip) if packed else strip for strip in raw]
    count, starts = len(planes), [8 + sum(map(len, strips[:number])) for number in range(len(planes))]
    samples = max((count, *planes[0].shape[2:]))
    short, long = "H", "I"
    tags = {
        256: (long, [width]),
        257: (long, [height]),
        258: (short, [bits or 8 * planes[0].itemsize] * samples),
        259: (short, [8 if packed else 1]),
        262: (short, [photometric]),
        273: (long, starts),
        277: (short, [samples]),
        278: (long, [height]),
        279: (long, [len(strip) for strip in strips]),
        284: (short, [1 if count == 1 else 2]),
        339: (short, [values] * samples),
    }
    tags = dict(sorted((tags | {tag: (short, [value]) for tag, value in (more or {}).items()}).items()))
    pixels = b"".join(strips) + bytes(sum(map(len, strips)) % 2)
    behind, entries = b"", b""
    end = 8 + len(pixels) + 2 + 12 * len(tags) + 4
    for tag, (kind, told) in tags.items():
        packed_values = struct.pack(f"{order}{len(told)}{kind}", *told)
        if len(packed_values) > 4:
            place, behind = end + len(behind), behind + packed_values
            packed_values = struct.pack(f"{order}I", place)
        entries += struct.pack(f"{order}HHI", tag, 3 if kind == short else 4, len(told)) + packed_values.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    head = magic + struct.pack(f"{order}I", 8 + len(pixels)) + pixels + struct.pack(f"{order}H", len(tags))
    return head + entries + bytes(4) + behind
