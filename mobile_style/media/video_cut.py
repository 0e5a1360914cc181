"""Where a long video is cut at key frames into parts that can be read apart, by what its packets tell."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av

from ..errors import ImageError
from .clip import Part
from .video_input import Video, opened

LENGTH = 15  # seconds of a part, at least; most videos have a key frame every few seconds


@dataclass(frozen=True)
class Key:
    """A key frame.

    Attributes:
        time: that it is shown at, in ticks from the file's beginning.
        seek: its decoding time in ticks, as the container tells it.
    """

    time: int
    seek: int


def parts_of(source: Path) -> tuple[Part, ...]:
    """The parts of a long video; only its first frame is decoded for that.

    Returns:
        No parts if there would be only one, or if theirs might not be the frames and the times of the whole: where the
        container's time may jump, time stamps are missing, or seeking goes astray.
    """
    try:
        with opened(source) as container:
            clip = Video(container, source.name)
            if clip.spliced or clip.seconds < 2 * LENGTH:
                return ()
            cuts = _cuts(clip)
            if not cuts or not all(_is_found(clip, lead) for lead, _ in cuts):
                return ()
        with opened(source) as container:
            height, width = next(iter(Video(container, source.name).frames())).pixels.shape[:2]
    except (ImageError, av.FFmpegError):  # which painting will say
        return ()
    ends = [begin.time for _, begin in cuts]
    parts = [Part(0, None, ends[0], None, 0, (height, width))]
    for number, ((lead, begin), end) in enumerate(zip(cuts, [*ends[1:], None], strict=True), 1):
        parts.append(Part(number, begin.time, end, lead.time, lead.seek, (height, width)))
    return tuple(parts)


def _cuts(clip: Video) -> list[tuple[Key, Key]]:
    """Pairs of the key frame that a part begins at and the one before, where its decoding begins."""
    keys, times = _keys(clip)
    if not keys:
        return []
    length, found = round(LENGTH / clip.time_base), []
    last = min(times)
    for lead, key in pairwise(keys):
        if key.time - last >= length and max(times) - key.time >= length // 2:
            found.append((lead, key))
            last = key.time
    return found


def _keys(clip: Video) -> tuple[list[Key], set[int]]:
    """The key frames in their order, and the times of all frames; none of a stream that is irregular."""
    keys: list[Key] = []
    times: set[int] = set()
    shift = round(-clip.start / clip.time_base)
    for packet in clip.packets(others=False):
        if not packet.size or packet.is_discard:  # before the beginning that an edit list tells
            continue
        if packet.pts is None or packet.pts in times:
            return [], set()
        times.add(packet.pts)
        if packet.is_keyframe and (not keys or packet.pts > keys[-1].time):
            keys.append(Key(packet.pts, (packet.pts if packet.dts is None else packet.dts) - shift))
    return ([], set()) if clip.jumps else (keys, times)


def _is_found(clip: Video, key: Key) -> bool:
    """Whether reading goes on no later than at the key frame after seeking it."""
    clip.container.seek(key.seek, stream=clip.pictures)
    packet = next(clip.packets(others=False))
    return packet.pts is not None and packet.pts <= key.time
