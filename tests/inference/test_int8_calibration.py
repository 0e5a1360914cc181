import numpy as np
import pytest

from mobile_style.inference.fold import fold, typical_magnitudes
from mobile_style.inference.int8_calibration import (
    ALL,
    KNOTS,
    PIXELS_IN_ALL,
    SHRINKS,
    best_range,
    calibrate,
    calibration_photos,
)
from mobile_style.inference.int8_ops import reciprocal_terms
from mobile_style.inference.levels import Levels, Range
from mobile_style.inference.observe import SAMPLES, _places, observe
from mobile_style.inference.tflite_writer import Value
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos, model_path
from mobile_style.network.checkpoint import Checkpoint


def rounded(values: np.ndarray, limits: Range) -> np.ndarray:
    levels = Levels.spanning(limits)
    return levels.scale * (levels.of(values).astype(np.float32) - levels.zero)


def error(values: np.ndarray, limits: Range, factors: np.ndarray, cut: Range) -> float:
    seen = (np.clip(each * factors, *cut) for each in (values, rounded(values, limits)))
    return float(np.mean(np.square(np.subtract(*seen), dtype=np.float64)))


def test_a_range_clips_a_tail_but_not_what_is_frequent(rng: np.random.Generator) -> None:
    tailed, one = rng.laplace(size=100_000).astype(np.float32), np.float32(1)
    lowest, highest = best_range(tailed)
    assert 5 < highest < tailed.max()
    whole = float(tailed.min()), float(tailed.max())
    assert error(tailed, (lowest, highest), one, ALL) < 0.95 * error(tailed, whole, one, ALL)
    assert best_range(rng.uniform(-1, 1, 100_000).astype(np.float32)) == pytest.approx((-1, 1), rel=1e-3)


@pytest.mark.parametrize("cut", [ALL, (-6.0, 6.0), (0.0, 4.0)])
@pytest.mark.parametrize("shift", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize("factored", [False, True])
def test_a_range_is_the_best_of_all_fractions(
    cut: Range, shift: float, factored: bool, rng: np.random.Generator
) -> None:
    values = rng.laplace(shift, size=20_000).astype(np.float32)
    factors = rng.uniform(0.5, 3, 20_000).astype(np.float32) if factored else np.ones(20_000, np.float32)
    lowest, highest = float(values.min()), float(values.max())
    every = min(error(values, (lowest * a, highest * b), factors, cut) for a in SHRINKS for b in SHRINKS)
    chosen = best_range(values, factors if factored else None, cut)
    assert error(values, chosen, factors, cut) <= 1.001 * every


def test_a_range_spends_no_levels_on_what_does_not_matter(rng: np.random.Generator) -> None:
    lowest, highest = best_range(rng.uniform(-10, 10, 100_000).astype(np.float32), None, (0.0, np.inf))
    assert lowest > -3 and highest == pytest.approx(10, rel=1e-3)


@pytest.mark.parametrize("values", [[0.0, 0.0], [5.0, 5.0], [-2.0, -2.0]])
def test_constant_tensors_have_a_range(values: list[float]) -> None:
    lowest, highest = best_range(np.array(values, np.float32))
    assert lowest <= 0 <= highest and lowest < highest


@pytest.mark.parametrize("channels", [16, 24, 64, 96])
def test_a_sample_sees_every_channel_and_photo(channels: int) -> None:
    tensor, photos = Value(0, (1, SAMPLES // 100, 1, channels)), 100
    seen = [_places(tensor, number, photos) for number in range(photos)]
    assert min(map(len, seen)) > 0.9 * max(map(len, seen)) and sum(map(len, seen)) <= SAMPLES
    _, counts = np.unique(np.concatenate(seen) % channels, return_counts=True)
    assert len(counts) == channels and counts.min() > 0.9 * counts.max()


def test_reciprocals_without_a_division() -> None:
    """Between the outermost knots within 2 %, beyond them bounded."""
    knots, floor = np.geomspace(0.2, 4, KNOTS), np.full(20, 0.01, np.float32)
    weights, biases = reciprocal_terms(knots, floor)

    def reciprocal(magnitudes: np.ndarray) -> np.ndarray:
        return np.maximum(magnitudes[:, None] * weights + biases, 0).sum(axis=1)

    magnitudes = np.linspace(0.2, 4, 400)
    np.testing.assert_allclose(reciprocal(magnitudes), 1 / (magnitudes + 0.01), rtol=0.02)
    np.testing.assert_allclose(reciprocal(np.array([50.0])), 1 / (4 + 0.01), rtol=1e-3)


def test_what_is_observed_is_what_the_ranges_hold() -> None:
    checkpoint = Checkpoint.read(model_path("starry_night"))
    files = images.photos(bundled_photos("train"), 4)
    photos = np.stack([images.center_crop(images.load(file), 48, 64) for file in files])
    convolutions = fold(
        checkpoint.architecture(),
        checkpoint.weights,
        typical_magnitudes(checkpoint.architecture(), checkpoint.weights, photos),
    )
    seen, chosen = observe(convolutions, photos), calibrate(convolutions, photos)
    layer = next(layer for layer in convolutions if layer.name == "block1b")
    assert seen.magnitudes["block1b"].shape == (4, 64) and len(seen.samples["block1b_linear"]) == 4 * 12 * 16 * 64
    np.testing.assert_allclose(seen.magnitudes["block1b"].mean(axis=0), 1, rtol=1e-3)  # as they are scaled
    gains = layer.scale / (seen.magnitudes["block1b"] + layer.floor)
    multiplied = seen.samples["block1b_linear"] * seen.factors["block1b_linear"]
    np.testing.assert_allclose(multiplied, seen.samples["block1b_scaled"], rtol=1e-4, atol=1e-5)
    assert seen.samples["block1b_linear"].min() <= chosen.ranges["block1b_linear"][0] < 0
    assert gains.max() < chosen.ranges["block1b_gain"][1] < 1.4 * gains.max()
    assert chosen.knots["block1b_gain"][-1] > seen.magnitudes["block1b"].max()
    assert chosen.ranges["out"] == (0.0, 255.0)


def test_calibration_photos_fit_into_memory() -> None:
    photos = calibration_photos(None, (1080, 1920))
    assert photos.shape[0] == 32 and photos.size / 3 <= PIXELS_IN_ALL * 1.01
    assert photos.shape[2] / photos.shape[1] == pytest.approx(1920 / 1080, rel=0.05)
