import numpy as np
import pytest

from mobile_style.inference.levels import HALFWAY, Levels, kernel_levels, mean_levels, product_levels, ties


@pytest.mark.parametrize("limits", [(0.0, 255.0), (-1.0, 3.0), (-5.0, 0.0), (0.0, 1e-3), (-0.001, 1000.0)])
def test_zero_is_one_of_the_levels(limits: tuple[float, float]) -> None:
    levels = Levels.spanning(limits)
    stands_for = levels.scale * (np.arange(-128, 128) - levels.zero)
    assert 0 in stands_for and -128 <= levels.zero <= 127
    np.testing.assert_allclose([stands_for[0], stands_for[-1]], limits, atol=0.51 * levels.scale)
    values = np.linspace(*limits, 1001)
    back = levels.scale * (levels.of(values).astype(float) - levels.zero)
    assert np.abs(back - values).max() <= 1.01 * levels.scale


def test_nothing_but_zeros_has_levels() -> None:
    levels = Levels.spanning((0.0, 0.0))
    assert levels.scale > 0 and (levels.of(np.zeros(3)) == levels.zero).all()


def test_kernels_have_255_levels_for_each_output_channel(rng: np.random.Generator) -> None:
    kernel = rng.normal(size=(4, 3, 3, 8)) * np.array([1, 100, 0.01, 0]).reshape(4, 1, 1, 1)
    levels, scales = kernel_levels(kernel)
    assert levels.dtype == np.int8 and np.abs(levels).max(axis=(1, 2, 3)).tolist() == [127, 127, 127, 0]
    for channel, each in enumerate(scales):
        assert np.abs(each.scale * levels[channel].astype(float) - kernel[channel]).max() <= 0.51 * each.scale
    _, larger = kernel_levels(kernel, np.array([0, 0, 1, 1]))
    assert [each.scale for each in larger[2:]] == [1, 1] and larger[:2] == scales[:2]


def test_ties_are_what_roundings_differ_in() -> None:
    halves = np.arange(-9, 10)
    assert ties(halves, 0.5) == 5 and ties(2 * halves, 0.5) == 0
    assert ties(np.array([50]), 0.37) == 1 and ties(np.array([49]), 0.37) == 0
    assert ties(np.array([50, 50_000]), 0.3701) == 0  # near none, and beyond all levels
    np.testing.assert_array_equal(ties(halves, np.array([0.5, 0.51])), [5, 0])


def test_ties_are_all_found(rng: np.random.Generator) -> None:
    results = rng.integers(-60_000, 60_000, 20_000)
    for scale in rng.uniform(0.002, 0.02, 20):
        levels = np.abs(np.unique(np.abs(results)) * scale)
        one_by_one = (np.abs(levels[levels < 256] % 1 - 0.5) < HALFWAY).sum()
        assert ties(results, scale) == one_by_one


def test_products_and_means_have_levels_without_ties() -> None:
    one, other = Levels.spanning((-3.0, 5.0)), Levels.spanning((0.0, 7.0))
    made = product_levels(one, other, (-4.0, 6.0))
    products = np.outer(np.arange(-128, 128) - one.zero, np.arange(-128, 128) - other.zero)
    assert ties(products, np.float64(one.scale) * other.scale / made.scale) == 0
    assert made.scale == pytest.approx(10 / 255, rel=1e-3)
    of = Levels.spanning((0.0, 6.0))
    made = mean_levels(of, 64, (0.0, 3.0))
    assert ties(np.arange(255 * 64 + 1), np.float64(of.scale) / 64 / made.scale) == 0
