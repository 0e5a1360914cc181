import numpy as np
import pytest
import tensorflow as tf

from mobile_style import metrics


def test_psnr_by_hand() -> None:
    black = np.zeros((4, 4, 3), np.uint8)
    assert metrics.psnr(black, black) == metrics.IDENTICAL
    assert metrics.psnr(black, black + 255) == pytest.approx(0)
    assert metrics.psnr(black, black + 16) == pytest.approx(20 * np.log10(255 / 16))


def test_ssim_is_tensorflows(rng: np.random.Generator, astronaut: np.ndarray) -> None:
    noisy = np.clip(astronaut + rng.normal(0, 12, astronaut.shape), 0, 255).astype(np.uint8)
    expected = float(tf.image.ssim(tf.constant(astronaut), tf.constant(noisy), 255))
    assert metrics.ssim(astronaut, noisy) == pytest.approx(expected, abs=1e-4)
    assert metrics.ssim(astronaut, astronaut) == pytest.approx(1)


def test_differences_by_hand() -> None:
    a = np.full((10, 10, 3), 100, np.uint8)
    b = a.copy()
    b[0, :5, 1] = 109  # five pixels of a hundred, by one more than is allowed
    b[1, :5, 2] = 92
    assert metrics.largest_difference(a, b) == 9 and metrics.share_off(a, b) == 0.05


def test_a_frame_and_a_checkerboard_show_in_their_scores_only(astronaut: np.ndarray) -> None:
    framed, checked = astronaut.copy(), astronaut.astype(int)
    framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 0, 0, 0, 0
    checked[::4] += 8
    checked = np.clip(checked, 0, 255).astype(np.uint8)
    assert metrics.border(framed) > metrics.border(astronaut) + 20
    assert metrics.checkerboard(checked) > metrics.checkerboard(astronaut) + 2
    assert abs(metrics.border(checked) - metrics.border(astronaut)) < 3


@pytest.mark.parametrize("down", range(4))
@pytest.mark.parametrize("across", range(4))
def test_checkerboard_measures_an_amplitude_in_every_direction(down: int, across: int) -> None:
    y, x = np.mgrid[:32, :35]
    wave = 100 + 5 * np.cos(np.pi / 2 * (down * y + across * x))
    expected = 5 if (down, across) != (0, 0) else 0
    assert metrics.checkerboard(np.repeat(wave[..., None], 3, axis=2)) == pytest.approx(expected, rel=1e-6)
