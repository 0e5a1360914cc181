"""The contrast and the tint of int8 pictures: taken back on photos that nothing was chosen on."""

from collections.abc import Sequence

import numpy as np
import pytest

from mobile_style.inference.fold import fold, styles_photos, typical_magnitudes
from mobile_style.inference.graph import Convolution
from mobile_style.inference.int8_calibration import calibrate
from mobile_style.inference.int8_ops import Quantization
from mobile_style.inference.int8_tone import PHOTOS, with_float_tone
from mobile_style.inference.paired_ops import int8_painter, painter
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.network.checkpoint import read_model
from mobile_style.network.styles import WHOLE


def crops(folder: str) -> np.ndarray:
    return np.stack([images.center_crop(p, 128, 128) for _, p in images.read_photos(bundled_photos(folder), 16)])


@pytest.mark.slow
def test_contrast_and_tint_are_those_of_float() -> None:
    many = read_model("many", all_styles=True)
    before = fold(
        many.architecture(), many.weights, typical_magnitudes(many.architecture(), many.weights, crops("train"))
    )
    quantization = calibrate(before, crops("train"))
    after, corrected = with_float_tone(before, quantization, crops("train"))
    exact = painter(before, (128, 128))

    def measured(
        convolutions: list[Convolution], quantization: Quantization, given: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """For each style how far its contrast is from 1 time the float's, and its mean difference of each color."""
        int8, contrasts, tints = int8_painter(convolutions, quantization, (128, 128)), [], []
        for mix, photos in zip(np.eye(len(given), dtype=np.float32)[:, None, None, None], given, strict=True):
            found = np.stack([int8(photo[None], (mix * WHOLE).astype(np.uint8))[0].astype(float) for photo in photos])
            wanted = np.stack([exact(photo[None].astype(np.float32), mix)[0] for photo in photos])
            tints.append(np.mean(found - wanted, axis=(0, 1, 2, 3)))
            contrasts.append(found.std() / wanted.std())
        return np.abs(np.array(contrasts) - 1), np.abs(tints)

    seen = [photos for _, photos in styles_photos(before, crops("train"), PHOTOS)]
    (contrasts, tints), (new_contrasts, new_tints) = (
        measured(before, quantization, seen),
        measured(after, corrected, seen),
    )
    # A correction that moved other styles' levels left the contrasts as far off as they were.
    assert np.square(new_contrasts).mean() < 0.25 * np.square(contrasts).mean()
    assert np.square(new_tints).mean() < 0.25 * np.square(tints).mean()

    others = [crops("held_out")[:4]] * len(seen)
    (contrasts, tints), (new_contrasts, new_tints) = (
        measured(before, quantization, others),
        measured(after, corrected, others),
    )
    assert new_tints.max() < tints.max()
    for old, new in ((contrasts, new_contrasts), (tints, new_tints)):
        assert new.mean() < 0.8 * old.mean()
        assert np.square(new).mean() < np.square(old).mean()  # large ones, too
