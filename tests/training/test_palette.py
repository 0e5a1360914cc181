"""The palette loss against the metric that it lowers."""

import keras
import numpy as np
import pytest
from keras import ops

from mobile_style.media import images
from mobile_style.metrics import lab as exact_lab
from mobile_style.metrics import palette_distance
from mobile_style.network.catalog import bundled_photos, style_path
from mobile_style.training.palette import PaletteLoss, lab


def test_lab_of_known_colors() -> None:
    colors = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], np.uint8)
    known = [[0, 0, 0], [100, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]  # of the definition, by hand
    assert exact_lab(colors) == pytest.approx(np.array(known), abs=0.05)
    every = np.random.default_rng(0).integers(0, 256, (500, 3))
    assert ops.convert_to_numpy(lab(ops.convert_to_tensor(every, "float32"))) == pytest.approx(
        exact_lab(every), abs=1e-2
    )


def test_the_loss_is_lower_for_colors_that_are_nearer() -> None:
    painting = images.with_shorter_side(images.load(style_path("starry_night")), 96)
    photo = images.center_square(images.load(images.find([bundled_photos("held_out")])[0]), 96)
    mixed = [images.to_pixels(share * painting[:96, :96] + (1 - share) * photo) for share in (0.0, 0.5, 1.0)]
    losses = ops.convert_to_numpy(PaletteLoss(painting)(ops.convert_to_tensor(np.stack(mixed), "float32")))
    distances = [palette_distance(picture, painting) for picture in mixed]
    assert losses[0] > losses[1] > losses[2] and distances[0] > distances[1] > distances[2]
    assert palette_distance(painting, painting) == 0
    assert palette_distance(painting[::-1, ::-1], painting) == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_pixels_follow_the_gradient_to_the_palette() -> None:
    painting = images.with_shorter_side(images.load(style_path("starry_night")), 64)
    loss = PaletteLoss(painting)
    pixels = keras.Variable(np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)), dtype="float32")
    optimizer = keras.optimizers.Adam(8.0)

    class Pixels(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.pixels = pixels

        def call(self, x: object) -> object:
            return self.pixels + 0 * x

        def compute_loss(
            self, x: object = None, y: object = None, y_pred: object = None, *_: object, **__: object
        ) -> object:
            return ops.mean(loss(y_pred))

    model = Pixels()
    model.compile(optimizer, jit_compile=False)
    first = palette_distance(ops.convert_to_numpy(pixels)[0, 8:-8, 8:-8], painting)
    for _ in range(60):
        model.train_on_batch(np.zeros((1, 1, 1, 1), np.float32))
    assert palette_distance(np.clip(ops.convert_to_numpy(pixels)[0, 8:-8, 8:-8], 0, 255), painting) < first / 4


def test_each_quarter_is_compared() -> None:
    """Both halves of a picture may hold what the whole does, or each a part of it."""
    painting = np.concatenate([np.full((80, 40, 3), 40, np.uint8), np.full((80, 40, 3), 200, np.uint8)], axis=1)
    stripes = np.where((np.arange(80)[None, :, None] + 8) // 16 % 2, 200, 40) * np.ones((80, 1, 3))
    loss = PaletteLoss(painting)
    apart, mixed = (float(loss(ops.convert_to_tensor(picture[None], "float32"))[0]) for picture in (painting, stripes))
    assert mixed == pytest.approx(0, abs=0.1) and apart > 100


def test_a_rim_does_not_count() -> None:
    painting = images.center_square(images.load(style_path("starry_night")), 96)
    framed = painting.copy()
    framed[:8], framed[-8:], framed[:, :8], framed[:, -8:] = 0, 0, 0, 0
    loss = PaletteLoss(painting)
    inside, outside = (float(loss(ops.convert_to_tensor(p[None], "float32"))[0]) for p in (painting, framed))
    assert inside == outside
