"""A trained network in full integers, run by LiteRT: what its int8 export paints, on pictures of any size."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..network.checkpoint import read_model
from .calibration_file import CHOSEN_AT, choose, kept
from .fold import fold
from .graph import Convolution
from .int8_calibration import calibration_photos
from .int8_ops import Quantization
from .network import WholePictures
from .paired_ops import int8_painter


class Int8Network(WholePictures):
    """A trained network in int8, for uint8 pictures.

    Args:
        convolutions: the network's convolutions.
        quantization: what was chosen for them.
        threads: number of threads of an inference; by default one for each core that this process may use.
    """

    def __init__(
        self, convolutions: Sequence[Convolution], quantization: Quantization, threads: int | None = None
    ) -> None:
        super().__init__(partial(int8_painter, convolutions, quantization), np.uint8, threads)


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
