import hashlib

import numpy as np
import pytest

from mobile_style.errors import UsageError
from mobile_style.media import images
from mobile_style.training import vgg16
from mobile_style.training.losses import (
    LossNetwork,
    PerceptualLoss,
    brightness,
    checkerboard,
    gram_matrix,
    squared_difference,
    total_variation,
)
from mobile_style.training.objective import OBJECTIVES, VGG16_LAYERS, Objective


def vgg16_by_hand(image: np.ndarray) -> dict[str, np.ndarray]:
    """VGG-16's features in float64, from the file's arrays and the definition of a convolution."""
    x = (image[..., ::-1].astype(np.float64) - (103.939, 116.779, 123.68)).transpose(2, 0, 1)  # BGR, channels first
    features = {}
    with np.load(vgg16.FILE) as arrays:
        for layer in VGG16_LAYERS:
            if layer.endswith("_1") and layer != "1_1":
                c, h, w = x.shape
                x = x.reshape(c, h // 2, 2, w // 2, 2).max((2, 4))
            kernel, bias = (arrays[f"conv{layer}.{part}"].astype(np.float64) for part in ("weight", "bias"))
            windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1))), (3, 3), (1, 2))
            x = np.maximum(np.einsum("chwij,ocij->ohw", windows, kernel, optimize=True) + bias[:, None, None], 0)
            features[layer] = x
    return features


def gram_by_hand(features: np.ndarray) -> np.ndarray:
    flat = features.reshape(len(features), -1)
    return flat @ flat.T / features.size


def test_the_weights_are_the_published_ones() -> None:
    assert hashlib.sha256(vgg16.FILE.read_bytes()).hexdigest() == vgg16.SHA256


def test_gram_matrix_by_hand() -> None:
    # Two channels over two pixels: (1, 2) and (3, 4); C*H*W = 4.
    features = np.array([[[[1.0, 3.0], [2.0, 4.0]]]], np.float32)
    np.testing.assert_allclose(gram_matrix(features)[0], np.array([[5, 11], [11, 25]]) / 4)


def test_squared_frobenius_norm_by_hand() -> None:
    a, b = np.array([[[1.0, 2.0], [2.0, 5.0]]], np.float32), np.zeros((1, 2, 2), np.float32)
    assert float(squared_difference(a, b, "sum")[0]) == 34 and float(squared_difference(a, b, "mean")[0]) == 8.5


def test_total_variation_by_hand() -> None:
    image = np.zeros((1, 2, 3, 3), np.float32)
    image[0, :, :, 0] = [[1, 4, 6], [0, 0, 0]]
    # down: 1 + 16 + 36, right: 9 + 4
    assert float(total_variation(image)[0]) == 66


def test_checkerboard_is_the_power_of_a_grid_and_hardly_anything_else() -> None:
    y, x = np.mgrid[:96, :104]  # eight columns more than whole windows
    for wave in (np.cos(np.pi * x), np.cos(np.pi / 2 * (x + y)), np.cos(np.pi / 2 * (x - 2 * y))):
        power = np.mean(np.square(6 * wave))
        colored = np.stack([6 * wave, -6 * wave, 0 * wave], axis=-1)  # no wave of the brightness
        assert float(checkerboard(100 + colored[None])[0]) == pytest.approx(2 / 3 * power)
        here = np.where(x < 32, 6 * wave, 0)[..., None] * np.ones(3)  # in one of three windows
        assert float(checkerboard(100 + here[None])[0]) == pytest.approx(power / 3)
    stripes = np.cos(2 * np.pi * (x + 2 * y) / 16)[..., None] * np.ones(3)  # strokes of another period
    assert float(checkerboard(100 + 60 * stripes[None])[0]) == pytest.approx(0, abs=1e-6)


