"""Stylising photos and videos of any size with a trained network.

The network divides each channel by its mean absolute value over the whole image. Cut into tiles,
each tile would get its own, and the seams would show. So a large image is stylised in two passes:
crops spread over it give the magnitudes of every layer, all crops together; then every tile is
divided by those. Tiles overlap by the network's reach, so that with the same magnitudes a pixel
comes out the same whichever tile it lies in, and there is no seam to hide.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, overload

import keras
import numpy as np
from keras import ops
from PIL import Image

from .. import images
from ..errors import UsageError
from ..network.architecture import SMALLEST, Architecture
from ..network.catalog import DEFAULT, model_path
from ..network.transform_net import Magnitude, TransformNet, load_network
from .grain import grained

TILE = 768  # side of a tile with its overlap; larger images are cut
SAMPLE_CROPS = 4  # per side: 16 crops of SAMPLE_SIDE pixels give the magnitudes of a large image
SAMPLE_SIDE = 384
STRIP = 1_000_000  # pixels that are blended at a time
SMALLEST_SIDE, LARGEST_SIDE = 16, 8192  # pixels that a result's shorter side may be asked to have


class Painter:
    """A trained network, loaded once, that paints any number of pictures.

    Args:
        model: a bundled model's name, a run's folder or a checkpoint.
        strength: 0 gives the photo, 1 the network's output, between them a blend.
        preserve_color: take the brightness from the network's output, the colors from the photo
            (luminance-only transfer, Gatys et al. 2016, https://arxiv.org/abs/1606.05897).

    Raises:
        UsageError: `strength` is out of range.
        CheckpointError: the model is missing or damaged.
    """

    def __init__(self, model: str | Path = DEFAULT, strength: float = 1.0, preserve_color: bool = False) -> None:
        if not 0 <= strength <= 1:
            raise UsageError(f"`strength` must be from 0 to 1, not {strength:g}")
        self.network, _ = load_network(model_path(model))
        self.strength, self.preserve_color = strength, preserve_color

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """The painted picture, of the same size: (H, W, 3) uint8, RGB, to the same."""
        stylized = stylize_image(self.network, grained(picture))
        if self.strength == 1 and not self.preserve_color:
            return stylized
        # All rows at once would take, in float32, a dozen times the picture's memory.
        rows = max(1, STRIP // picture.shape[1])
        tops = range(0, len(picture), rows)
        return np.concatenate([self._blended(picture[y : y + rows], stylized[y : y + rows]) for y in tops])

    def _blended(self, photo: np.ndarray, stylized: np.ndarray) -> np.ndarray:
        if self.preserve_color:
            stylized = with_colors_of(photo, stylized)
        return images.to_pixels(photo + self.strength * (stylized - photo.astype(np.float32)))


@overload
def stylize(
    picture: np.ndarray,
    model: str | Path = ...,
    size: int | None = ...,
    strength: float = ...,
    preserve_color: bool = ...,
) -> np.ndarray: ...
@overload
def stylize(
    picture: Image.Image | Path | str,
    model: str | Path = ...,
    size: int | None = ...,
    strength: float = ...,
    preserve_color: bool = ...,
) -> Image.Image: ...
def stylize(
    picture: np.ndarray | Image.Image | Path | str,
    model: str | Path = DEFAULT,
    size: int | None = None,
    strength: float = 1.0,
    preserve_color: bool = False,
) -> np.ndarray | Image.Image:
    """Paints one picture. (`Painter` loads a model once for many; `stylize_files` reads and writes files.)

    Args:
        picture: (H, W, 3) uint8, RGB; or a PIL image; or a file.
        model: a bundled model's name, a run's folder or a checkpoint.
        size: shorter side of the result in pixels; by default the picture's own.
        strength: 0 gives the photo, 1 the network's output, between them a blend.
        preserve_color: keep the photo's colors.

    Returns:
        An array for an array, else a PIL image. Transparency is laid on white.

    Raises:
        ImageError: the picture cannot be used.
        UsageError: a parameter is out of range.
        CheckpointError: the model is missing or damaged.
    """
    check_size(size)
    pixels = images.pixels_of(picture)
    painter = Painter(model, strength, preserve_color)
    painted = painter(pixels if size is None else images.with_shorter_side(pixels, size))
    return painted if isinstance(picture, np.ndarray) else Image.fromarray(painted)


def check_size(size: int | None) -> None:
    """Raises UsageError unless `size` is a usable shorter side, or None."""
    if size is not None and not SMALLEST_SIDE <= size <= LARGEST_SIDE:
        raise UsageError(f"`size` must be from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, not {size}")


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
    """See `Architecture.reach`."""
    return architecture.reach()


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
