import numpy as np

from mobile_style.media import images
from mobile_style.media.labels import LINE, Labeled, sheet


def test_every_picture_has_its_lines_below() -> None:
    black = np.zeros((40, 60, 3), np.uint8)
    made = sheet([[Labeled(black, ("one", "two")), Labeled(black, ("three",))], [Labeled(black, ())]])
    label = 4 + 2 * LINE
    assert made.shape == (2 * (40 + label) + 4, 2 * 60 + 4, 3)
    first, second = made[40 : 40 + LINE, :60], made[40 + LINE : 40 + label, 64:]
    assert first.min() < 128 and second.min() == 255  # two lines here, one there
    assert made[-label:].min() == 255


def test_the_middle_is_cut_or_lies_on_white() -> None:
    picture = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)
    np.testing.assert_array_equal(images.middle(picture, 6, 8), picture[2:8, 6:14])
    large = images.middle(picture, 14, 12)
    np.testing.assert_array_equal(large[2:12], picture[:, 4:16])
    assert large[:2].min() == large[12:].min() == 255