def test_brightness_is_kept_where_light_and_dark_are_the_photos(astronaut: np.ndarray) -> None:
    photo = astronaut[:96, :104].astype(np.float32)
    assert float(brightness(0.9 * photo[None] + 40, photo[None])[0]) == pytest.approx(0, abs=1e-3)
    y, x = np.mgrid[:96, :104]
    strokes = 50 * np.cos(np.pi * (x + y) / 4)[..., None] * np.ones(3, np.float32)  # of 8 pixels
    colors = np.array([1, 0, -0.299 / 0.114], np.float32) * (x > 50)[..., None]  # as light as each other
    painted = (0.9 * photo + strokes + 30 * colors).astype(np.float32)
    assert float(brightness(painted[None], photo[None])[0]) < 0.1
    light = photo @ np.array([0.299, 0.587, 0.114], np.float32)
    blurred = light.reshape(12, 8, 13, 8).mean((1, 3))
    expected = np.var(1.9 * blurred)  # of the negative: 0.9 of the photo less -1 of it
    assert float(brightness(255 - photo[None], photo[None])[0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_features_and_losses_against_an_independent_implementation(rng: np.random.Generator) -> None:
    style, content, output = rng.uniform(0, 255, (3, 32, 32, 3)).astype(np.float32)
    ours, theirs = LossNetwork(VGG16_LAYERS)(output[None]), vgg16_by_hand(output)
    for layer in VGG16_LAYERS:
        np.testing.assert_allclose(
            ours[layer][0], theirs[layer].transpose(1, 2, 0), rtol=1e-3, atol=theirs[layer].max() * 1e-5
        )

    objective = OBJECTIVES["johnson"]
    perceptual = PerceptualLoss(objective, style)
    parts = perceptual.parts(output[None], perceptual.content_targets(content[None]))
    style_features, content_features = vgg16_by_hand(style), vgg16_by_hand(content)
    content_loss = np.mean((theirs["3_3"] - content_features["3_3"]) ** 2)
    style_loss = sum(
        np.mean((gram_by_hand(theirs[layer]) - gram_by_hand(style_features[layer])) ** 2)
        for layer in ("1_2", "2_2", "3_3", "4_3")
    )
    tv = np.sum(np.diff(output.astype(np.float64), axis=0) ** 2) + np.sum(
        np.diff(output.astype(np.float64), axis=1) ** 2
    )
    np.testing.assert_allclose(
        [float(parts[name][0]) for name in ("content", "style", "tv")], [content_loss, style_loss, tv], rtol=1e-3
    )
    total = content_loss + 5 * style_loss + 1e-6 * tv
    np.testing.assert_allclose(float(perceptual.total(parts)[0]), total, rtol=1e-3)


def test_bfloat16_is_near(rng: np.random.Generator, astronaut: np.ndarray) -> None:
    style, photo = rng.uniform(0, 255, (64, 64, 3)).astype(np.float32), images.center_square(astronaut, 64)[None]
    content, output = photo.astype(np.float32), 255 - photo.astype(np.float32)
    found = []
    for precision in ("float32", "bfloat16"):
        perceptual = PerceptualLoss(OBJECTIVES["johnson"], style, precision)
        parts = perceptual.parts(output, perceptual.content_targets(content))
        found.append([float(parts[name][0]) for name in ("content", "style")])
    np.testing.assert_allclose(found[1], found[0], rtol=0.03)
    assert found[1] != found[0]


def test_the_sum_is_of_the_gram_matrices_alone(rng: np.random.Generator) -> None:
    style, content, output = rng.uniform(0, 255, (3, 16, 16, 3)).astype(np.float32)
    perceptual = PerceptualLoss(OBJECTIVES["olaralex-blog"], style)
    parts = perceptual.parts(output[None], perceptual.content_targets(content[None]))
    ours, theirs, painting = vgg16_by_hand(output), vgg16_by_hand(content), vgg16_by_hand(style)
    layers = OBJECTIVES["olaralex-blog"].style_layers
    style_loss = sum(np.sum((gram_by_hand(ours[n]) - gram_by_hand(painting[n])) ** 2) for n in layers)
    np.testing.assert_allclose(float(parts["content"][0]), np.mean((ours["2_2"] - theirs["2_2"]) ** 2), rtol=1e-3)
    np.testing.assert_allclose(float(parts["style"][0]), style_loss, rtol=1e-3)


def test_an_image_has_no_loss_against_itself(rng: np.random.Generator) -> None:
    image = rng.uniform(0, 255, (32, 32, 3)).astype(np.float32)
    for objective in OBJECTIVES.values():
        perceptual = PerceptualLoss(objective, image)
        parts = perceptual.parts(image[None], perceptual.content_targets(image[None]))
        scale = {
            name: float(np.asarray(v)[0])
            for name, v in perceptual.parts(255 - image[None], perceptual.content_targets(image[None])).items()
        }
        assert (
            float(parts["content"][0]) <= 1e-6 * scale["content"] and float(parts["style"][0]) <= 1e-6 * scale["style"]
        )


def test_the_blogs_style_loss_is_blind_and_the_preset_is_not() -> None:
    """What docs/losses.md says was wrong: d^T d in place of d * d, and a second division."""
    d = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert np.sum(d.T @ d) == 0 and (d.T @ d)[0, 1] == -2  # blind to this difference, by negative terms
    objective = OBJECTIVES["olaralex-blog"]
    corrected = squared_difference(d[None], np.zeros_like(d)[None], objective.reduction)
    assert float(corrected[0]) == 4 == np.sum(d * d)


def test_bad_objectives() -> None:
    with pytest.raises(UsageError, match="no layer '5_1'"):
        Objective(style_layers=("5_1",))
    with pytest.raises(UsageError, match="negative"):
        Objective(style_weight=-1)
