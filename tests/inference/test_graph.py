import numpy as np
import pytest
import tensorflow as tf

from conftest import arrays
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.tflite import convert
from mobile_style.inference.fold import fold, typical_magnitudes
from mobile_style.inference.graph import phases
from mobile_style.inference.interpreter import Loaded
from mobile_style.inference.tiles import gains, magnitudes, tile
from mobile_style.network.architecture import Architecture
from mobile_style.network.transform_net import TransformNet, convolved


@pytest.fixture
def network(rng: np.random.Generator) -> TransformNet:
    """Random, with offsets and with scales of both signs, as training makes them."""
    network = TransformNet(Architecture(width=4, blocks=2, end_kernel=9))
    for variable in network.weights:
        if variable.name.endswith(("_scale", "_offset")):
            variable.assign(rng.normal(0.2, 0.6, variable.shape))
    return network


@pytest.mark.parametrize("size", [(8, 8), (32, 24), (37, 50), (30, 19)])
@pytest.mark.parametrize("known", [True, False])
def test_the_exported_graph_is_the_network(
    network: TransformNet, size: tuple[int, int], known: bool, rng: np.random.Generator
) -> None:
    photos = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
    picture = rng.integers(0, 256, (*size, 3), np.uint8)
    typical = typical_magnitudes(network.architecture, arrays(network), photos) if known else None
    convolutions = fold(network.architecture, arrays(network), typical)
    content = convert(convolutions, find_recipe("tflite", "float32"), size, None, {})
    (output,) = Loaded(content)(picture[None].astype(np.float32))
    more = [(0, -length % 4) for length in size]
    padded = np.pad(picture, (*more, (0, 0)), mode="edge")[None].astype(np.float32)
    expected = np.asarray(network(padded))[0, : size[0], : size[1]]
    assert expected.std() > 5  # or there is little to compare
    assert np.abs(output[0] - expected).max() < 1e-2


def test_typical_magnitudes_are_one(network: TransformNet, rng: np.random.Generator) -> None:
    photos = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
    convolutions = fold(
        network.architecture, arrays(network), typical_magnitudes(network.architecture, arrays(network), photos)
    )
    each = Loaded(magnitudes(convolutions, (1, 32, 32)))
    seen = [each(photo[None].astype(np.float32)) for photo in photos]
    assert len(seen[0]) == 2 + 2 * 2 + 1  # down, blocks, up1
    for layer in zip(*seen, strict=True):
        np.testing.assert_allclose(np.mean(layer, axis=0), 1, rtol=1e-3)


def test_crops_share_what_their_inner_parts_say(network: TransformNet, rng: np.random.Generator) -> None:
    """As Keras computes it with magnitudes of all crops together, their borders left out."""
    crops = rng.integers(0, 256, (3, 32, 48, 3), np.uint8).astype(np.float32)
    convolutions = fold(network.architecture, arrays(network))
    found = Loaded(magnitudes(convolutions, (3, 32, 48), trims=(8, 0)))(crops)
    expected = {}

    def record(index: int, x: tf.Tensor) -> tf.Tensor:
        margin = 8 * x.shape[1] // 32
        expected[index] = tf.reduce_mean(tf.abs(x[:, margin : x.shape[1] - margin]), (0, 1, 2), keepdims=True)
        return expected[index]

    network(crops, magnitude=record)
    assert len(found) == len(expected) == 7
    for ours, theirs in zip(found, expected.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_a_tile_is_painted_with_given_magnitudes(network: TransformNet, rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (32, 40, 3), np.uint8)
    convolutions = fold(
        network.architecture,
        arrays(network),
        typical_magnitudes(network.architecture, arrays(network), rng.integers(0, 256, (2, 32, 32, 3), np.uint8)),
    )
    others = rng.integers(0, 256, (1, 16, 16, 3), np.uint8).astype(np.float32)
    found = Loaded(magnitudes(convolutions, (1, 16, 16)))(others)
    (output,) = Loaded(tile(convolutions, (32, 40)))(picture[None].astype(np.float32), *gains(convolutions, found))
    recorded = {}

    def record(index: int, x: tf.Tensor) -> tf.Tensor:
        recorded[index] = tf.reduce_mean(tf.abs(x), (1, 2), keepdims=True)
        return recorded[index]

    network(others, magnitude=record)
    expected = network(picture[None].astype(np.float32), magnitude=lambda index, _: recorded[index])
    own = network(picture[None].astype(np.float32))
    assert np.abs(output - expected).max() < 0.01 < np.abs(own - expected).max()


def test_phases_do_what_enlarging_and_a_3x3_kernel_do(rng: np.random.Generator) -> None:
    small = rng.normal(size=(1, 5, 6, 2)).astype(np.float32)
    kernel = rng.normal(size=(3, 3, 2, 3)).astype(np.float32)
    expected = convolved(tf.constant(small.repeat(2, 1).repeat(2, 2)), tf.constant(kernel))
    padded = np.pad(small, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    output = tf.nn.depth_to_space(tf.nn.conv2d(padded, phases(kernel), 1, "VALID"), 2)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(output, expected, atol=1e-4)
