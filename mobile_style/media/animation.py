"""Animated GIF, WebP, PNG and AVIF files, as short videos."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ImageError
from ..files import writing
from . import images
from .clip import Frame
from .colors import separate
from .decoding import ANIMATED, naming, opened
from .metadata import Metadata, read_metadata, saving

TIMES = {"GIF": 10}  # unit of durations in milliseconds; 1 for other formats
UNTOLD = 100  # milliseconds; replaces durations up to 10, as in browsers
MAX_PIXELS = 500_000_000  # in all frames together: Pillow keeps them until they are written


class Animation:
    """An animated picture that is open for reading; a `Clip`.

    Attributes:
        loop: the file's loop count, 0 for endless; None if the file has none.
        metadata: of its first frame.
    """

    def __init__(self, image: Image.Image):
        self._image = image
        self._first = 1 if image.info.get("default_image") else 0  # skips an APNG's still picture for other viewers
        self.count = getattr(image, "n_frames", 1) - self._first
        self.time_base = Fraction(1, 1000)
        self.rate = Fraction(1000, self._milliseconds(self._first))
        self.transparent = image.has_transparency_data or image.mode in ("RGBA", "LA", "PA")
        self.loop: int | None = image.info.get("loop")
        self.metadata: Metadata = read_metadata(image)
        self.remarks: list[str] = []

    def _milliseconds(self, number: int) -> int:
        self._image.seek(number)
        self._image.load()
        duration = float(self._image.info.get("duration") or 0)
        return round(duration) if 10 < duration < 10**7 else UNTOLD

    def frames(self) -> Iterator[Frame]:
        """Every frame as it is shown, drawn over the frames before it."""
        time = Fraction(0)
        for number in range(self._first, self._first + self.count):
            try:
                duration = Fraction(self._milliseconds(number), 1000)
            except (EOFError, OSError, ValueError, SyntaxError):
                if number == self._first:
                    raise
                self.remarks.append(f"left out: {self._first + self.count - number} damaged frames at the end")
                return
            pixels, alpha = separate(self._image)
            self.transparent |= alpha is not None
            yield Frame(pixels, alpha, time, duration)
            time += duration


def is_animation(path: Path) -> bool:
    """Whether the file is an animated picture; False if it cannot be opened."""
    if not images.is_image(path):
        return False
    try:
        with naming(str(path)), opened(path) as image:
            return image.format in ANIMATED and getattr(image, "n_frames", 1) > 1
    except ImageError:
        return False


@contextmanager
def reading(path: Path) -> Iterator[Animation]:
    """Opens an animated picture.

    Raises:
        ImageError: it is damaged, or its frames are too large.
    """
    with naming(str(path)), opened(path) as image:
        yield Animation(image)


def can_hold(path: Path) -> bool:
    """Whether the path has the suffix of a format that can hold animations."""
    return images.FORMATS.get(path.suffix.lower()) in ANIMATED


def write(path: Path, frames: Iterator[Frame], loop: int | None = 0, metadata: Metadata | None = None) -> list[str]:
    """Writes an animated picture in the format of the path's suffix, whole or not at all.

    All frames get the first one's size. `loop` is the loop count, 0 for endless; None writes none.

    Returns:
        The names of the metadata that the format cannot hold.

    Raises:
        ImageError: there is no frame, or all frames together exceed `MAX_PIXELS`.
        OutputError: the suffix is that of no picture format, or the file cannot be written.
    """
    file_format = images.format_of(path)
    unit = TIMES.get(file_format, 1)
    pictures: list[Image.Image] = []
    ends = [0]
    for frame in frames:
        picture = Image.fromarray(np.ascontiguousarray(frame.pixels))
        if pictures and picture.size != pictures[0].size:
            picture = picture.resize(pictures[0].size, Image.Resampling.LANCZOS)
        if frame.alpha is not None:
            opacity = Image.fromarray(np.ascontiguousarray(frame.alpha)).resize(picture.size)
            # GIF pixels are either opaque or transparent.
            picture.putalpha(opacity.point(lambda value: 255 * (value > 127)) if file_format == "GIF" else opacity)
        pictures.append(picture)
        ends.append(max(ends[-1] + 1, round((frame.time + frame.duration) * 1000 / unit)))
        if len(pictures) * picture.width * picture.height > MAX_PIXELS:
            raise ImageError(f"{path} would be too large for an animated picture; use .mp4, or `size`")
    if not pictures:
        raise ImageError(f"{path} would have no frame")
    if any(picture.mode == "RGBA" for picture in pictures):
        pictures = [picture.convert("RGBA") for picture in pictures]
    first = pictures[0]
    options, lost = saving(metadata or Metadata(), file_format, first.width, first.height)
    durations = [(end - start) * unit for start, end in itertools.pairwise(ends)]
    if file_format == "GIF":
        options["disposal"] = 2 if first.mode == "RGBA" else 0
    if loop is not None:
        options["loop"] = loop
    with writing(path) as temporary:
        first.save(
            temporary, file_format, save_all=True, append_images=pictures[1:], duration=durations, quality=90, **options
        )
    return lost
