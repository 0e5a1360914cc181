"""The file of many styles, whose second input is the mix."""

import numpy as np
import pytest

from mobile_style import metrics
from mobile_style.inference.int8_calibration import calibrate
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.tflite import convert
from mobile_style.inference.fold import fold
from mobile_style.inference.interpreter import Loaded
from mobile_style.inference.network import Network
from mobile_style.media import images
from mobile_style.network.architecture import Architecture
from mobile_style.network.catalog import bundled_photos
from mobile_style.network.random_weights import random_weights
from mobile_style.network.styles import mixed, own_arrays

SIDE, NAMES = 48, ("a", "b", "c")
SMALL = Architecture(width=4, blocks=1, end_kernel=5)


@pytest.fixture
def weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Of three styles, which differ by a third, and in some signs."""
    weights = random_weights(SMALL)
    for name in own_arrays(SMALL):
        weights[name] = weights[name] + rng.normal(0, 0.3, (len(NAMES), *weights[name].shape)).astype(np.float32)
    weights["down1_scale"][0, 0] *= -1
    return weights


@pytest.mark.parametrize("shares", [(1, 0, 0), (0, 0, 1), (0.25, 0.75, 0), (0.4, 0.2, 0.4)])
def test_the_file_paints_every_mix(weights: dict[str, np.ndarray], shares: tuple[float, ...]) -> None:
    photos = np.stack([images.center_square(images.load(p), SIDE) for p in images.find([bundled_photos("train")])[:6]])
    photo = images.center_square(images.load(bundled_photos("held_out") / "river_otters.jpg"), SIDE)
    mix = dict(zip(NAMES, shares, strict=True))
    wanted = images.to_pixels(Network(SMALL, mixed(SMALL, weights, NAMES, mix))(photo))

    convolutions = fold(SMALL, weights, photos)
    floats = Loaded(convert(convolutions, find_recipe("tflite", "float32"), (SIDE, SIDE), None, {}))
    given = np.array(shares, np.float32).reshape(1, 1, 1, 3)
    (painted,) = floats(photo[None].astype(np.float32), given)
    assert metrics.psnr(wanted, images.to_pixels(painted[0])) > 55

    quantization = calibrate(convolutions, photos)
    integers = Loaded(convert(convolutions, find_recipe("tflite", "int8"), (SIDE, SIDE), quantization, {}))
    (painted,) = integers(photo[None], np.rint(255 * given).astype(np.uint8))
    assert metrics.psnr(wanted, painted[0]) > 34
    (other,) = integers(photo[None], np.rint(255 * np.roll(given, 1)).astype(np.uint8))
    assert metrics.psnr(wanted, other[0]) < 30
