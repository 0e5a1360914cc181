"""The tint of int8 pictures: taken back on photos that nothing was chosen on."""

import numpy as np
import pytest

from mobile_style.inference.fold import fold
from mobile_style.inference.graph import Convolution
from mobile_style.inference.int8_calibration import calibrate
from mobile_style.inference.int8_tint import without_tint
from mobile_style.inference.paired_ops import int8_painter, painter
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.network.checkpoint import read_model
from mobile_style.network.styles import WHOLE


def crops(folder: str) -> np.ndarray:
    return np.stack([images.center_crop(p, 128, 128) for _, p in images.read_photos(bundled_photos(folder), 16)])


@pytest.mark.slow
def test_other_photos_lose_most_of_it() -> None:
    many = read_model("many", all_styles=True)
    before = fold(many.architecture(), many.weights, crops("train"))
    quantization = calibrate(before, crops("train"))
    after = without_tint(before, quantization, crops("train"))
    exact = painter(before, (128, 128))

    def tints(convolutions: list[Convolution]) -> np.ndarray:
        """Mean difference of each color for each style, (styles, 3), in gray levels; its sign left out."""
        int8, found = int8_painter(convolutions, quantization, (128, 128)), []
        for mix in np.eye(len(before[-1].offset), dtype=np.float32)[:, None, None, None]:
            differences = [
                int8(photo, (mix * WHOLE).astype(np.uint8))[0].astype(float) - exact(photo.astype(np.float32), mix)[0]
                for photo in crops("held_out")[:4, None]
            ]
            found.append(np.mean(differences, axis=(0, 1, 2, 3)))
        return np.abs(found)

    assert tints(after).mean() < 0.8 * tints(before).mean()
    assert tints(after).max() < tints(before).max()
