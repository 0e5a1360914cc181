"""A trained network in full integers, run by LiteRT: what its int8 export paints, on pictures of any size."""

from collections.abc import Sequence
from copy import copy
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..network.architecture import SMALLEST
from ..network.checkpoint import read_model
from .calibration_file import CHOSEN_AT, choose, kept
from .fold import fold
from .graph import Convolution
from .int8_calibration import calibration_photos
from .int8_ops import Quantization
from .network import KEPT
from .paired_ops import int8_painter


class Int8Network:
    """A trained network in int8.

    Args:
        convolutions: the network's convolutions.
        quantization: what was chosen for them.
        threads: number of threads of an inference; by default one for each core that this process may use.
    """

    def __init__(
        self, convolutions: Sequence[Convolution], quantization: Quantization, threads: int | None = None
    ) -> None:
        self._convolutions, self._quantization = convolutions, quantization
        self._use(threads)

    def with_threads(self, threads: int) -> "Int8Network":
        """The same network with its own graphs, for another number of threads."""
        other = copy(self)
        other._use(threads)
        return other

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Paints a whole picture at once, (H, W, 3) uint8; the result has the same shape and type."""
        height, width = picture.shape[:2]
        more = [max(0, SMALLEST - length) for length in (height, width)]
        padded = np.pad(picture, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge") if any(more) else picture
        (painted,) = self._loaded(padded.shape[:2])(padded[None])
        return painted[0, :height, :width]

    def _use(self, threads: int | None) -> None:
        convolutions, quantization = self._convolutions, self._quantization
        self._loaded = lru_cache(KEPT)(lambda size: int8_painter(convolutions, quantization, size, threads))


def load_int8_network(model: str | Path, threads: int | None = None, photos: np.ndarray | None = None) -> Int8Network:
    """The int8 network of a model or a mix.

    Args:
        model: its name.
        threads: number of threads of an inference; by default one for each core that this process may use.
        photos: (N, H, W, 3) uint8, to choose its ranges on; by default the bundled training photos, as for an export.

    Raises:
        CheckpointError: the file is missing, damaged, or does not fit its own description.
    """
    checkpoint = read_model(model)
    choice = kept(model, checkpoint) if photos is None else None
    if choice is None:
        choice = choose(checkpoint, calibration_photos(None, CHOSEN_AT) if photos is None else photos)
    convolutions = fold(checkpoint.architecture(), checkpoint.weights, choice.magnitudes())
    return Int8Network(convolutions, choice.quantization(), threads)
