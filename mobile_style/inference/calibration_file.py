"""Chooses on photos what int8 needs of a network. Bundled models keep it in a file: choosing takes a second."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..documents import Figure, Label, Sha256, read_document_file
from ..errors import CheckpointError
from ..files import writing
from ..network.card import MODEL
from ..network.catalog import mix_of, model_path
from ..network.checkpoint import Checkpoint, read_model
from .fold import fold, typical_magnitudes
from .int8_calibration import calibrate
from .int8_ops import Quantization

FILE = "calibration.json"  # beside the network's file
ADVICE = "; without it, int8 is chosen anew"
CHOSEN_AT = (256, 256)  # pixels of the photos, as exports by default


@dataclass(frozen=True)
class Calibration:
    """What was chosen for a network.

    Attributes:
        arrays_sha256: sha256 of the network's arrays, as in its card.
        typical: the channels' magnitudes on the photos, by the normalized layer's name (fold.py).
        ranges, knots: those of a `Quantization`.
        sha256: of the rest, as other numbers would paint another picture.
    """

    arrays_sha256: Sha256
    typical: dict[Label, list[Figure]]
    ranges: dict[Label, tuple[Figure, Figure]]
    knots: dict[Label, list[Figure]]
    sha256: Sha256 = ""

    def digest(self) -> str:
        """What `sha256` must be."""
        rest = {name: value for name, value in asdict(self).items() if name != "sha256"}
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()

    def magnitudes(self) -> dict[str, np.ndarray]:
        """`typical`, for `fold`."""
        return {name: np.array(values, np.float32) for name, values in self.typical.items()}

    def quantization(self) -> Quantization:
        """The ranges and knots."""
        return Quantization(dict(self.ranges), {name: np.array(values) for name, values in self.knots.items()})


def choose(checkpoint: Checkpoint, photos: np.ndarray) -> Calibration:
    """Chooses on (N, H, W, 3) uint8 photos."""
    architecture = checkpoint.architecture()
    typical = typical_magnitudes(architecture, checkpoint.weights, photos)
    found = calibrate(fold(architecture, checkpoint.weights, typical), photos)
    ranges = {name: (float(low), float(high)) for name, (low, high) in found.ranges.items()}
    choice = Calibration(checkpoint.card.get("arrays_sha256", ""), _lists(typical), ranges, _lists(found.knots))
    return replace(choice, sha256=choice.digest())


def kept(model: str | Path, checkpoint: Checkpoint) -> Calibration | None:
    """What was chosen before for a model that is not a mix, on the bundled photos at `CHOSEN_AT`; None if nothing was.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = model_path(model).with_name(FILE)
    if mix_of(model) or not path.is_file():
        return None
    choice = read_document_file(Calibration, path, CheckpointError, ADVICE)
    if choice.sha256 != choice.digest():
        raise CheckpointError(f"{path} is damaged (its numbers are not those written){ADVICE}")
    return choice if choice.arrays_sha256 == checkpoint.card.get("arrays_sha256") else None


def keep(folder: Path, photos: np.ndarray) -> None:
    """Writes the file for the network in a model's folder."""
    choice = choose(read_model(folder / MODEL), photos)
    with writing(folder / FILE) as temporary:
        temporary.write_text(json.dumps(asdict(choice)))


def _lists(arrays: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    return {name: [float(value) for value in values] for name, values in arrays.items()}
