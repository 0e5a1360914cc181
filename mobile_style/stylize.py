"""Stylising photos and videos of any size with a trained network.

The network divides each channel by its mean absolute value over the whole image. Cut into tiles,
each tile would get its own, and the seams would show. So a large image is stylised in two passes:
crops spread over it give the magnitudes of every layer, all crops together; then every tile is
divided by those. Tiles overlap by the network's reach, so that with the same magnitudes a pixel
comes out the same whichever tile it lies in, and there is no seam to hide.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from . import images, video
from .config import Architecture
from .errors import ImageError, OutputError, UsageError
from .files import refuse_existing
from .grain import grained
from .models import model_name, model_path
from .network import SMALLEST, Magnitude, TransformNet, load_network
from .photo import convert as paint_photo
from .progress import track
from .remarks import Remarks

TILE = 768  # side of a tile with its overlap; larger images are cut
SAMPLE_CROPS = 4  # per side: 16 crops of SAMPLE_SIDE pixels give the magnitudes of a large image
SAMPLE_SIDE = 384
STRIP = 1_000_000  # pixels that are blended at a time
SKIPPED = "skipped, neither a photo nor a video by its name"
THIN = 1500  # pixels of a photo's shorter side, above which strokes are said to be thin


def stylize(
    inputs: Sequence[Path],
    model: str,
    out: Path | None = None,
    size: int | None = None,
    strength: float = 1.0,
    preserve_color: bool = False,
    metadata: bool = True,
    note: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Stylises photos, folders of photos, and videos.

    Args:
        inputs: files and folders.
        model: a bundled model's name, a run's folder or a checkpoint.
        out: the file for one input, the folder for several; by default a file's result stands next to
            it as NAME-MODEL.SUFFIX, and a folder's results in a folder FOLDER-MODEL next to it.
        size: shorter side of the result in pixels; by default the input's own.
        strength: 0 gives the photo, 1 the network's output, between them a blend.
        preserve_color: take the brightness from the network's output, the colours from the photo
            (luminance-only transfer, Gatys et al. 2016, https://arxiv.org/abs/1606.05897).
        metadata: write date, place, titles and the like into the results, too.
        note: told, line by line, what was skipped, damaged or is left out.

    Returns:
        The files written, in the order of the inputs.

    Raises:
        ImageError: an input cannot be used; the others are done all the same.
        UsageError, CheckpointError, OutputError: before anything is computed.
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"--strength must be from 0 to 1, not {strength:g}")
    if size is not None and not 16 <= size <= 8192:
        raise UsageError(f"--size must be from 16 to 8192 pixels, not {size}")
    path = model_path(model)
    remarks = Remarks()
    pairs = _pairs(inputs, model_name(path), out, lambda file: remarks.add(file, SKIPPED))
    network, _ = load_network(path)

    def blended(photo: np.ndarray, stylised: np.ndarray) -> np.ndarray:
        if preserve_color:
            stylised = with_colors_of(photo, stylised)
        return images.to_pixels(photo + strength * (stylised - photo.astype(np.float32)))

    def apply(picture: np.ndarray) -> np.ndarray:
        stylised = stylize_image(network, grained(picture))
        if strength == 1 and not preserve_color:
            return stylised
        # All rows at once would take, in float32, a dozen times the picture's memory.
        rows = max(1, STRIP // picture.shape[1])
        tops = range(0, len(picture), rows)
        return np.concatenate([blended(picture[y : y + rows], stylised[y : y + rows]) for y in tops])

    failures: list[str] = []
    largest = 0
    moving = {source for source, _ in pairs if video.is_moving(source)}  # each shows a bar of its own
    photos = [pair for pair in pairs if pair[0] not in moving]
    videos = [pair for pair in pairs if pair[0] in moving]
    for source, target in chain(track(photos, "Stylising", len(photos)), videos):
        try:
            if source in moving:
                remarks.add(source, *video.convert(source, target, apply, size, metadata))
                continue
            side, said = paint_photo(source, target, apply, size, metadata)
            remarks.add(source, *said)
            largest = max(largest, side)
        except ImageError as error:
            failures.append(str(error))
    for line in remarks.lines():
        note(line)
    if largest > THIN and size is None:
        note(f"strokes keep their width in pixels, so in a picture of {largest} they are thin; bolder: --size 800")
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
            raise OutputError(f"{len(pairs)} results do not fit in one file: --out {out} must be a folder")
        pairs = [(pairs[0][0], out)]
    same_name = str.casefold if sys.platform in ("darwin", "win32") else str
    counts = Counter(same_name(str(target)) for _, target in pairs)
    for _, target in pairs:
        refuse_existing(target)
        if counts[same_name(str(target))] > 1:
            raise OutputError(f"two inputs would both become {target}; stylise their folders one at a time")
    for source, target in pairs:
        if video.is_moving(source):
            video.check_target(target)
        else:
            images.format_of(target)
    return pairs


def stylize_image(network: TransformNet, picture: np.ndarray) -> np.ndarray:
    """The stylised picture, of the same size; large ones tile by tile, memory staying bounded.

    Args:
        network: runs on the whole picture, or on tiles of it.
        picture: (H, W, 3) uint8 of any size.
    """
    if max(picture.shape[:2]) <= TILE:
        return stylize_whole(network, picture)
    height, width = picture.shape[:2]
    padded = _padded(picture)
    magnitude = sampled_magnitude(network, padded)
    margin = reach(network.architecture)
    result = np.empty_like(padded)
    step = TILE - 2 * margin
    for top in range(0, padded.shape[0], step):
        for left in range(0, padded.shape[1], step):
            y, x = max(0, top - margin), max(0, left - margin)
            tile = _run(network, padded[y : top + step + margin, x : left + step + margin], magnitude)
            tile = tile[top - y : top - y + step, left - x : left - x + step]
            result[top : top + step, left : left + step] = tile
    return result[:height, :width]


def stylize_whole(network: TransformNet, picture: np.ndarray) -> np.ndarray:
    """The stylised picture, all at once: what an export of its size computes."""
    return _run(network, _padded(picture))[: picture.shape[0], : picture.shape[1]]


def _padded(picture: np.ndarray) -> np.ndarray:
    """To multiples of 4, so that both downsamplings sample the same pixels in a tile and in the whole."""
    more = [max(-length % 4, SMALLEST - length) for length in picture.shape[:2]]
    return np.pad(picture, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")


def _run(network: TransformNet, picture: np.ndarray, magnitude: Magnitude | None = None) -> np.ndarray:
    batch = ops.convert_to_tensor(picture[None].astype(np.float32))
    with _no_gradients():
        output = network(batch) if magnitude is None else network(batch, magnitude=magnitude)
    return images.to_pixels(ops.convert_to_numpy(output)[0])


@contextmanager
def _no_gradients() -> Iterator[None]:
    """PyTorch alone remembers how every tensor came about, unless it is told not to."""
    if keras.backend.backend() == "torch":
        import torch

        with torch.no_grad():
            yield
    else:
        yield


def reach(architecture: Architecture) -> int:
    """How far, in pixels, a pixel influences the output; rounded up to a multiple of 4.

    Half a kernel at the resolution of each convolution's input and, for nearest-neighbour
    upsampling and striding, one pixel more of the coarser grid.
    """
    pixels = 0
    for name, kernel, _, _, downsampling in architecture.convolutions():
        pixels += (kernel // 2) * downsampling
        if name.startswith(("down", "up")):
            pixels += downsampling
    return -(-pixels // 4) * 4


def sampled_magnitude(network: TransformNet, picture: np.ndarray) -> Magnitude:
    """Magnitudes of every normalised layer, from crops spread over a large picture.

    The crops go through together, each layer averaging over all of them, without the margin where a
    crop's own border is felt.
    """
    margin = reach(network.architecture)
    down = [d for *_, d in network.architecture.convolutions()]

    def starts(length: int) -> np.ndarray:
        return np.unique(np.linspace(0, max(0, length - SAMPLE_SIDE), SAMPLE_CROPS).astype(int) // 4 * 4)

    height, width = picture.shape[:2]
    crops = np.stack(
        [picture[y : y + SAMPLE_SIDE, x : x + SAMPLE_SIDE] for y in starts(height) for x in starts(width)]
    ).astype(np.float32)
    trims = [margin if length > SAMPLE_SIDE else 0 for length in (height, width)]
    recorded: dict[int, Any] = {}

    def record(index: int, x: Any) -> Any:
        top, left = (trim // down[index] for trim in trims)
        inner = x[:, top : x.shape[1] - top, left : x.shape[2] - left]
        recorded[index] = ops.mean(ops.abs(inner), axis=(0, 1, 2), keepdims=True)
        return recorded[index]

    with _no_gradients():
        network(ops.convert_to_tensor(crops), magnitude=record)
    return lambda index, x: recorded[index]


def with_colors_of(photo: np.ndarray, stylised: np.ndarray) -> np.ndarray:
    """The brightness (Rec. 601 luma) of `stylised` with the two colour differences of `photo`."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    change = (stylised.astype(np.float32) - photo) @ weights
    return images.to_pixels(photo + change[..., None])
