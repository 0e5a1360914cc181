import numpy as np
import pytest

from mobile_style.inference.network import load_network
from mobile_style.network.catalog import model_path
from mobile_style.painting.grain import grained, grained_part
from mobile_style.painting.stylize import stylize, stylize_image


def added(picture: np.ndarray) -> np.ndarray:
    """Of each pixel; the same in every channel."""
    change = grained(picture).astype(int) - picture
    np.testing.assert_array_equal(change.min(2), change.max(2))
    return change[..., 0]


def test_what_is_flat_gets_faint_grain() -> None:
    grain = added(np.full((512, 512, 3), 128, np.uint8))
    assert 1.5 < grain.std() < 2.5 and abs(grain.mean()) < 0.5 and np.abs(grain).max() <= 9
    # It nowhere repeats itself: the autocorrelation, by way of its spectrum.
    likeness = np.fft.ifft2(np.abs(np.fft.fft2(grain - grain.mean())) ** 2).real
    likeness[:40, :40] = likeness[:40, -40:] = likeness[-40:, :40] = likeness[-40:, -40:] = 0
    assert np.abs(likeness).max() < 0.25 * grain.var() * grain.size


def test_an_even_gradient_is_flat() -> None:
    across = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 100, 0).repeat(3, 2)
    assert added(across)[10:-10, 10:-10].std() > 1.5


def test_detail_is_left_alone(rng: np.random.Generator) -> None:
    noisy = rng.integers(100, 130, (96, 96, 3), np.uint8)
    np.testing.assert_array_equal(grained(noisy), noisy)
    noisy[:, 48:] = 200  # one half is flat: grain there alone, but for a seam that is not sharp
    grain = added(noisy)
    assert not grain[:, :40].any() and grain[:, 56:].std() > 1.5


@pytest.mark.parametrize("shape", [(1, 1), (2, 50), (33, 31)])
def test_any_size_and_no_wrap_around(shape: tuple[int, int]) -> None:
    for value, most in ((255, 0), (0, 9)):
        picture = np.full((*shape, 3), value, np.uint8)
        assert grained(picture).shape == picture.shape and added(picture).max() <= most and added(picture).min() >= -9


@pytest.mark.parametrize("style", ["starry_night", "the_scream", "great_wave", "udnie"])
def test_a_bundled_style_paints_a_blank_page(style: str) -> None:
    page = np.full((256, 256, 3), 250, np.uint8)
    bare = stylize_image(load_network(model_path(style))[0], page, grain=False)[64:-64, 64:-64].astype(float)
    painted = stylize(page, style)[64:-64, 64:-64].astype(float)
    assert bare.std((0, 1)).max() < 1 and painted.std((0, 1)).min() > 8


def test_a_part_has_the_grain_of_the_whole(rng: np.random.Generator) -> None:
    picture = np.full((150, 203, 3), 200, np.uint8)
    picture[40:90, 50:120] = rng.integers(0, 256, (50, 70, 3))
    whole = grained(picture)
    for top, bottom, left, right in ((0, 150, 0, 203), (33, 101, 7, 55), (100, 150, 150, 203), (5, 6, 60, 200)):
        part = grained_part(picture, top, bottom, left, right)
        np.testing.assert_array_equal(part, whole[top:bottom, left:right])
