"""Where the results of a painting go: beside the inputs, into one file, or into a folder."""

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ImageError, OutputError
from ..media import images, moving

LONGEST = 255  # bytes of a file's name, on Linux and macOS


@dataclass(frozen=True)
class Job:
    """One file to paint.

    Attributes:
        source: a photo or a video.
        target: the file to write.
        folder: the folder of results that the target lies in, at some depth; None for a file of its own.
        moving: whether it is a video or an animated picture.
    """

    source: Path
    target: Path
    folder: Path | None
    moving: bool


def plan(inputs: Sequence[Path], name: str, out: Path | str | None, on_skip: Callable[[Path], None]) -> list[Job]:
    """The jobs of the inputs, each file once, in their order.

    Args:
        inputs: files and folders.
        name: the model's name, which becomes part of the results' names.
        out: as `stylize_files` takes it.
        on_skip: called for every file in a folder that is neither a photo nor a video.

    Raises:
        ImageError: an input is missing, or is a folder without photos and videos.
        OutputError: two results would have the same place, or a file of its name cannot be written.
    """
    found = {}
    for given, file in _found(inputs, on_skip):
        found[Path(os.path.abspath(file))] = given, file  # noqa: PTH100, links are files of their own
    sources = list(found.values())
    folder = None if out is None else Path(out)
    in_folder = folder is None or str(out).endswith(("/", os.sep)) or folder.is_dir() or not folder.suffix
    if folder is not None and not in_folder:
        if len(sources) > 1:
            raise OutputError(f"{len(sources)} results do not fit in one file: `out={out}` must be a folder")
        jobs = [Job(sources[0][1], folder, None, moving.is_moving(sources[0][1]))]
    else:
        if folder is not None and folder.exists() and not folder.is_dir():
            raise OutputError(f"`out={out}` is a file; name a folder, or a new file such as {out}.png")
        jobs = [_job(given, file, name, folder) for given, file in sources]
        if folder is not None and _twice(jobs):  # folders with photos of the same name
            above = os.path.commonpath([path.parent for path in found])
            places = [folder / path.relative_to(above).parent for path in found]
            jobs = [replace(job, target=place / job.target.name) for place, job in zip(places, jobs, strict=True)]
    if twice := _twice(jobs):
        raise OutputError(f"two inputs would both become {twice}; rename one of them")
    for job in jobs:
        if job.moving:
            moving.check_target(job.target)
        else:
            images.format_of(job.target)
    return jobs


def _found(inputs: Sequence[Path], on_skip: Callable[[Path], None]) -> Iterator[tuple[Path, Path]]:
    """Each input with each of its files."""
    for given in inputs:
        files = images.find([given], lambda path: images.is_photo(path) or moving.is_video(path), on_skip)
        if not files:
            raise ImageError(f"{given} contains no photo and no video; name another folder")
        yield from ((given, file) for file in files)


def _job(given: Path, file: Path, name: str, out: Path | None) -> Job:
    moves = moving.is_moving(file)
    suffix = suffix_of(file, moves)
    place = given.resolve() if given.name in ("", "..") else given  # "." has no name to put beside
    folder = out or (place.with_name(f"{place.name}-{name}") if given.is_dir() else None)
    inside = file.relative_to(given) if given.is_dir() else Path(file.name)
    target = (folder or given.parent) / inside.with_name(fitting(file.stem, f"-{name}{suffix}"))
    return Job(file, target, folder, moves)


def suffix_of(file: Path, moves: bool) -> str:
    """The suffix of a file's result, for a moving picture or a photo."""
    return moving.suffix_of(file) if moves else file.suffix if images.is_image(file) else ".png"


def _twice(jobs: Sequence[Job]) -> Path | None:
    """A place that two jobs have in common."""
    same_name = str.casefold if sys.platform in ("darwin", "win32") else str
    counts = Counter(same_name(str(job.target)) for job in jobs)
    return next((job.target for job in jobs if counts[same_name(str(job.target))] > 1), None)


def fitting(stem: str, end: str) -> str:
    """A file name that file systems accept: a long `stem` becomes its beginning and a digest."""
    if len(os.fsencode(stem + end)) <= LONGEST:
        return stem + end
    end = f"-{hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]}{end}"
    while len(os.fsencode(stem + end)) > LONGEST:
        stem = stem[:-1]
    return stem + end
