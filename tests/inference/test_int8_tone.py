"""The contrast and the tint of int8 pictures: taken back on photos that nothing was chosen on."""

import numpy as np
import pytest

from mobile_style.inference.fold import fold, typical_magnitudes
from mobile_style.inference.graph import Convolution
from mobile_style.inference.int8_calibration import calibrate
from mobile_style.inference.int8_tone import with_float_tone
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
    before = fold(
        many.architecture(), many.weights, typical_magnitudes(many.architecture(), many.weights, crops("train"))
    )
    quantization = calibrate(before, crops("train"))
    after = with_float_tone(before, quantization, crops("train"))
    exact = painter(before, (128, 128))

    def measured(convolutions: list[Convolution]) -> tuple[np.ndarray, np.ndarray]:
        """For each style how far its contrast is from 1 time the float's, and its mean difference of each color."""
        int8, contrasts, tints = int8_painter(convolutions, quantization, (128, 128)), [], []
        for mix in np.eye(len(before[-1].offset), dtype=np.float32)[:, None, None, None]:
            photos = crops("held_out")[:4, None]
            found = np.stack([int8(photo, (mix * WHOLE).astype(np.uint8))[0].astype(float) for photo in photos])
            wanted = np.stack([exact(photo.astype(np.float32), mix)[0] for photo in photos])
            tints.append(np.mean(found - wanted, axis=(0, 1, 2, 3)))
            contrasts.append(found.std() / wanted.std())
        return np.abs(np.array(contrasts) - 1), np.abs(tints)

    (contrasts, tints), (new_contrasts, new_tints) = measured(before), measured(after)
    assert new_tints.max() < tints.max()
    for old, new in ((contrasts, new_contrasts), (tints, new_tints)):
        assert new.mean() < 0.8 * old.mean()
        assert np.square(new).mean() < np.square(old).mean()  # large ones, too
