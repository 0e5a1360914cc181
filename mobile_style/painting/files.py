"""Painting files: photos, folders of photos, and videos."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from .. import images
from ..errors import ImageError, OutputError
from ..files import refuse_existing
from ..network.catalog import DEFAULT, model_name, model_path
from ..progress import Note, Progress, silent, track
from . import video
from .stylize import Painter, check_size

THIN = 1500  # pixels of a photo's shorter side, above which strokes look thin


def stylize_files(
    inputs: Sequence[Path],
    model: str | Path = DEFAULT,
    out: Path | None = None,
    size: int | None = None,
    strength: float = 1.0,
    preserve_color: bool = False,
    progress: Progress = silent,
) -> list[Path]:
    """Paints photos, folders of photos, and videos.

    Args:
        inputs: files and folders.
        model: a bundled model's name, a run's folder or a checkpoint.
        out: the file for one input, the folder for several; by default a file's result stands next to
            it as NAME-MODEL.SUFFIX, and a folder's results in a folder FOLDER-MODEL next to it.
        size: shorter side of the result in pixels; by default the input's own.
        strength: 0 gives the photo, 1 the network's output, between them a blend.
        preserve_color: keep the photo's colors.
        progress: called after each photo, and each frame of a video.

    Returns:
        The files written, in the order of the inputs.

    Raises:
        ImageError: an input cannot be used; the others are done all the same.
        UsageError, CheckpointError, OutputError: before anything is computed.
    """
    check_size(size)
    pairs = _pairs(inputs, model_name(model_path(model)), out)
    painter = Painter(model, strength, preserve_color)
    failures: list[str] = []
    largest = 0
    photos = [pair for pair in pairs if not video.is_video(pair[0])]
    videos = [pair for pair in pairs if video.is_video(pair[0])]  # each reports its own frames
    for source, target in chain(track(photos, "Stylizing", len(photos), "photos", progress), videos):
        try:
            if video.is_video(source):
                video.convert(source, target, painter, size, progress)
            else:
                side = _paint_photo(source, target, painter, size)
                largest = largest if size else max(largest, side)
        except ImageError as error:
            failures.append(str(error))
    if largest > THIN:
        text = f"strokes keep their width in pixels, so in a picture of {largest} they are thin; bolder: `size=800`"
        progress(Note(text))
    if failures:
        others = "" if len(pairs) == 1 else f" ({len(failures)} of {len(pairs)} failed, the others are done)"
        raise ImageError("; ".join(failures) + others)
    return [target for _, target in pairs]


def _paint_photo(source: Path, target: Path, paint: Callable[[np.ndarray], np.ndarray], size: int | None) -> int:
    """Paints one photo with its transparency; the shorter side of the result."""
    picture, alpha = images.load_with_alpha(source)
    try:
        images.format_of(target, transparent=alpha is not None)
    except OutputError as error:  # of this photo alone; what cannot be written ends it all
        raise ImageError(str(error)) from None
    if size is not None:
        picture = images.with_shorter_side(picture, size)
        alpha = None if alpha is None else images.with_shorter_side(alpha, size)
    images.save(paint(picture), target, alpha)
    return int(min(picture.shape[:2]))


def _pairs(inputs: Sequence[Path], name: str, out: Path | None) -> list[tuple[Path, Path]]:
    """Every file with the place of its result; refuses to overwrite before anything is computed."""
    pairs: list[tuple[Path, Path]] = []
    for given in inputs:
        files = images.find([given], lambda path: images.is_photo(path) or video.is_video(path))
        if not files:
            raise ImageError(f"{given} holds no photo and no video")
        for file in files:
            suffix = file.suffix if images.is_image(file) else ".png"
            if video.is_video(file):
                suffix = file.suffix if file.suffix.lower() in video.CONTAINERS else ".mp4"
            inside = file.relative_to(given) if given.is_dir() else Path(file.name)
            place = given.resolve() if given.name in ("", "..") else given  # "." has no name to put beside
            folder = out or (place.with_name(f"{place.name}-{name}") if given.is_dir() else given.parent)
            pairs.append((file, folder / inside.with_name(f"{file.stem}-{name}{suffix}")))
    if out is not None and out.suffix and not out.is_dir():
        if len(pairs) > 1:
            raise OutputError(f"{len(pairs)} results do not fit in one file: `out={out}` must be a folder")
        pairs = [(pairs[0][0], out)]
    same_name = str.casefold if sys.platform in ("darwin", "win32") else str
    counts = Counter(same_name(str(target)) for _, target in pairs)
    for _, target in pairs:
        refuse_existing(target)
        if counts[same_name(str(target))] > 1:
            raise OutputError(f"two inputs would both become {target}; stylise their folders one at a time")
    for source, target in pairs:
        if video.is_video(source):
            video.container_of(target)
        else:
            images.format_of(target)
    return pairs
