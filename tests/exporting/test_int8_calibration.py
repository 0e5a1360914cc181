from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from mobile_style.exporting.int8_calibration import (
    KNOTS,
    SAMPLES,
    SHRINKS,
    _Calibrator,
    _sample,
    best_range,
    rounded_kernel,
)
from mobile_style.exporting.tflite import Int8Ops, Quantization, fake_quantized


def same(values: tf.Tensor) -> tf.Tensor:
    return values


def test_a_range_clips_a_tail_but_not_what_is_frequent(rng: np.random.Generator) -> None:
    tailed = tf.constant(rng.laplace(size=100_000), tf.float32)
    lowest, highest = best_range(tailed, tailed, same)
    assert highest < tf.reduce_max(tailed) and highest > 5

    def error(limits: tuple[float, float]) -> float:
        return float(tf.reduce_mean(tf.square(fake_quantized(tailed, limits) - tailed)))

    assert error((lowest, highest)) < 0.95 * error((float(tf.reduce_min(tailed)), float(tf.reduce_max(tailed))))
    uniform = tf.constant(rng.uniform(-1, 1, 100_000), tf.float32)
    assert best_range(uniform, uniform, same) == pytest.approx((-1, 1), rel=1e-3)


@pytest.mark.parametrize("matters", [same, tf.nn.relu, lambda values: tf.clip_by_value(3 * values, -6, 6)])
@pytest.mark.parametrize("shift", [-2.0, 0.0, 2.0])
def test_a_range_is_the_best_of_all_fractions(
    matters: Callable[[tf.Tensor], tf.Tensor], shift: float, rng: np.random.Generator
) -> None:
    exact = tf.constant(rng.laplace(shift, size=20_000), tf.float32)

    def error(limits: tuple[float, float]) -> float:
        return float(tf.reduce_mean(tf.square(matters(fake_quantized(exact, limits)) - matters(exact))))

    lowest, highest = float(tf.reduce_min(exact)), float(tf.reduce_max(exact))
    every = min(error((lowest * below, highest * above)) for below in SHRINKS for above in SHRINKS)
    assert error(best_range(exact, exact, matters)) <= 1.001 * every


def test_a_range_spends_no_levels_on_what_does_not_matter(rng: np.random.Generator) -> None:
    values = tf.constant(rng.uniform(-10, 10, 100_000), tf.float32)
    lowest, highest = best_range(values, values, tf.nn.relu)
    assert lowest > -3 and highest == pytest.approx(10, rel=1e-3)


@pytest.mark.parametrize("values", [[0.0, 0.0], [5.0, 5.0], [-2.0, -2.0]])
def test_constant_tensors_have_a_range(values: list[float]) -> None:
    lowest, highest = best_range(tf.constant(values), tf.constant(values), same)
    assert lowest <= 0 <= highest and lowest < highest


@pytest.mark.parametrize("channels", [16, 24, 64, 96])
def test_a_sample_sees_every_channel(channels: int) -> None:
    pixels = tf.tile(tf.range(channels, dtype=tf.float32)[None, None, None], (1, 1, SAMPLES, 1))
    values, counts = np.unique(_sample(pixels), return_counts=True)
    assert len(values) == channels and counts.min() > 0.9 * counts.max()


def test_kernels_have_255_levels_for_each_output_channel(rng: np.random.Generator) -> None:
    kernel = rng.normal(size=(3, 3, 8, 4)).astype(np.float32) * [1, 100, 0.01, 0]
    rounded = rounded_kernel(kernel.astype(np.float32))
    for channel in range(4):
        step = max(np.abs(kernel[..., channel]).max() / 127, 1e-30)
        assert np.abs(rounded[..., channel] - kernel[..., channel]).max() <= step * 0.51
        np.testing.assert_allclose(rounded[..., channel] / step, np.rint(rounded[..., channel] / step), atol=1e-3)


def test_reciprocals_without_a_division() -> None:
    """Between the outermost knots within 2 %, beyond them bounded, for one image or several."""

    class Exact(Int8Ops):
        def stored(self, x: tf.Tensor, name: str) -> tf.Tensor:
            return x

    knots = np.geomspace(0.2, 4, KNOTS)
    ops = Exact(Quantization(knots={"gain": knots}))
    magnitudes = np.linspace(0.2, 4, 40).astype(np.float32).reshape(2, 1, 1, 20)
    scale, floor = np.linspace(0.5, 2, 20).astype(np.float32), np.full(20, 0.01, np.float32)
    output = ops.interpolated(tf.constant(magnitudes), scale, floor, "gain")
    np.testing.assert_allclose(output, scale / (magnitudes + floor), rtol=0.02)
    far = ops.interpolated(tf.fill((1, 1, 1, 20), 50.0), scale, floor, "gain")
    np.testing.assert_allclose(far[0, 0, 0], scale / (4 + floor), rtol=1e-3)


def test_peaks_that_no_relu6_cuts_are_seen() -> None:
    gains = {"block1a_linear": tf.constant(2.0), "block1b_linear": tf.constant(2.0)}
    calibrator = _Calibrator(Quantization(), {}, gains, {"block1a_scaled": (-6.0, 6.0)}, "out")
    assert calibrator.matters("block1a_linear")(tf.constant(5.0)) == 6
    assert calibrator.matters("block1b_linear")(tf.constant(5.0)) == 10
