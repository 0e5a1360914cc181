import numpy as np
import pytest
import tensorflow as tf

from mobile_style.exporting.fold import fold
from mobile_style.exporting.graph import forward, phases
from mobile_style.exporting.tflite import FloatOps
from mobile_style.network.architecture import Architecture
from mobile_style.network.transform_net import TransformNet, convolved
from mobile_style.painting.stylize import stylize_image


@pytest.fixture
def network(rng: np.random.Generator) -> TransformNet:
    """Random, with offsets and with scales of both signs, as training makes them."""
    network = TransformNet(Architecture(width=4, blocks=2, end_kernel=9))
    for variable in network.weights:
        if variable.name.endswith(("_scale", "_offset")):
            variable.assign(rng.normal(0.2, 0.6, variable.shape))
    return network


@pytest.mark.parametrize("size", [(8, 8), (32, 24), (37, 50), (30, 19)])
def test_the_exported_graph_is_the_network(
    network: TransformNet, size: tuple[int, int], rng: np.random.Generator
) -> None:
    photos = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
    picture = rng.integers(0, 256, (*size, 3), np.uint8)
    output = forward(FloatOps(), fold(network, photos), tf.constant(picture[None], tf.float32))
    expected = stylize_image(network, picture)
    assert expected.std() > 5  # or there is little to compare
    assert np.abs(np.clip(output.numpy()[0], 0, 255) - expected).max() < 0.51  # the network's is rounded to bytes


def test_typical_magnitudes_are_one(network: TransformNet, rng: np.random.Generator) -> None:
    seen = {}

    class Spy(FloatOps):
        def gain(self, x: tf.Tensor, scale: np.ndarray, floor: np.ndarray, name: str) -> tf.Tensor:
            seen[name] = tf.reduce_mean(tf.abs(x), (0, 1, 2)).numpy()
            return super().gain(x, scale, floor, name)

    photos = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
    forward(Spy(), fold(network, photos), tf.constant(photos, tf.float32))
    assert len(seen) == 2 + 2 * 2 + 1  # down, blocks, up1
    for magnitudes in seen.values():
        np.testing.assert_allclose(magnitudes, 1, rtol=1e-3)


def test_phases_do_what_enlarging_and_a_3x3_kernel_do(rng: np.random.Generator) -> None:
    small = rng.normal(size=(1, 5, 6, 2)).astype(np.float32)
    kernel = rng.normal(size=(3, 3, 2, 3)).astype(np.float32)
    expected = convolved(tf.constant(small.repeat(2, 1).repeat(2, 2)), tf.constant(kernel))
    padded = np.pad(small, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    output = tf.nn.depth_to_space(tf.nn.conv2d(padded, phases(kernel), 1, "VALID"), 2)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(output, expected, atol=1e-4)
