"""Decides whether a video is painted in int8: if that is faster here, and frames keep the PSNR limits of exports."""

import math
import time
from copy import copy
from itertools import islice
from pathlib import Path

import av
import numpy as np

from ..errors import ImageError
from ..inference.calibration_file import kept
from ..inference.int8_network import load_int8_network
from ..media import images
from ..metrics import psnr
from ..network.checkpoint import read_model
from . import video
from .enlarge import reduced
from .stylize import LARGEST_INT8, Painter

FEWEST = 150  # frames: choosing ranges takes longer than int8 could save on fewer,
FEWEST_CHOSEN = 45  # and where they are chosen already, comparing takes longer
COMPARED, APART = 3, 5  # frames of which a part is compared, and how far they are from each other
SIDE = 256  # pixels of that part, as in the check of an export
FASTER = 1.25  # times
PSNR_MEAN, PSNR_WORST = 38.0, 35.0  # dB, of int8 exports (exporting/recipes.py; a test compares)
PATCH = 64  # pixels: ranges that only have to be some are chosen on a part of this side


def fastest(painter: Painter, source: Path, size: int | None) -> tuple[Painter, str | None]:
    """The painter of a video: the given one, or the same network in int8.

    Args:
        painter: paints in float.
        source: the video.
        size: shorter side of the result in pixels, or None for the source's own.

    Returns:
        The painter, and if int8 is faster, a remark without the file's name.
    """
    try:
        with video.reading(source) as clip:
            if clip.count < min(FEWEST, FEWEST_CHOSEN):
                return painter, None
            chosen = kept(painter.path, read_model(painter.path)) is not None
            if not chosen and clip.count < FEWEST:
                return painter, None
            frames = [frame.pixels for frame in islice(clip.frames(), 0, COMPARED * APART, APART)]
    except (ImageError, av.FFmpegError):  # which decoding the whole will say
        return painter, None
    if len(frames) < COMPARED:
        return painter, None
    frames = [np.ascontiguousarray(images.with_shorter_side(each, size) if size else each) for each in frames]
    seen = painter.painted_size(frames[0])
    if math.prod(seen) > LARGEST_INT8:
        return painter, None
    parts = [_part(frame, seen) for frame in frames]
    exact, slow = _painted(painter, parts)
    if not chosen and slow < FASTER * _painted(_with_some_ranges(painter, parts[0]), parts[:2])[1]:
        return painter, None
    quick = copy(painter)
    quick.precision, quick.int8_network = "int8", load_int8_network(painter.path, painter.threads)
    rounded, fast = _painted(quick, parts)
    if slow < FASTER * fast:
        return painter, None
    found = [psnr(one, other) for one, other in zip(exact, rounded, strict=True)]
    figures = f"the network is {slow / fast:.1f} times as fast here, {np.mean(found):.1f} dB from float"
    if not (np.mean(found) >= PSNR_MEAN and min(found) >= PSNR_WORST):
        return (
            painter,
            f"painted in float: in int8, {figures}, which is too far; `precision=int8` paints it all the same",
        )
    return quick, f"painted in int8: {figures}; `precision=float` is exact"


def _part(frame: np.ndarray, seen: tuple[int, int]) -> np.ndarray:
    """The middle of a frame, at the size at which the network sees it: `SIDE` pixels high and wide at most."""
    height, width = (min(SIDE, length) for length in seen)
    part = images.middle(frame, round(height * frame.shape[0] / seen[0]), round(width * frame.shape[1] / seen[1]))
    return reduced(part, (height, width))


def _with_some_ranges(painter: Painter, frame: np.ndarray) -> Painter:
    """A painter as fast as int8, with rough ranges: choosing good ones takes longer than painting some frames."""
    some = copy(painter)
    some.precision = "int8"
    some.int8_network = load_int8_network(painter.path, painter.threads, frame[None, :PATCH, :PATCH])
    return some


def _painted(painter: Painter, frames: list[np.ndarray]) -> tuple[list[np.ndarray], float]:
    """The painted frames, in strokes of the network's own width, and the seconds that one takes.

    The first one does not count, for which the graph is loaded.
    """
    painter = copy(painter)
    painter.stroke_width = 1.0
    made, taken = [], []
    for frame in frames:
        began = time.perf_counter()
        made.append(painter(frame))
        taken.append(time.perf_counter() - began)
    return made, min(taken[1:])
