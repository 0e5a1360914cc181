"""The scans of a JPEG file (ITU-T T.81, B.1 and B.2), and damage to them that libjpeg does not report."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # neither a byte of the pixels nor a restart
LAST, ALONE = 0xD9, 0x01  # the end, and a marker without a length
PLAIN, PROGRESSIVE, SCAN, RESTARTS = (0xC0, 0xC1), 0xC2, 0xDA, 0xDD
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start-of-frame markers, one for each kind of coding
REMARKS = frozenset({*range(0xE0, 0xF0), 0xFE})  # application segments and comments
TAIL = 8  # bytes at the end of the pixels
LARGEST_END = 65_536  # bytes read after the pixels, at most: any number of 255s may precede the end marker
NO_CODE = b"\xff\0" * 9  # more bits than libjpeg reads ahead
COEFFICIENTS, ALL = 64, 14  # coefficients of a block, and bits of a coefficient, at most
SMALLEST = 3  # ffmpeg's `lowres`: 3 halvings of each side


@dataclass(frozen=True)
class Scans:
    """The scans of a JPEG file's first picture.

    Attributes:
        end: offset of the end of the last scan.
        frames: its start-of-frame markers; exactly one if it is sound.
        heads: headers of its scans, without marker and length.
        padded: whether its last bytes are all the same, as when a camera pads its files.
        restarts: whether it has restart intervals.
        bare: its bytes without application segments, comments and the end marker.
    """

    end: int
    frames: tuple[int, ...]
    heads: tuple[bytes, ...]
    padded: bool
    restarts: bool
    bare: bytes

    @property
    def at_once(self) -> bool:
        """Whether one scan holds everything, so that pixels are decoded as they are read."""
        return len(self.heads) == len(self.frames) == 1 and self.frames[0] in PLAIN

    def is_coarse(self) -> bool:
        """Whether a progressive picture lacks scans: it is complete, but not in full detail (ITU-T T.81, G.1.1.1)."""
        if self.frames != (PROGRESSIVE,):
            return False
        lacking: dict[int, list[int]] = {}  # missing bits of each coefficient, by component
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
        """Whether ffmpeg finds damage; False for files in which `load` finds it, and for those ffmpeg cannot decode."""
        if self.at_once and not self.restarts:
            return False
        if len(self.frames) != 1 or self.frames[0] not in (*PLAIN, PROGRESSIVE):  # which ffmpeg cannot decode
            return False
        import av

        decoder: Any = av.CodecContext.create("mjpeg", "r")
        decoder.thread_count = 1
        decoder.options = {"err_detect": "explode", "lowres": str(SMALLEST)}
        try:
            decoder.decode(av.Packet(self.bare + bytes([0xFF, LAST])))
        except av.error.InvalidDataError:
            return True
        except av.error.FFmpegError:  # ffmpeg cannot decode this kind
            return False
        return False


def scans_of(content: bytes) -> Scans:
    """Parses the file up to the end of its first picture."""
    end, bare, frames, heads, restarts = len(content), [content[:2]], [], [], False
    before = 0  # offset of the previous segment; 0 if it is not kept
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
    """The marker, offset and content of each segment; the last is the picture's end marker, if there is one."""
    place = 2
    while found := MARKER.search(content, place):
        code, place = found[1][0], found.end()
        if code not in (LAST, ALONE):
            place += max(2, int.from_bytes(content[place : place + 2], "big"))
        yield code, found.start(), content[found.end() + 2 : place]
        if code == LAST:
            return


def load(image: Image.Image, content: bytes, scans: Scans) -> bool:
    """Loads a JPEG file's picture, and returns whether its data hold as many pixels as the picture has.

    Damaged bytes decode to more or fewer pixels. Then libjpeg finishes before it asks for the last bytes, or it asks
    for more than it always reads after them.
    """
    start = max(0, scans.end - TAIL)
    pieces = [content[:start], content[start : scans.end], NO_CODE, content[scans.end : scans.end + LARGEST_END]]
    most = 3
    if not scans.at_once or not pieces[-1]:
        del pieces[2]  # the end is read in any case, or is missing
    asked = 0

    def next_piece(_: int) -> bytes:
        nonlocal asked
        asked += 1
        return pieces[asked - 1] if asked <= len(pieces) else b""

    untyped: Any = image  # `load_read` is not in its type
    read, untyped.load_read = untyped.load_read, next_piece
    try:
        image.load()
    finally:
        untyped.load_read = read
    return scans.padded or 2 <= asked <= most
