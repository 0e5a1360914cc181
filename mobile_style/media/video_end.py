"""Detects videos that end before their containers say so, because they were cut or damaged."""

import bisect
import os
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.video.stream import VideoStream

from .moving import BEGIN, SYNC, packets_of
from .video_time import WINDOW

INDEXED = "mov"  # ffmpeg's name of the containers whose index lists every packet
PACKET = 188  # bytes of one of an MPEG transport stream
UNKNOWN = (0, 2**32 - 1)  # as sizes
ASF_SIZE = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"  # of File Properties
TIMED = frozenset({"matroska", "flv"})  # containers whose head gives the end time, on the clock of their time stamps
LONGEST = Fraction(3, 2)  # factor on the longest frame: the last one may last that long, with nothing after it
SHARE = Fraction(1, 20)  # of the duration that may be missing, because programs measure it differently


class Ending:
    """Watches all packets of a video, in the order of the file.

    Args:
        container: the open video.
        pictures: the stream that is painted.
        step: seconds of a frame without a duration.
    """

    def __init__(self, container: av.container.InputContainer, pictures: VideoStream, step: Fraction):
        self._kinds = set(container.format.name.split(","))
        self._cut = False
        with suppress(OSError):  # it may have been removed by now
            self._cut = any(kind in self._kinds and is_cut(Path(container.name)) for kind, is_cut in CUT.items())
        self._declared = Fraction(container.duration or 0, 1_000_000)
        self._pictures, self._step = pictures, step
        self._count = 0
        self._end = self._longest = Fraction(0)
        self._recent: list[Fraction] = []  # times of the last frames, which may be out of order

    def see(self, packet: Any) -> None:
        """Notes a packet; call it before the packet's times are shifted."""
        if packet.size == 0 and packet.pts is None:  # the one that flushes the decoder, at the end
            return
        shown = packet.stream.index == self._pictures.index
        self._count += shown
        if packet.pts is None or packet.time_base is None:
            return
        time = packet.pts * packet.time_base
        lasts = Fraction((packet.duration or 0) * packet.time_base) or (self._step if shown else Fraction(0))
        self._end = max(self._end, time + lasts)
        if shown:
            self._longest = max(self._longest, lasts)
            bisect.insort(self._recent, time)
            if len(self._recent) > WINDOW:
                first = self._recent.pop(0)
                self._longest = max(self._longest, self._recent[0] - first)

    def remarks(self) -> list[str]:
        """What is missing; call it once all packets have been seen."""
        if self._cut:
            return ["the end of the file is missing"]
        entries = len(getattr(self._pictures, "index_entries", ()))  # PyAV 17 has none
        if INDEXED in self._kinds and self._count < entries:
            return [f"the end of the file is missing: it holds {self._count} of {entries} frames"]
        longest = max([self._longest, *(after - before for before, after in pairwise(self._recent))])
        if TIMED & self._kinds and self._declared - self._end > max(LONGEST * longest, SHARE * self._declared):
            end, declared = float(self._end), float(self._declared)
            return [f"the end of the file is missing: its frames end after {end:.1f} of {declared:.1f} seconds"]
        return []


def _ends_inside_a_packet(path: Path) -> bool:
    """Whether an MPEG transport stream ends inside a packet, because it was cut."""
    with path.open("rb") as file:
        first, second = packets_of(file.read(BEGIN)) or (0, 1)
        step, size = second - first, file.seek(0, os.SEEK_END)
        rest = (size - first) % step
        file.seek(max(0, size - rest - step))
        end = file.read()
    return 0 < rest < PACKET and end[0] == end[step] == SYNC


def _ends_inside_a_list(path: Path) -> bool:
    """Whether an AVI file is shorter than its RIFF lists, of which long videos have several."""
    with path.open("rb") as file:
        size, place = file.seek(0, os.SEEK_END), 0
        while place < size:
            file.seek(place)
            head = file.read(8)
            length = int.from_bytes(head[4:], "little")
            if head[:4] != b"RIFF" or length in UNKNOWN:
                return False
            place += 8 + length + length % 2
        return place > size + 1


def _is_truncated(path: Path) -> bool:
    """Whether an ASF file is shorter than its header says (Advanced Systems Format, 3.2); False for a broadcast."""
    with path.open("rb") as file:
        head = file.read(BEGIN)
        at = head.find(ASF_SIZE)
        size, flags = (int.from_bytes(head[at + begin : at + end], "little") for begin, end in ((40, 48), (88, 92)))
        return at >= 0 and not flags & 1 and file.seek(0, os.SEEK_END) < size


CUT = {"mpegts": _ends_inside_a_packet, "avi": _ends_inside_a_list, "asf": _is_truncated}  # by ffmpeg's names
