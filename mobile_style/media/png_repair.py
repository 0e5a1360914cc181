"""Recovers what it can of damaged PNG files (ISO/IEC 15948)."""

import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

MISSING = 0.1  # share of a picture's rows that may be missing at the end of its file
PART = 2**20  # bytes read at once
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Chunks that a viewer can do without, and that are kept if they are sound.
KEPT = frozenset({b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"eXIf", b"acTL", b"fcTL", b"fdAT"})
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # per pixel, by color type


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Each chunk's name, content, and whether its checksum is right; ends at an invalid name. The last may be cut."""
    place = len(SIGNATURE)
    while place + 8 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        name, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        if not name.isalpha():
            return
        checksum = content[place + 8 + length : place + 12 + length]
        yield name, body, checksum == zlib.crc32(name + body).to_bytes(4, "big")
        place += 12 + length


def _chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def has_damaged_pixels(file: BinaryIO) -> bool:
    """Whether a checksum of pixel data is wrong; Pillow does not check it."""
    file.seek(len(SIGNATURE))
    name = b""
    while len(head := file.read(8)) == 8 and not (name == b"IDAT" != head[4:]):
        left, name = int.from_bytes(head[:4], "big"), head[4:]
        if name != b"IDAT":
            file.seek(left + 4, os.SEEK_CUR)
            continue
        checksum = zlib.crc32(name)
        while left and (part := file.read(min(left, PART))):
            checksum, left = zlib.crc32(part, checksum), left - len(part)
        if file.read(4) not in (checksum.to_bytes(4, "big"), b""):
            return True
    return False


def plain_png(content: bytes) -> bytes:
    """The file with only its critical chunks, and those of `KEPT` that are sound."""
    place, kept = len(SIGNATURE), [SIGNATURE]
    for name, body, sound in _chunks(content):
        if name[:1].isupper() or (name in KEPT and sound):
            kept.append(content[place : place + 12 + len(body)])
        place += 12 + len(body)
    return b"".join(kept)


def completed_png(content: bytes) -> bytes | None:
    """The file with zeros in place of the rows missing at its end; None if too many are missing, or it is too damaged.

    Interlaced files are not completed, because they lack a little everywhere.
    """
    chunks = list(_chunks(content))
    if not chunks or chunks[0][0] != b"IHDR" or not chunks[0][2]:
        return None
    header = chunks[0][1]
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    depth, kind, interlaced = header[8], header[9], header[12]
    if interlaced or kind not in SAMPLES or any(not sound for name, _, sound in chunks[:-1] if name == b"IDAT"):
        return None
    row = 1 + -(-width * SAMPLES[kind] * depth // 8)
    reader = zlib.decompressobj()
    try:
        pixels = reader.decompress(b"".join(body for name, body, _ in chunks if name == b"IDAT"), row * height)
    except zlib.error:
        return None
    missing = row * height - len(pixels)
    if missing > MISSING * row * height:
        return None
    before = [_chunk(name, body) for name, body, sound in chunks if name == b"PLTE" or (name in KEPT and sound)]
    packed = zlib.compress(pixels + bytes(missing), 1)
    return b"".join([SIGNATURE, _chunk(b"IHDR", header), *before, _chunk(b"IDAT", packed), _chunk(b"IEND", b"")])
