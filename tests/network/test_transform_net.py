import numpy as np
import pytest

from mobile_style.errors import UsageError
from mobile_style.network.architecture import PRESETS, Architecture
from mobile_style.network.transform_net import TransformNet, image_magnitude, rounded


@pytest.mark.parametrize("name", PRESETS)
def test_parameters_are_those_of_the_built_network(name: str) -> None:
    network = TransformNet(PRESETS[name])
    assert PRESETS[name].parameters() == sum(int(np.prod(weight.shape)) for weight in network.weights)


def test_macs_by_hand() -> None:
    # stem 8x8 x 9x3x2, down1 4x4 x 9x2x4, down2 2x2 x 9x4x8, up1 4x4 x 9x8x4, up2 8x8 x 9x4x2, out 8x8 x 9x2x3
    expected = 64 * 54 + 16 * 72 + 4 * 288 + 16 * 288 + 64 * 72 + 64 * 54
    assert Architecture(width=2, blocks=0, end_kernel=3).macs(8, 8) == expected


def test_presets_grow_and_johnson_is_the_paper() -> None:
    macs = [architecture.macs() for architecture in PRESETS.values()]
    assert list(PRESETS) == ["nano", "small", "base", "johnson"] and macs == sorted(macs)
    # 9x9-32, 3x3-64/2, 3x3-128/2, five blocks of 128, and back: table 1 of the paper's supplement.
    assert [c[3] for c in PRESETS["johnson"].convolutions()] == [32, 64, 128, *[128] * 10, 64, 32, 3]


@pytest.mark.parametrize("shape", [(8, 8), (12, 16), (32, 36)])
def test_any_size_keeps_its_size_and_range(shape: tuple[int, int], rng: np.random.Generator) -> None:
    picture = rng.uniform(0, 255, (2, *shape, 3)).astype(np.float32)
    output = np.asarray(TransformNet(Architecture(4, 1, 3))(picture))
    assert output.shape == picture.shape and output.min() >= 0 and output.max() <= 255


def test_magnitudes_are_those_of_each_image(rng: np.random.Generator) -> None:
    network, seen = TransformNet(Architecture(4, 1, 3)), {}

    def spy(index: int, x: np.ndarray) -> np.ndarray:
        seen[index] = (np.asarray(x), np.asarray(image_magnitude(index, x)))
        return image_magnitude(index, x)

    network(rng.uniform(0, 255, (2, 16, 16, 3)).astype(np.float32), magnitude=spy)
    names = [network.architecture.convolutions()[index][0] for index in seen]
    assert names == ["down1", "down2", "block1a", "block1b", "up1"]
    for x, magnitude in seen.values():
        np.testing.assert_allclose(magnitude[:, 0, 0], np.abs(x).mean((1, 2)), rtol=1e-4)


def test_contrast_changes_the_picture_little(rng: np.random.Generator) -> None:
    """What dividing by magnitudes is for: a photo of half the contrast is painted as strongly."""
    network = TransformNet(Architecture(4, 1, 3))
    picture = rng.uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    faint = 127.5 + (picture - 127.5) / 2
    strong, weak = (np.asarray(network(image)).std() for image in (picture, faint))
    assert weak > 0.7 * strong


def test_training_rounds_to_256_levels_and_passes_gradients(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 8)).astype(np.float32)
    levels = np.unique(np.round(np.asarray(rounded(x)) * 255 / (x.max() - x.min()), 3))
    np.testing.assert_allclose(levels, np.rint(levels), atol=0.03)
    assert np.abs(np.asarray(rounded(x)) - x).max() <= (x.max() - x.min()) / 255 * 0.51
    network = TransformNet(Architecture(4, 1, 3))
    picture = rng.uniform(0, 255, (1, 16, 16, 3)).astype(np.float32)
    difference = np.asarray(network(picture, training=True)) - np.asarray(network(picture))
    assert 0 < np.abs(difference).max() < 30


def test_each_image_of_a_batch_is_stylized_by_itself(rng: np.random.Generator) -> None:
    network = TransformNet(Architecture(4, 1, 3))
    batch = rng.uniform(0, 255, (3, 16, 16, 3)).astype(np.float32)
    alone = np.concatenate([np.asarray(network(image[None])) for image in batch])
    np.testing.assert_allclose(np.asarray(network(batch)), alone, atol=1e-2)


def test_bad_architecture() -> None:
    with pytest.raises(UsageError, match="`end_kernel` odd and at most 15"):
        Architecture(4, 1, 4)
