"""Paints files: photos, folders of photos, and videos."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import NoReturn

from typing_extensions import TypedDict, Unpack

from ..errors import ImageError, UnpaintedError
from ..files import refuse_existing
from ..media.remarks import Remarks
from ..network.catalog import DEFAULT, mix_of, model_name, model_path, reference, with_mix
from ..progress import Note, Progress, silent, track
from .convert import convert
from .places import Job, plan
from .record import Record
from .stylize import Painter, check_size

SKIPPED = "skipped, neither a photo nor a video by its name"


class Look(TypedDict, total=False):
    """How results look.

    Attributes:
        strength: 0 gives the photo, 1 the network's output, between them a blend; by default 1.
        preserve_color: keep the photo's colors; False by default.
        precision: "float" or "int8"; by default float, and int8 for a video where that is faster on this machine and
            paints the same (precision.py).
        stroke_width: factor of the network's own stroke width, 1 to 8; by default it grows with the picture.
    """

    strength: float
    preserve_color: bool
    precision: str | None
    stroke_width: float | None


def stylize_files(
    inputs: Sequence[Path | str],
    model: str | Path = DEFAULT,
    out: Path | str | None = None,
    size: int | None = None,
    metadata: bool = True,
    progress: Progress = silent,
    **look: Unpack[Look],
) -> list[Path]:
    """Paints photos, folders of photos, and videos.

    Args:
        inputs: files and folders.
        model: a bundled model's name, a run's folder or a checkpoint; of many styles, with a mix of them after a colon.
        out: the file for one input, the folder for several (a text that ends in a slash is always a folder); by
            default a file's result stands next to it as NAME-MODEL.SUFFIX, and a folder's results in a folder
            FOLDER-MODEL next to it. In a folder, what was painted before with the same settings is skipped.
        size: shorter side of the result in pixels; by default the input's own.
        metadata: write date, place, titles and the like into the results, too.
        progress: called after each photo and each frame of a video, and with notes on what was skipped, damaged or left
            out.
        look: `strength`, `preserve_color`, `precision` and `stroke_width`; see `Look`.

    Returns:
        The files written, in the order of the inputs.

    Raises:
        UnpaintedError: some of several inputs could not be used; the others are painted.
        ImageError: the only input cannot be used, or an input is missing.
        UsageError, CheckpointError, OutputError: before anything is computed.
    """
    check_size(size)
    precision, remarks = look.get("precision"), Remarks()
    settings_of_look = {name: value for name, value in look.items() if value is not None}
    painter = Painter(model, **settings_of_look)  # type: ignore[arg-type]
    paths, name = [Path(given) for given in inputs], model_name(reference(model))
    jobs = plan(paths, name, out, lambda file: remarks.add(file, SKIPPED))
    asked = (size, painter.strength, painter.preserve_color, metadata, precision, painter.stroke_width)
    sha256 = hashlib.sha256(model_path(model).read_bytes()).hexdigest()
    settings = (with_mix(sha256, mix_of(model)), *asked)
    records = {job.folder: Record(job.folder, settings) for job in jobs if job.folder is not None}
    waiting = [job for job in jobs if not _finished(job, records)]
    if before := len(jobs) - len(waiting):
        progress(Note(f"{before} of {len(jobs)} were painted before and are left as they are"))

    def paint(job: Job) -> None:
        if job.folder is not None:
            records[job.folder].begin(job)
        remarks.add(job.source, *convert(job, painter, precision is None, size, metadata, progress))

    failures = _each(waiting, paint, progress)
    written = [job.target for job in waiting if job not in failures]
    for text in (*remarks.lines(), *(str(error) for error in failures.values() if len(jobs) > 1)):
        progress(Note(text, warning=True))
    if failures:
        _fail(failures, len(jobs), written)
    return written


def _fail(failures: dict[Job, ImageError], count: int, written: list[Path]) -> NoReturn:
    """Raises one error for all failures, which were reported before; for a single file, its own error."""
    if count == 1:
        raise next(iter(failures.values()))
    raise UnpaintedError(f"{len(failures)} of {count} failed; the others are done", written)


def _each(jobs: Sequence[Job], paint: Callable[[Job], None], progress: Progress) -> dict[Job, ImageError]:
    """Paints one after the other, photos first. Returns what could not be painted, and why."""
    failures = {}
    photos = [job for job in jobs if not job.moving]
    videos = [job for job in jobs if job.moving]  # each reports its own frames
    for job in chain(track(photos, "Stylizing", len(photos), "photos", progress), videos):
        try:
            paint(job)
        except ImageError as error:
            failures[job] = error
    return failures


def _finished(job: Job, records: dict[Path, Record]) -> bool:
    """Whether the job was done before; refuses to overwrite anything else."""
    if job.folder is not None:
        return records[job.folder].finished(job)
    refuse_existing(job.target)
    return False
