"""Painting files: photos, folders of photos, and videos."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from ..errors import ImageError, OutputError
from ..files import refuse_existing
from ..media import images
from ..media.remarks import Remarks
from ..network.catalog import DEFAULT, model_name, model_path
from ..progress import Note, Progress, silent, track
from . import photo, video
from .stylize import Painter, check_size

SKIPPED = "skipped, neither a photo nor a video by its name"
THIN = 1500  # pixels of a photo's shorter side, above which strokes look thin


def stylize_files(
    inputs: Sequence[Path],
    model: str | Path = DEFAULT,
    out: Path | None = None,
    size: int | None = None,
    strength: float = 1.0,
    preserve_color: bool = False,
    metadata: bool = True,
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
        metadata: write date, place, titles and the like into the results, too.
        progress: called after each photo and each frame of a video, and with notes of what was skipped, damaged or is
            left out.

    Returns:
        The files written, in the order of the inputs.

    Raises:
        ImageError: an input cannot be used; the others are done all the same.
        UsageError, CheckpointError, OutputError: before anything is computed.
    """
    check_size(size)
    remarks = Remarks()
    pairs = _pairs(inputs, model_name(model_path(model)), out, lambda file: remarks.add(file, SKIPPED))
    painter = Painter(model, strength, preserve_color)
    failures: list[str] = []
    largest = 0
    moving = {source for source, _ in pairs if video.is_moving(source)}  # each reports its own frames
    photos = [pair for pair in pairs if pair[0] not in moving]
    videos = [pair for pair in pairs if pair[0] in moving]
    for source, target in chain(track(photos, "Stylizing", len(photos), "photos", progress), videos):
        try:
            if source in moving:
                remarks.add(source, *video.convert(source, target, painter, size, metadata, progress))
            else:
                side, said = photo.convert(source, target, painter.paint_over, size, metadata)
                remarks.add(source, *said)
                largest = largest if size else max(largest, side)
        except ImageError as error:
            failures.append(str(error))
    for line in remarks.lines():
        progress(Note(line, warning=True))
    if largest > THIN:
        text = f"strokes keep their width in pixels, so in a picture of {largest} they are thin; bolder: `size=800`"
        progress(Note(text))
    if failures:
        others = "" if len(pairs) == 1 else f" ({len(failures)} of {len(pairs)} failed, the others are done)"
        raise ImageError("; ".join(failures) + others)
    return [target for _, target in pairs]


def _pairs(
    inputs: Sequence[Path], name: str, out: Path | None, on_skip: Callable[[Path], None]
) -> list[tuple[Path, Path]]:
    """Every file with the place of its result; refuses to overwrite before anything is computed."""
    pairs: list[tuple[Path, Path]] = []
    for given in inputs:
        files = images.find([given], lambda path: images.is_photo(path) or video.is_video(path), on_skip)
        if not files:
            raise ImageError(f"{given} holds no photo and no video")
        for file in files:
            suffix = file.suffix if images.is_image(file) else ".png"
            if video.is_video(file):
                suffix = video.suffix_of(file)
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
            raise OutputError(f"two inputs would both become {target}; stylize their folders one at a time")
    for source, target in pairs:
        if video.is_moving(source):
            video.check_target(target)
        else:
            images.format_of(target)
    return pairs
