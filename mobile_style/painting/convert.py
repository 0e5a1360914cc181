"""Paints one file into another: a photo, a video or an animated picture."""

import numpy as np

from ..inference.interpreter import cores
from ..progress import Note, Progress
from . import photo
from .places import Job
from .stylize import Painter

KEPT = 31 << 20  # bytes, of at most 32 MiB
AT_ONCE = 2  # frames: two on half the threads each are done sooner than one after the other on all


def convert(
    job: Job, painter: Painter, choose: bool, size: int | None, metadata: bool, progress: Progress
) -> list[str]:
    """Paints a file, a video in int8 where that is better and `choose` allows it. Returns remarks for the user.

    Raises:
        ImageError: the file cannot be used.
        OutputError: the target cannot be written.
    """
    if not job.moving:
        return photo.convert(job.source, job.target, painter.paint_over, size, metadata)
    from . import video  # and with it PyAV, which photos do not wait for
    from .precision import fastest

    if choose:
        painter, told = fastest(painter, job.source, size)
        if told:
            progress(Note(f"{job.source.name}: {told}"))
    np.empty(KEPT, np.uint8)  # glibc keeps freed blocks up to the largest so far: frames need no new pages
    threads = painter.threads or cores()
    at_once = min(AT_ONCE, threads)
    painter = painter.with_threads(threads // at_once)
    return video.convert(job.source, job.target, painter, size, metadata, progress, at_once)
