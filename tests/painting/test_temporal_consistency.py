from functools import partial

import numpy as np
import pytest

from mobile_style.inference.network import load_network
from mobile_style.network.catalog import DEFAULT, model_path
from mobile_style.painting import temporal_consistency
from mobile_style.painting.stylize import stylize_image
from mobile_style.painting.temporal_consistency import temporal_error


def test_what_follows_the_camera_does_not_temporal_error(astronaut: np.ndarray) -> None:
    assert temporal_error(lambda frame: 255 - frame, astronaut, 128) < 0.5  # the rounding of the zooms


def test_what_stays_on_the_screen_flickers(astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = np.where(np.indices((128, 128)).sum(0) % 2, 130, 120).astype(np.uint8)[..., None].repeat(3, 2)
    monkeypatch.setattr(temporal_consistency, "ZOOMS", ())
    # Two of the four shifts turn the board's fields around: half of the squares are 100, the others 0.
    odd = sum((down + right) % 2 for down, right in temporal_consistency.SHIFTS)
    assert temporal_error(lambda _: screen, astronaut, 128) == pytest.approx(
        10 * np.sqrt(odd / len(temporal_consistency.SHIFTS))
    )


def test_the_bundled_network(astronaut: np.ndarray) -> None:
    network, _ = load_network(model_path(DEFAULT))
    assert 1 < temporal_error(partial(stylize_image, network), astronaut, 128) < 40
