"""A trained network, run by LiteRT on pictures of any size: float32, the reference that exports are compared with."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock

import numpy as np
from typing_extensions import Self

from ..network.architecture import SMALLEST, Architecture
from ..network.card import Card
from ..network.checkpoint import read_model
from . import tiles
from .fold import fold
from .interpreter import Loaded
from .paired_ops import painter

KEPT = 2  # sizes whose graphs are kept: the frames of a video share one, the tiles of a photo another


class WholePictures:
    """Paints whole pictures: makes a graph for each size, and keeps the last ones.

    Args:
        make: makes the graph for a (height, width) and a number of threads.
        pixels: type of the pixels that the graph takes.
        threads: number of threads of an inference; by default one for each core that this process may use.
    """

    def __init__(
        self, make: Callable[[tuple[int, int], int | None], Loaded], pixels: type[np.generic], threads: int | None
    ) -> None:
        self._make, self._pixels = make, pixels
        self._use(threads)

    def with_threads(self, threads: int) -> Self:
        """The same network with its own graphs, for another number of threads."""
        other = copy(self)
        other._use(threads)
        return other

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Paints a whole picture at once, (H, W, 3), 0..255; the result has the same shape, and the graph's type."""
        height, width = picture.shape[:2]
        more = [max(0, SMALLEST - length) for length in (height, width)]
        padded = np.pad(picture, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge") if any(more) else picture
        (painted,) = self._whole(padded.shape[:2])(padded[None].astype(self._pixels, copy=False))
        return painted[0, :height, :width]

    def _use(self, threads: int | None) -> None:
        self._threads = threads
        self._whole = _kept(lambda size: self._make(size, threads))


class Network(WholePictures):
    """A trained network in float32.

    Attributes:
        architecture: its shape.
        reach: how far, in pixels, a pixel influences the output; a multiple of 4.

    Args:
        weights: its trained arrays by name.
        threads: number of threads of an inference; by default one for each core that this process may use.
    """

    def __init__(
        self, architecture: Architecture, weights: Mapping[str, np.ndarray], threads: int | None = None
    ) -> None:
        self.architecture, self.reach = architecture, reach(architecture)
        self._convolutions = fold(architecture, weights)
        super().__init__(partial(painter, self._convolutions), np.float32, threads)

    def gains(self, crops: np.ndarray, trims: tuple[int, int]) -> list[np.ndarray]:
        """The factors that multiply the normalized layers, from crops of a picture.

        Args:
            crops: (N, H, W, 3), 0..255; H and W multiples of 4. All together give each layer's magnitude.
            trims: pixels along the top and bottom, and along the left and right, that do not count; multiples of 4.
        """
        found = Loaded(tiles.magnitudes(self._convolutions, crops.shape[:3], trims), self._threads)
        return tiles.gains(self._convolutions, found(crops.astype(np.float32)))

    def tile(self, picture: np.ndarray, gains: Sequence[np.ndarray]) -> np.ndarray:
        """Paints a part, (H, W, 3), 0..255, of a picture with the picture's gains; float32 of the same shape."""
        (painted,) = self._tile(picture.shape[:2])(picture[None].astype(np.float32), *gains)
        tile: np.ndarray = painted[0]
        return tile

    def release(self) -> None:
        """Frees the memory of the graphs that are kept; they are rebuilt when they are needed."""
        self._use(self._threads)

    def _use(self, threads: int | None) -> None:
        super()._use(threads)
        self._tile = _kept(lambda size: Loaded(tiles.tile(self._convolutions, size), threads))


def _kept(make: Callable[[tuple[int, int]], Loaded]) -> Callable[[tuple[int, int]], Loaded]:
    """Makes the graph for a (height, width), and keeps the last ones, for several threads at once."""
    making, made = Lock(), lru_cache(KEPT)(make)

    def get(size: tuple[int, int]) -> Loaded:
        with making:
            return made(size)

    return get


def load_network(model: str | Path, threads: int | None = None) -> tuple[Network, Card]:
    """The network of a model, or of a mix of its styles, and the checkpoint's card.

    Raises:
        CheckpointError: the file is missing, damaged, or does not fit its own description.
    """
    checkpoint = read_model(model)
    architecture = checkpoint.architecture()
    return Network(architecture, checkpoint.weights, threads), checkpoint.card


def reach(architecture: Architecture) -> int:
    """How far, in pixels, a pixel influences the output; rounded up to a multiple of 4.

    It adds up half a kernel at the resolution of each convolution's input and, for nearest-neighbor upsampling and
    striding, one pixel more of the coarser grid.
    """
    pixels = 0
    for name, kernel, _, _, downsampling in architecture.convolutions():
        pixels += (kernel // 2) * downsampling
        if name.startswith(("down", "up")):
            pixels += downsampling
    return -(-pixels // 4) * 4
