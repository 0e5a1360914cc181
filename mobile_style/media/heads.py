"""Reads what Pillow ignores in the head of a picture file, in bounded time, whatever the file contains."""

import os
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

SEGMENTS = 10_000  # of a JPEG file before its pixels, at most; a profile or an XMP packet takes hundreds
JUNK = 65_536  # meaningless bytes between two of them, at most
MARKER = re.compile(rb"[^\xff]*\xff+([^\xff])")
ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})  # without a length (ITU-T T.81, B.1.1.3), and 0, no marker
SCAN = 0xDA
CHUNKS, BOXES = 10_000, 100  # chunks of a PNG file, and top-level boxes of other files, that are read at most
DESCRIPTION = 16 * 2**20  # bytes read of the box that describes the pictures, at most
PROFILES = (b"\x02", b"\x03")  # methods of a JPEG 2000 color box with a profile; 3 is that of the extension JPX


class CodePoints(NamedTuple):
    """Colors as code points of ITU-T H.273: `primaries` of 8.1, `transfer` of 8.2; 2 means unspecified.

    `full` says whether the values range from 0 to 255, not from 16 to 235.
    """

    primaries: int
    transfer: int
    full: bool = True


def leads_to_pixels(file: BinaryIO) -> bool:
    """Whether the head of a JPEG file leads to its pixels, or to the file's end, in a bounded number of steps."""
    place = 2
    for _ in range(SEGMENTS):
        file.seek(place)
        window = file.read(JUNK)
        found = MARKER.match(window)
        if found is None:
            return len(window) < JUNK
        if (code := found[1][0]) == SCAN:
            return True
        place += found.end()
        if code not in ALONE:
            file.seek(place)
            place += max(2, _number(file.read(2)))
    return False


def code_points(file: BinaryIO, file_format: str | None) -> CodePoints | None:
    """The code points of a PNG or AVIF file; None if it has none, they are damaged, or the format is another."""
    if file_format == "PNG":
        return _of_png(file)
    return _of_boxes(_content_of(b"meta", file)) if file_format == "AVIF" else None


def profile_of_jp2(file: BinaryIO) -> bytes:
    """The color profile of a JPEG 2000 file (ISO/IEC 15444-1, I.5.3.3); empty if it has none.

    If several boxes give its colors, the first one counts.
    """
    for name, body in _boxes(_content_of(b"jp2h", file)):
        if name == b"colr":
            return body[3:] if body[:1] in PROFILES else b""
    return b""


def _of_png(file: BinaryIO) -> CodePoints | None:
    """From the chunk cICP (Portable Network Graphics, third edition, 11.3.2.6), which precedes the pixels."""
    file.seek(8)
    for _ in range(CHUNKS):
        head = file.read(8)
        length, name = _number(head[:4]), head[4:]
        if len(head) < 8 or name == b"IDAT":
            return None
        if name == b"cICP" and length == 4:
            body = file.read(4)
            if _number(file.read(4)) != zlib.crc32(name + body) or len(body) < 4:
                return None
            primaries, transfer, matrix, full = body
            return CodePoints(primaries, transfer, full == 1) if matrix == 0 and full <= 1 else None
        file.seek(length + 4, os.SEEK_CUR)
    return None


def _of_boxes(meta: bytes) -> CodePoints | None:
    """From the box colr of the primary picture (ISO/IEC 14496-12, 8.11 and 12.1.5)."""
    inside = dict(_boxes(meta[4:]))
    properties = dict(_boxes(inside.get(b"iprp", b"")))
    every = list(_boxes(properties.get(b"ipco", b"")))
    primary = inside.get(b"pitm", b"")
    item = _number(primary[4:8] if primary[:1] > b"\0" else primary[4:6])
    for number in _associated(properties.get(b"ipma", b""), item):
        name, body = every[number - 1] if 0 < number <= len(every) else (b"", b"")
        if name == b"colr" and body[:4] == b"nclx" and len(body) >= 10:
            return CodePoints(_number(body[4:6]), _number(body[6:8]))  # the decoder has applied the range
    return None


def _associated(ipma: bytes, wanted: int) -> list[int]:
    """The indexes, from 1, of an item's properties."""
    width, step = 4 if ipma[:1] > b"\0" else 2, 2 if _number(ipma[3:4]) & 1 else 1
    place = 8
    while place < len(ipma):
        item, count = _number(ipma[place : place + width]), _number(ipma[place + width : place + width + 1])
        place += width + 1
        if item == wanted:
            entries = ipma[place : place + count * step]
            mask = (1 << (8 * step - 1)) - 1  # the highest bit says whether readers must understand the property
            return [_number(entries[at : at + step]) & mask for at in range(0, len(entries), step)]
        place += count * step
    return []


def _content_of(wanted: bytes, file: BinaryIO) -> bytes:
    """The content of the file's first top-level box with a name, at most `DESCRIPTION` bytes; empty without one."""
    place = 0
    for _ in range(BOXES):
        file.seek(place)
        size, name, head = _box(file.read(16))
        if name == wanted:
            file.seek(place + head)
            return file.read(min(size - head, DESCRIPTION) if size >= head else 0)
        if size < head or size > 2**60:  # the last one, or a damaged one
            break
        place += size
    return b""


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The names and contents of the boxes inside a box."""
    place = 0
    while place + 8 <= len(content):
        size, name, head = _box(content[place : place + 16])
        if size < head:
            return
        yield name, content[place + head : place + size]
        place += size


def _box(start: bytes) -> tuple[int, bytes, int]:
    """Size and name of a box, and the length of its header in bytes (ISO/IEC 14496-12, 4.2)."""
    size, name = _number(start[:4]), start[4:8]
    return (_number(start[8:16]), name, 16) if size == 1 else (size, name, 8)


def _number(content: bytes) -> int:
    return int.from_bytes(content, "big")
