"""Videos, frame by frame, through PyAV, whose wheels carry their own ffmpeg."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Stream
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from .. import images
from ..errors import ImageError, OutputError
from ..files import writing
from ..progress import Note, Progress, track

SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".3gp", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".ogv"}
)
BT709, UNTOLD, BT2020 = 1, 2, 9  # as ITU-T H.264, tables E-3 to E-5, numbers colours
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


def is_video(path: Path) -> bool:
    """Whether the name is that of a video file."""
    return path.suffix.lower() in SUFFIXES


def container_of(target: Path) -> str:
    """ffmpeg's name of the container that the suffix asks for.

    Raises:
        OutputError: none that holds H.264.
    """
    if target.suffix.lower() not in CONTAINERS:
        raise OutputError(f"{target}: videos are written as {', '.join(CONTAINERS)}; use one of these suffixes")
    return CONTAINERS[target.suffix.lower()]


def convert(
    source: Path, target: Path, apply: Callable[[np.ndarray], np.ndarray], size: int | None, progress: Progress
) -> None:
    """Writes `source` with every frame changed by `apply`, as H.264; sound and timing are kept.

    Args:
        source: any container and codec that ffmpeg decodes.
        target: .mp4, .m4v, .mov or .mkv.
        apply: (H, W, 3) uint8 to the same shape.
        size: shorter side of the result in pixels, or None for the source's own.
        progress: called after each frame.

    Raises:
        ImageError: the source is no video that can be decoded.
        OutputError: the target's suffix names no container for H.264, or cannot be written.
    """
    container = container_of(target)
    try:
        with _opened(source) as reading:
            if not reading.streams.video:
                raise ImageError(f"{source} has no picture in it")
            with (
                writing(target) as temporary,
                av.open(str(temporary.absolute()), "w", container) as written,
            ):
                _copy(reading, written, apply, size, source.name, progress)
    except av.FFmpegError as error:
        raise ImageError(
            f"{source} cannot be converted: {error.strerror}; other programs play it? Then write a .mkv"
        ) from None


def _opened(source: Path) -> av.container.InputContainer:
    """With its whole path, or ffmpeg takes what stands before a colon for a protocol."""
    path = str(source.absolute())
    try:
        return av.open(path, metadata_errors="replace")  # titles of old files are in any encoding
    except TypeError:  # PyAV 19 does so by itself
        return av.open(path)


def _copy(
    reading: av.container.InputContainer,
    written: av.container.OutputContainer,
    apply: Callable[[np.ndarray], np.ndarray],
    size: int | None,
    name: str,
    progress: Progress,
) -> None:
    pictures = reading.streams.video[0]
    seconds = float((pictures.duration or 0) * (pictures.time_base or 0))
    count = pictures.frames or round(seconds * float(pictures.average_rate or 0))
    encoder: VideoStream | None = None
    for frame in track(_frames(reading, written, name, progress), name, count, "frames", progress):
        picture = _upright(frame, pictures.sample_aspect_ratio)
        picture = picture if size is None else images.with_shorter_side(picture, size)
        picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]  # 4:2:0 wants even sides
        if min(picture.shape[:2]) < 2:
            raise ImageError(f"{name} is too small to be a video")
        if encoder is None:
            encoder = written.add_stream("libx264", rate=pictures.average_rate or 30, options={"crf": "18"})
            encoder.height, encoder.width = picture.shape[:2]
            encoder.pix_fmt = "yuv420p"
            encoder.codec_context.colorspace = encoder.codec_context.color_primaries = BT709
            encoder.codec_context.color_trc = BT709
            if pictures.time_base is not None:
                encoder.codec_context.time_base = pictures.time_base
        changed = av.VideoFrame.from_ndarray(apply(np.ascontiguousarray(picture)), format="rgb24")
        changed = changed.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        changed.pts, changed.time_base, changed.duration = frame.pts, frame.time_base, frame.duration
        written.mux(encoder.encode(changed))
    if encoder is None:
        raise ImageError(f"{name} has no frame that can be decoded")
    written.mux(encoder.encode())


def _frames(
    reading: av.container.InputContainer, written: av.container.OutputContainer, name: str, progress: Progress
) -> Iterator[av.VideoFrame]:
    """The frames of the first video stream; the first sound stream is taken along on the way."""
    streams: list[Stream] = [reading.streams.video[0], *reading.streams.audio[:1]]
    sound, copied = _sound(reading, written)
    # Until the first frame has come back, the file has no video stream to interleave with.
    waiting: list[Any] = []
    damaged = 0
    for packet in reading.demux(streams):
        if packet.stream is streams[0] or not copied:
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                damaged += 1
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    yield frame
                    while waiting:
                        written.mux(waiting.pop(0))
                else:
                    waiting += sound.encode(frame)
        elif packet.dts is not None:
            packet.stream = sound
            waiting.append(packet)
    if not copied:
        waiting += sound.encode()
    while waiting:
        written.mux(waiting.pop(0))
    if damaged:
        progress(Note(f"left out of {name}: {damaged} damaged packets", warning=True))


def _sound(reading: av.container.InputContainer, written: av.container.OutputContainer) -> tuple[Any, bool]:
    """The stream for the first sound there is, or None; and whether it is copied, or encoded anew as AAC."""
    if not reading.streams.audio:
        return None, True
    try:
        return written.add_stream_from_template(reading.streams.audio[0]), True
    except ValueError:  # the container does not hold it, as MP4 not the WMA of a .wmv
        return written.add_stream("aac", rate=reading.streams.audio[0].rate), False


def _upright(frame: av.VideoFrame, pixel_aspect: Fraction | None) -> np.ndarray:
    """RGB (BT.709) of a frame in square pixels, turned as a phone's recording asks for.

    Of larger frames that do not tell their colours, it takes what players take.
    """
    untold = frame.colorspace == UNTOLD and (frame.width >= 1280 or frame.height > 576)
    hdr = BT709 if frame.color_primaries == BT2020 else None
    picture = frame.to_ndarray(
        format="rgb24",
        src_colorspace=Colorspace.ITU709 if untold else None,
        dst_color_primaries=hdr,
        dst_color_trc=hdr,
    )
    height, width = picture.shape[:2]
    picture = images.resized(picture, height, round(width * (pixel_aspect or 1)))
    return np.rot90(picture, round(frame.rotation / 90) % 4)
