"""Paints videos and animated pictures, frame by frame, from one file into another."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from ..errors import ImageError
from ..files import writing
from ..media import animation, images
from ..media.animation import Animation
from ..media.clip import Frame
from ..media.moving import check_target, container_of, is_video
from ..media.video_input import Video, chapters, opened
from ..media.video_output import TRANSPARENT, VideoFile
from ..progress import Progress, silent, track
from .ahead import ahead, side_by_side

# Tags that a container writes itself, or that are about how it was written.
OWN_TAGS = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "encoder", "software", "duration", "handler_name"}
    | {"vendor_id", "wm/encodingsettings", "isvbr", "devicconformancetemplate"}
)
APPLE = "com.apple.quicktime."
APPLE_NAMES = {"location.iso6709": "location", "creationdate": "date", "author": "artist"} | {
    name: name for name in ("make", "model", "title", "description", "keywords", "copyright", "artist", "comment")
}


def convert(
    source: Path,
    target: Path,
    apply: Callable[[np.ndarray], np.ndarray],
    size: int | None,
    metadata: bool = True,
    progress: Progress = silent,
    at_once: int = 1,
) -> list[str]:
    """Writes `source` with every frame changed by `apply`; timing, sound, subtitles and titles are kept.

    Args:
        source: any container and codec that ffmpeg decodes, or an animated picture.
        target: .mp4, .m4v, .mov or .mkv (H.264; with transparency VP9 in .mkv, ProRes in .mov), .webm (VP9),
            or an animated .gif, .webp, .png or .avif.
        apply: (H, W, 3) uint8 to the same shape.
        size: shorter side of the result in pixels, or None for the source's own.
        metadata: write title, date, place and the like, too.
        progress: called after each frame.
        at_once: how many frames are painted at the same time.

    Returns:
        Remarks on what was damaged, made anew or left out, without the file's name.

    Raises:
        ImageError: the source is no video that can be decoded.
        OutputError: the target's suffix names nothing that holds a video, or it cannot be written.
    """
    check_target(target)
    # One thread decodes, others paint, this one encodes.
    with (
        telling(source, target),
        reading(source) as clip,
        closing(ahead(painted(clip.frames(), apply, size, at_once))) as made,
    ):
        frames = track(made, source.name, clip.count, "frames", progress)
        if animation.can_hold(target):
            remarks = _write_animation(clip, frames, target, metadata)
        else:
            remarks = write_video(clip, lambda file: _encode(frames, file), target, metadata)
        return clip.remarks + remarks


def _encode(frames: Iterator[Frame], file: VideoFile) -> None:
    for frame in frames:
        file.write(frame)


@contextmanager
def telling(source: Path, target: Path) -> Iterator[None]:
    """Turns any error inside into one `ImageError` that names the source."""
    try:
        yield
    except ImageError as error:
        raise error if source.name in str(error) else ImageError(f"{source}: {error}") from None
    except av.FFmpegError as error:
        hint = "" if target.suffix.lower() == ".mkv" else "; other programs play it? Then write a .mkv"
        raise ImageError(f"{source} cannot be converted: {error.strerror}{hint}") from None


@contextmanager
def reading(source: Path) -> Iterator[Video | Animation]:
    """Opens a video or an animated picture."""
    if is_video(source) or not animation.is_animation(source):
        with opened(source) as container:
            yield Video(container, source.name)
    else:
        with animation.reading(source) as clip:
            yield clip


def painted(
    decoded: Iterator[Frame], apply: Callable[[np.ndarray], np.ndarray], size: int | None, at_once: int = 1
) -> Iterator[Frame]:
    """Yields the frames, resized and changed by `apply`, each from its own pixels only, `at_once` at the same time."""

    def change(frame: Frame) -> Frame:
        pixels, alpha = frame.pixels, frame.alpha
        if size is not None:
            pixels = images.with_shorter_side(pixels, size)
            alpha = None if alpha is None else images.with_shorter_side(alpha, size)
        return Frame(apply(np.ascontiguousarray(pixels)), alpha, frame.time, frame.duration)

    return side_by_side(change, ahead(decoded), at_once)


def _write_animation(clip: Video | Animation, frames: Iterator[Frame], target: Path, metadata: bool) -> list[str]:
    told = clip.metadata if isinstance(clip, Animation) and metadata else None
    lost = animation.write(target, frames, clip.loop if isinstance(clip, Animation) else 0, told)
    if isinstance(clip, Video):
        clip.left_out()
        lost += [f"the {stream.type}" for stream in clip.others[:1]]
    return [f"left out: {', '.join(lost)}, which {target.suffix} cannot hold"] if lost else []


def write_video(clip: Video | Animation, fill: Callable[[VideoFile], None], target: Path, metadata: bool) -> list[str]:
    """Writes a file of the pictures that `fill` gives it, and of the sound, subtitles and titles of the clip.

    Returns:
        What was made anew or left out.
    """
    container = container_of(target)
    transparent = clip.transparent and container in TRANSPARENT
    remarks: list[str] = []
    if clip.transparent and not transparent:
        remarks.append(f"laid on white: transparency, which {target.suffix} cannot hold; .webm, .mkv and .mov can")
    others = clip.others if isinstance(clip, Video) else []
    wanted = tags(clip.container.metadata) if isinstance(clip, Video) and metadata else {}
    with writing(target) as temporary:
        file = VideoFile(temporary, container, clip.rate, clip.time_base, transparent, others)
        file.metadata, file.titled = wanted, metadata
        if isinstance(clip, Video):
            clip.on_packet = file.take
            if metadata:
                file.chapters = _chapters(clip)
        with closing(file):
            fill(file)
            file.finish()
        lost = _lost(wanted, temporary)
    if isinstance(clip, Video):
        clip.left_out()
    if lost:
        remarks.append(f"left out: {', '.join(lost)}, which {target.suffix} cannot hold")
    return remarks + file.remarks


def tags(told: dict[str, str]) -> dict[str, str]:
    """Title, date, place and the like, by the names that ffmpeg's muxers know."""
    found: dict[str, str] = {}
    for key, value in told.items():
        name = key.lower()
        if name.startswith(APPLE):
            name = APPLE_NAMES.get(name[len(APPLE) :], "")  # the others are about the recording
        elif name.startswith("location-"):
            name = "location"
        if name and name not in OWN_TAGS and not name.startswith("com.android.") and value.strip():
            found.setdefault(name, value)
    return found


def _lost(wanted: dict[str, str], path: Path) -> list[str]:
    """The tags that the file lacks although its muxer got them."""
    if not wanted:
        return []
    with opened(path) as container:
        return sorted(wanted.keys() - tags(container.metadata).keys())


def _chapters(clip: Video) -> list[Any]:
    """The chapters, from the beginning of the file on."""
    moved = chapters(clip.container)
    for chapter in moved:
        ticks = round(clip.start / (chapter["time_base"] or Fraction(1)))
        chapter["start"] -= ticks
        chapter["end"] -= ticks
    return moved
