"""What the head of a picture file tells that Pillow does not look for, read in little time whatever is in the file."""

import os
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

SEGMENTS = 10_000  # of a JPEG file before its pixels; a profile or an XMP packet takes hundreds
JUNK = 65_536  # bytes between two of them that mean nothing
MARKER = re.compile(rb"[^\xff]*\xff+([^\xff])")
ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})  # markers without a length (ITU-T T.81, B.1.1.3), and no marker
SCAN = 0xDA
CHUNKS, BOXES = 10_000, 100  # of a PNG file, and of one of boxes, that are gone through
DESCRIPTION = 16 * 2**20  # bytes that are read of the box that describes the pictures
PROFILES = (b"\x02", b"\x03")  # how JPEG 2000 files tell that a profile follows; 3 is one of its extension


class CodePoints(NamedTuple):
    """Colors told by numbers of ITU-T H.273: `primaries` of 8.1, `transfer` of 8.2; 2 is untold.

    `full` tells whether the values reach from 0 to 255, not from 16 to 235.
    """

    primaries: int
    transfer: int
    full: bool = True


def leads_to_pixels(file: BinaryIO) -> bool:
    """Whether a JPEG file gets from its head to its pixels, or to its end, in a bounded number of steps."""
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
    """What a PNG or AVIF file tells; None if it is nothing, or damaged."""
    if file_format == "PNG":
        return _of_png(file)
    return _of_boxes(_content_of(b"meta", file)) if file_format == "AVIF" else None


def profile_of_jp2(file: BinaryIO) -> bytes:
    """The color profile of a JPEG 2000 file (ISO/IEC 15444-1, I.5.3.3); empty if it has none.

    Of several boxes that tell its colors the first one counts.
    """
    for name, body in _boxes(_content_of(b"jp2h", file)):
        if name == b"colr":
            return body[3:] if body[:1] in PROFILES else b""
    return b""


def _of_png(file: BinaryIO) -> CodePoints | None:
    """By its chunk cICP (Portable Network Graphics, third edition, 11.3.2.6), which lies before the pixels."""
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
    """By the box colr of the first picture (ISO/IEC 14496-12, 8.11 and 12.1.5)."""
    inside = dict(_boxes(meta[4:]))
    properties = dict(_boxes(inside.get(b"iprp", b"")))
    every = list(_boxes(properties.get(b"ipco", b"")))
    primary = inside.get(b"pitm", b"")
    item = _number(primary[4:8] if primary[:1] > b"\0" else primary[4:6])
    for number in _associated(properties.get(b"ipma", b""), item):
        name, body = every[number - 1] if 0 < number <= len(every) else (b"", b"")
        if name == b"colr" and body[:4] == b"nclx" and len(body) >= 10:
            return CodePoints(_number(body[4:6]), _number(body[6:8]))  # the decoder has seen to the range
    return None


def _associated(ipma: bytes, wanted: int) -> list[int]:
    """The numbers, from 1 on, of an item's properties."""
    width, step = 4 if ipma[:1] > b"\0" else 2, 2 if _number(ipma[3:4]) & 1 else 1
    place = 8
    while place < len(ipma):
        item, count = _number(ipma[place : place + width]), _number(ipma[place + width : place + width + 1])
        place += width + 1
        if item == wanted:
            told = ipma[place : place + count * step]
            mask = (1 << (8 * step - 1)) - 1  # the highest bit tells whether readers must know the property
            return [_number(told[at : at + step]) & mask for at in range(0, len(told), step)]
        place += count * step
    return []


def _content_of(wanted: bytes, file: BinaryIO) -> bytes:
    """What is in the file's box of a name."""
    place = 0
    for _ in range(BOXES):
        file.seek(place)
        size, name, head = _box(file.read(16))
        if name == wanted:
            file.seek(place + head)
            return file.read(min(size - head, DESCRIPTION) if size >= head else 0)
        if size < head or size > 2**60:  # the last, or damaged
            break
        place += size
    return b""


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the boxes in a box."""
    place = 0
    while place + 8 <= len(content):
        size, name, head = _box(content[place : place + 16])
        if size < head:
            return
        yield name, content[place + head : place + size]
        place += size


def _box(start: bytes) -> tuple[int, bytes, int]:
    """Size and name of a box, and the bytes that they take (ISO/IEC 14496-12, 4.2)."""
    size, name = _number(start[:4]), start[4:8]
    return (_number(start[8:16]), name, 16) if size == 1 else (size, name, 8)


def _number(content: bytes) -> int:
    return int.from_bytes(content, "big")
