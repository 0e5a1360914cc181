"""Chooses, from its packets, the key frames at which a long video is cut into parts that can be read independently."""

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
        time: when it is shown, in ticks from the file's beginning.
        seek: its decoding time in ticks, as in the container.
    """

    time: int
    seek: int


def parts_of(source: Path) -> tuple[Part, ...]:
    """The parts of a long video; decodes only its first frame.

    Returns:
        The parts in order. None if there would be only one, or if their frames or times might differ from those of the
        whole: the container's time may jump, time stamps are missing, or seeking is unreliable.
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
    except (ImageError, av.FFmpegError):  # painting will report it
        return ()
    ends = [begin.time for _, begin in cuts]
    parts = [Part(0, None, ends[0], None, 0, (height, width))]
    for number, ((lead, begin), end) in enumerate(zip(cuts, [*ends[1:], None], strict=True), 1):
        parts.append(Part(number, begin.time, end, lead.time, lead.seek, (height, width)))
    return tuple(parts)


def _cuts(clip: Video) -> list[tuple[Key, Key]]:
    """For each part but the first: the key frame at which its decoding begins, and the next one, its first frame."""
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
    """The key frames in order, and the times of all frames in ticks; both empty for an irregular stream."""
    keys: list[Key] = []
    times: set[int] = set()
    shift = round(-clip.start / clip.time_base)
    for packet in clip.packets(others=False):
        if not packet.size or packet.is_discard:  # an edit list cuts it off
            continue
        if packet.pts is None or packet.pts in times:
            return [], set()
        times.add(packet.pts)
        if packet.is_keyframe and (not keys or packet.pts > keys[-1].time):
            keys.append(Key(packet.pts, (packet.pts if packet.dts is None else packet.dts) - shift))
    return ([], set()) if clip.jumps else (keys, times)


def _is_found(clip: Video, key: Key) -> bool:
    """Whether reading resumes at the key frame, or before it, after a seek to it."""
    clip.container.seek(key.seek, stream=clip.pictures)
    packet = next(clip.packets(others=False))
    return packet.pts is not None and packet.pts <= key.time
