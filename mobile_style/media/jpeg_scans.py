"""What a JPEG file holds behind its head (ITU-T T.81, B.1 and B.2), and damage there, of which libjpeg says nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # that is neither a byte of the pixels nor a restart
LAST, ALONE = 0xD9, 0x01  # the end, and a marker without a length
PLAIN, PROGRESSIVE, SCAN, RESTARTS = (0xC0, 0xC1), 0xC2, 0xDA, 0xDD
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # kinds of coding
REMARKS = frozenset({*range(0xE0, 0xF0), 0xFE})  # of programs and people
TAIL = 8  # bytes of pixels
LARGEST_END = 65_536  # bytes of an end, which any number of 255s may be before
NO_CODE = b"\xff\0" * 9  # more bits than libjpeg reads ahead
COEFFICIENTS, ALL = 64, 14  # of a block, and the bits of one that there can be
SMALLEST = 3  # of ffmpeg's sizes, each half the one before


@dataclass(frozen=True)
class Scans:
    """The first picture of a JPEG file.

    Attributes:
        end: where its last scan ends.
        frames: the markers of its kind of coding; one, if it is sound.
        heads: of its scans, without marker and length.
        padded: whether its last bytes are all the same, as cameras fill up their files.
        restarts: whether it is coded in parts that each begin anew.
        bare: it without what programs and people have remarked, without an end.
    """

    end: int
    frames: tuple[int, ...]
    heads: tuple[bytes, ...]
    padded: bool
    restarts: bool
    bare: bytes

    @property
    def at_once(self) -> bool:
        """Whether one scan holds all, so that pixels are decoded as they are read."""
        return len(self.heads) == len(self.frames) == 1 and self.frames[0] in PLAIN

    def is_coarse(self) -> bool:
        """Whether a progressive picture lacks scans, without which it is whole, but not fine (ITU-T T.81, G.1.1.1)."""
        if self.frames != (PROGRESSIVE,):
            return False
        lacking: dict[int, list[int]] = {}  # for each component, bits of each coefficient
        for head in self.heads:
            count = head[0] if head else 0
            if len(head) != 4 + 2 * count:
                return False
            first, last, bits = head[-3:]
            for component in head[1:-3:2]:
                coefficients = lacking.setdefault(component, [ALL] * COEFFICIENTS)
                coefficients[first : last + 1] = [bits & 15] * (min(last, COEFFICIENTS - 1) + 1 - first)
        return any(any(bits) for bits in lacking.values())

    def is_damaged(self) -> bool:
        """Whether ffmpeg finds damage; asked only about files whose end does not tell it."""
        if self.at_once and not self.restarts:
            return False
        if len(self.frames) != 1 or self.frames[0] not in (*PLAIN, PROGRESSIVE):  # that ffmpeg does not know
            return False
        import av

        decoder: Any = av.CodecContext.create("mjpeg", "r")
        decoder.thread_count = 1
        decoder.options = {"err_detect": "explode", "lowres": str(SMALLEST)}
        try:
            decoder.decode(av.Packet(self.bare + bytes([0xFF, LAST])))
        except av.error.InvalidDataError:
            return True
        except av.error.FFmpegError:  # it does not know this kind
            return False
        return False


def scans_of(content: bytes) -> Scans:
    """Goes through the file, as far as its first picture."""
    end, bare, frames, heads, restarts = len(content), [content[:2]], [], [], False
    before = 0  # where the segment began that the next one ends; 0 if it is not kept
    for code, start, body in _segments(content):
        if before:
            bare.append(content[before:start])
        before = 0 if code in REMARKS else start
        if code == LAST:
            end = start
        elif code == SCAN:
            heads.append(body)
        elif code in FRAMES:
            frames.append(code)
        elif code == RESTARTS:
            restarts = any(body)
    if before and end == len(content):
        bare.append(content[before:])
    padded = len(set(content[max(0, end - TAIL) : end])) == 1
    return Scans(end, tuple(frames), tuple(heads), padded, restarts, b"".join(bare))


def _segments(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The marker of each segment, where it lies and what is in it; the last is the picture's end, if there is one."""
    place = 2
    while found := MARKER.search(content, place):
        code, place = found[1][0], found.end()
        if code not in (LAST, ALONE):
            place += max(2, int.from_bytes(content[place : place + 2], "big"))
        yield code, found.start(), content[found.end() + 2 : place]
        if code == LAST:
            return


def load(image: Image.Image, content: bytes, scans: Scans) -> bool:
    """Loads a picture of a JPEG file, and tells whether as many pixels were decoded as there are.

    Damaged bytes are taken for more or for fewer. Then libjpeg is done before it has asked for the last ones, or asks
    for more than it always looks at behind them.
    """
    start = max(0, scans.end - TAIL)
    pieces = [content[:start], content[start : scans.end], NO_CODE, content[scans.end : scans.end + LARGEST_END]]
    most = 3
    if not scans.at_once or not pieces[-1]:
        del pieces[2]  # the end is looked at in any case, or is missing
    asked = 0

    def next_piece(_: int) -> bytes:
        nonlocal asked
        asked += 1
        return pieces[asked - 1] if asked <= len(pieces) else b""

    parts: Any = image  # whose way to read is no part of its type
    read, parts.load_read = parts.load_read, next_piece
    try:
        image.load()
    finally:
        parts.load_read = read
    return scans.padded or 2 <= asked <= most
