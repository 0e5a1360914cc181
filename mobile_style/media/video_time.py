"""Corrects the time stamps of videos: they start at the file's beginning, do not jump, and increase."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, TypeAlias

WINDOW = 8  # frames within which time stamps are sorted; B-frames are out of order by 4 at most
BACK = {"video": Fraction(-2), "audio": Fraction(-1, 2)}  # seconds relative to the latest packets; earlier is a jump
OUT_OF_ORDER = {"video": WINDOW, "audio": 1}  # latest packets to compare with: they may be coded out of order
VideoFrame: TypeAlias = Any  # PyAV's, whose time base may be None to mypy
AHEAD = 3600  # seconds; a larger gap is an error, not a pause
SPLICED_AHEAD = 10  # the same in containers whose time may jump, as ffmpeg's dts_delta_threshold


class Timeline:
    """Shifts the packets of one stream so that the file begins at 0 and time never jumps."""

    def __init__(self, kind: str, start: Fraction, spliced: bool):
        self.shift = -start
        self._back = BACK[kind]
        self.jumps = 0
        self._ahead = SPLICED_AHEAD if spliced else AHEAD
        self._recent: deque[Fraction] = deque(maxlen=OUT_OF_ORDER[kind])
        self._end = Fraction(0)  # when the last packet shown so far ends

    def move(self, packet: Any) -> None:
        """Corrects the packet's time stamps in place."""
        stamp = packet.dts if packet.pts is None else packet.pts  # in damaged streams, dts is the wrong one
        if stamp is None:
            return
        base = packet.time_base
        time = stamp * base + self.shift
        if self._recent and (time < min(self._recent) + self._back or time > self._end + self._ahead):
            self.shift -= time - self._end
            self.jumps += 1
            self._recent.clear()
            time = self._end
        self._recent.append(time)
        self._end = max(self._end, time + (packet.duration or 0) * base)
        self.follow(packet, self.shift)

    @staticmethod
    def follow(packet: Any, shift: Fraction) -> None:
        """Shifts the packet's time stamps by a number of seconds, in place."""
        ticks = round(shift / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks


class Order:
    """Gives decoded frames increasing times.

    Decoders return frames in the order in which they are shown. Containers such as AVI give them stamps in the order
    in which they were coded; others give none. Stamps slightly out of order are sorted; missing or repeated ones are
    replaced, at the video's rate.

    Args:
        step: seconds from frame to frame.

    Attributes:
        made: number of stamps that were sorted or replaced.
    """

    def __init__(self, step: Fraction):
        self.made = 0
        self._step = step

    def times(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[VideoFrame, Fraction, Fraction]]:
        """Each frame with its time and duration in seconds."""
        before: tuple[VideoFrame, Fraction] | None = None
        for frame, stamp in self._sorted(frames):
            last = before[1] if before is not None else -self._step
            time = stamp if stamp is not None and (before is None or stamp > last) else last + self._step
            if frame.pts is None or time != frame.pts * frame.time_base:
                self.made += 1
            if before is not None:
                yield before[0], before[1], time - before[1]
            before = frame, time
        if before is not None:
            frame = before[0]
            yield frame, before[1], Fraction((frame.duration or 0) * (frame.time_base or 0)) or self._step

    @staticmethod
    def _sorted(frames: Iterable[VideoFrame]) -> Iterator[tuple[VideoFrame, Fraction | None]]:
        waiting: deque[VideoFrame] = deque()
        stamps: list[Fraction] = []

        def first() -> tuple[VideoFrame, Fraction | None]:
            frame = waiting.popleft()
            return frame, None if frame.pts is None else heapq.heappop(stamps)

        for frame in frames:
            waiting.append(frame)
            if frame.pts is not None:
                heapq.heappush(stamps, frame.pts * frame.time_base)
            if len(waiting) > WINDOW:
                yield first()
        while waiting:
            yield first()
