"""Paints a long video in parts, which are encoded separately and joined without encoding them again.

A network paints each frame from that frame alone: its normalization takes the frame's own magnitudes, and the grain
depends on the place in the picture only. So the frames of the parts are those of the whole if they are decoded in the
same way, which `Part` ensures.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ImageError
from ..files import writing
from ..media import images
from ..media.clip import Part
from ..media.moving import container_of
from ..media.video_input import Video, opened
from ..media.video_output import TRANSPARENT, PartFile, VideoFile
from .ahead import ahead
from .video import painted, telling, write_video


def paint_part(
    source: Path, part: Part, target: Path, apply: Callable[[np.ndarray], np.ndarray], size: int | None
) -> list[str]:
    """Writes the pictures of a part of a video, changed by `apply`, as `join` takes them.

    Args:
        source: the video.
        part: one of the video's `parts_of`.
        target: the part's file; its suffix is that of the joined video.
        apply: (H, W, 3) uint8 to the same shape.
        size: shorter side of the result in pixels, or None for the source's own.

    Returns:
        What was damaged, without the file's name.

    Raises:
        ImageError: it cannot be decoded.
        OutputError: the target cannot be written.
    """
    container = container_of(target)
    with telling(source, target), opened(source) as file, writing(target) as temporary:
        clip = Video(file, source.name)
        transparent = clip.transparent and container in TRANSPARENT
        made = PartFile(temporary, container, clip.rate, clip.time_base, transparent, [])
        first = np.empty((*part.shape, 3), np.uint8)
        with closing(ahead(painted(clip.frames(part), apply, size))) as frames, closing(made):
            made.start(*(first if size is None else images.with_shorter_side(first, size)).shape[:2])
            for frame in frames:
                made.write(frame)
            made.finish()
        return clip.remarks


def join(source: Path, parts: Sequence[Path], target: Path, metadata: bool = True) -> list[str]:
    """Writes a video of parts that `paint_part` made, in their order, with the source's sound, subtitles and titles.

    Returns:
        What was made anew or left out, without the file's name.

    Raises:
        ImageError: the source cannot be read, or the parts do not fit together.
        OutputError: the target cannot be written.
    """
    with telling(source, target), opened(source) as container:
        clip = Video(container, source.name)
        remarks = write_video(clip, lambda file: _copy(clip, parts, file), target, metadata)
        return clip.remarks + remarks


def _copy(clip: Video, parts: Sequence[Path], file: VideoFile) -> None:
    """Writes the packets of the parts, and those of the sound between them as in the source."""
    encoded = _retimed(parts, clip.time_base)
    with opened(parts[0]) as container:
        file.encoded = container.streams.video[0]
        file.start(file.encoded.height, file.encoded.width)
    for packet in clip.packets():
        if packet.stream.index != clip.pictures.index:
            file.take(packet)
        elif (written := next(encoded, None)) is not None:
            file.copy(*written)
    for written in encoded:
        file.copy(*written)


def _retimed(parts: Sequence[Path], time_base: Fraction) -> Iterator[tuple[Any, int, int]]:
    """The packets of the parts, each with the ticks at which it is shown and decoded.

    A packet is decoded when another frame is shown, which is a fixed number of frames before it in the order of
    decoding; x264 counts so. The parts' own decoding times do not fit: a part's first ones lie before its beginning,
    where frames of the part before are decoded.
    """
    shown, delay = _times(parts, time_base)
    for number, packet in enumerate(_packets(parts)):
        begin = shown[number] - shown[delay] + shown[0]  # of the first ones, which nothing is shown before
        ticks = round(packet.pts * packet.time_base / time_base)
        yield packet, ticks, shown[number - delay] if number >= delay else begin


def _times(parts: Sequence[Path], time_base: Fraction) -> tuple[list[int], int]:
    """When all frames are shown, in ticks and in order; and how many are decoded before the first is shown."""
    shown: list[int] = []
    delay = 0
    coding = None
    for path in parts:
        with opened(path) as container:
            stream = container.streams.video[0]
            made = bytes(stream.codec_context.extradata or b""), stream.width, stream.height
        stamps = [(packet.pts * packet.time_base, (packet.dts or 0) * packet.time_base) for packet in _packets([path])]
        times = sorted(round(pts / time_base) for pts, _ in stamps)
        if coding not in (None, made) or not times or (shown and times[0] <= shown[-1]):
            raise ImageError("its painted parts do not fit together; paint it again into another `target`")
        coding = made
        shown += times
        first = min(pts for pts, _ in stamps)
        delay = max(delay, sum(dts < first for _, dts in stamps))
    return shown, min(delay, len(shown) - 1)


def _packets(parts: Sequence[Path]) -> Iterator[Any]:
    for path in parts:
        with opened(path) as container:
            yield from (packet for packet in container.demux(video=0) if packet.size)
