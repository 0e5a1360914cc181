"""A trained network in full integers, run by LiteRT: what its int8 export paints, on pictures of any size."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..network.architecture import SMALLEST, Architecture
from ..network.checkpoint import read_model
from .fold import fold
from .int8_calibration import calibrate, calibration_photos
from .network import KEPT
from .paired_ops import int8_painter

CALIBRATED_AT = (256, 256)  # pixels, as exports by default


class Int8Network:
    """A trained network with its int8 ranges.

    Args:
        architecture: its shape.
        weights: its trained arrays by name.
        photos: (N, H, W, 3) uint8 that the ranges are chosen on.
        threads: for an inference; by default one for each core that this process may use.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, np.ndarray],
        photos: np.ndarray,
        threads: int | None = None,
    ) -> None:
        convolutions = fold(architecture, weights, photos)
        quantization = calibrate(convolutions, photos)
        self._loaded = lru_cache(KEPT)(lambda size: int8_painter(convolutions, quantization, size, threads))

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """The painted picture, all at once: (H, W, 3) uint8 to the same."""
        height, width = picture.shape[:2]
        more = [max(0, SMALLEST - length) for length in (height, width)]
        padded = np.pad(picture, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge") if any(more) else picture
        (painted,) = self._loaded(padded.shape[:2])(padded[None])
        return painted[0, :height, :width]


def load_int8_network(model: str | Path, threads: int | None = None) -> Int8Network:
    """The network of a model or a mix, its ranges chosen on the bundled training photos, as for an export.

    Raises:
        CheckpointError: the file is missing, damaged, or does not fit its own description.
    """
    checkpoint = read_model(model)
    photos = calibration_photos(None, CALIBRATED_AT)
    return Int8Network(checkpoint.architecture(), checkpoint.weights, photos, threads)
