"""What int8 needs, kept beside a bundled network."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from mobile_style.errors import CheckpointError
from mobile_style.inference.calibration_file import CHOSEN_AT, FILE, choose, keep, kept
from mobile_style.inference.int8_calibration import calibration_photos
from mobile_style.network.card import MODEL
from mobile_style.network.catalog import BUNDLED, list_models
from mobile_style.network.checkpoint import read_model

SINGLE = [model.name for model in list_models(Path("none")) if (BUNDLED / model.name / "int8.tflite").is_file()]


@pytest.mark.parametrize("name", SINGLE)
def test_every_bundled_network_keeps_its_own(name: str) -> None:
    assert kept(name, read_model(name)) is not None


@pytest.mark.slow
def test_what_is_kept_is_what_would_be_chosen() -> None:
    checkpoint = read_model("udnie")
    before, now = kept("udnie", checkpoint), choose(checkpoint, calibration_photos(None, CHOSEN_AT))
    assert before is not None
    for name, values in now.typical.items():
        np.testing.assert_allclose(before.typical[name], values, rtol=1e-3)
    for name, (low, high) in now.ranges.items():
        # Another processor adds up in another order, and may take the next of the fractions that are tried.
        np.testing.assert_allclose(before.ranges[name], (low, high), rtol=0.08, atol=1e-6)
    assert before.knots.keys() == now.knots.keys()


def test_it_is_read_again_for_the_same_network_alone(tmp_path: Path) -> None:
    shutil.copy(BUNDLED / "udnie" / MODEL, tmp_path)
    assert kept(tmp_path, read_model(tmp_path)) is None
    photos = calibration_photos(None, (64, 64))[:2]
    keep(tmp_path, photos)
    checkpoint = read_model(tmp_path)
    assert kept(tmp_path, checkpoint) == choose(checkpoint, photos)
    shutil.copy(BUNDLED / "rhone" / MODEL, tmp_path)
    assert kept(tmp_path, read_model(tmp_path)) is None


DAMAGE: list[dict[str, object]] = [
    {"ranges": {"stem": ["low", 1]}},
    {"ranges": {"stem": [1.0]}},
    {"ranges": {"stem": [0.0, 1.0]}},
    {"knots": {}},
    {"sha256": "0" * 64},
    {"more": 1},
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named(damage: dict[str, object], tmp_path: Path) -> None:
    shutil.copy(BUNDLED / "udnie" / MODEL, tmp_path)
    choice = kept("udnie", read_model("udnie"))
    assert choice is not None
    (tmp_path / FILE).write_text(json.dumps(asdict(choice) | damage))
    with pytest.raises(CheckpointError, match=f"{FILE} is damaged .*chosen anew"):
        kept(tmp_path, read_model(tmp_path))
