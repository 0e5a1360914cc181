"""Damages at a place, which cost hardly any PSNR, and what the gate says of them."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from mobile_style import metrics
from mobile_style.exporting import runtimes
from mobile_style.exporting.recipes import Gate, find_recipe
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.network.catalog import BUNDLED, bundled_photos, model_path
from mobile_style.validation.figures import Figures, Measured
from mobile_style.validation.gate import failures

BLACK, MAGENTA, GREEN = (0, 0, 0), (255, 0, 255), (0, 200, 0)
FILES = {"int8.tflite": ("tflite", "int8"), "float16.tflite": ("tflite", "float16")}
STYLES = sorted(path.parent.name for path in BUNDLED.glob("*/int8.tflite"))

FOREIGN = f"foreign color in {metrics.FOREIGN} pixels"

Pictures = list[np.ndarray]


@cache
def painted(style: str, file: str) -> tuple[Pictures, Pictures]:
    """What the float network and its bundled export make of the held-out photos."""
    network, _ = load_network(model_path(style))
    runner = runtimes.load(BUNDLED / style / file)
    photos = [images.center_square(images.load(path), 256) for path in images.find([bundled_photos("held_out")])]
    return [images.to_pixels(network(photo)) for photo in photos], [runner(photo) for photo in photos]


def found(gate: Gate, expected: Pictures, outputs: Pictures) -> set[str]:
    """The limits that places break; losses, borders and grids are taken for kept."""
    all_photos = Measured("", "{}")
    for a, b in zip(expected, outputs, strict=True):
        places = {"psnr": metrics.psnr(a, b), "block": metrics.block(a, b), "line": metrics.line(b.astype(int) - a)}
        all_photos.rows.append(Figures("photo", constant=False, **places, **dict.fromkeys(REST, 1.0)))
        all_photos.add(a, b)
    return {failure.metric for failure in failures(gate, all_photos.rows, all_photos.mean, all_photos.fixed)}


REST = [name for name in Figures.__dataclass_fields__ if name not in ("photo", "psnr", "block", "line", "constant")]


def square(side: int, color: tuple[int, int, int], top: int, left: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(picture: np.ndarray) -> np.ndarray:
        picture[top : top + side, left : left + side] = color
        return picture

    return change


def lighter(side: int, levels: int, top: int, left: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(picture: np.ndarray) -> np.ndarray:
        inside = picture[top : top + side, left : left + side]
        inside[:] = np.clip(inside.astype(int) + levels, 0, 255)
        return picture

    return change


def row(number: int, levels: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(picture: np.ndarray) -> np.ndarray:
        picture[number] = np.clip(picture[number].astype(int) + levels, 0, 255)
        return picture

    return change


def plus(pattern: Callable[[int, int], float], side: int, top: int, left: int) -> Callable[[np.ndarray], np.ndarray]:
    """Adds what a pattern tells of each place in a square."""
    levels = np.rint([[pattern(y, x) for x in range(side)] for y in range(side)])[..., None]

    def change(picture: np.ndarray) -> np.ndarray:
        inside = picture[top : top + side, left : left + side]
        inside[:] = np.clip(inside.astype(int) + levels, 0, 255)
        return picture

    return change


def curve(of: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda picture: np.rint(np.clip(of(picture.astype(float)), 0, 255)).astype(np.uint8)


def turned_hue(degrees: float) -> Callable[[np.ndarray], np.ndarray]:
    """Turns all colors around the gray axis."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3**0.5
    turn = cosine * np.eye(3) + (1 - cosine) / 3 + sine * across
    return curve(lambda x: x @ turn.T)


def swapped(first: int, second: int, side: int, top: int, left: int) -> Callable[[np.ndarray], np.ndarray]:
    """Exchanges two channels in a square."""

    def change(picture: np.ndarray) -> np.ndarray:
        inside = picture[top : top + side, left : left + side]
        inside[..., [first, second]] = inside[..., [second, first]]
        return picture

    return change


def sharper(strength: float, side: int, top: int, left: int) -> Callable[[np.ndarray], np.ndarray]:
    """Adds, in a square, a multiple of what a blur over 3 x 3 pixels takes away; -1 is that blur."""

    def change(picture: np.ndarray) -> np.ndarray:
        inside = picture[top : top + side, left : left + side]
        around = np.pad(inside.astype(float), ((1, 1), (1, 1), (0, 0)), mode="edge")
        blurred = sum(around[y : y + side, x : x + side] for y in range(3) for x in range(3)) / 9
        inside[:] = np.rint(np.clip(inside + strength * (inside - blurred), 0, 255))
        return picture

    return change


def grain(levels: float, side: int, top: int, left: int) -> Callable[[np.ndarray], np.ndarray]:
    """Adds noise of that standard deviation to a square, in each picture another."""
    generator = np.random.default_rng(0)

    def change(picture: np.ndarray) -> np.ndarray:
        inside = picture[top : top + side, left : left + side]
        inside[:] = np.rint(np.clip(inside + generator.normal(0, levels, (side, side, 1)), 0, 255))
        return picture

    return change


def column(number: int, levels: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(picture: np.ndarray) -> np.ndarray:
        return row(number, levels)(picture.transpose(1, 0, 2)).transpose(1, 0, 2)

    return change


def channel(number: int, levels: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(picture: np.ndarray) -> np.ndarray:
        picture[..., number] = np.clip(picture[..., number].astype(int) + levels, 0, 255)
        return picture

    return change


def cloud(y: float, x: float) -> float:
    return float(8 * np.exp(-(y**2 + x**2) / (2 * 16**2)))


DAMAGES: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "black square": ("worst block", square(6, BLACK, 100, 120)),
    "magenta square": ("worst block", square(4, MAGENTA, 61, 93)),
    "magenta corner": ("worst block", square(4, MAGENTA, 252, 252)),
    "green square": ("worst block", square(5, GREEN, 1, 130)),
    "row": ("fixed row or column", row(77, 24)),
    "dark row": ("fixed row or column", row(255, -24)),
    "column": ("fixed row or column", column(0, 24)),
    "brighter square": ("fixed spot of 16 pixels", lighter(20, 12, 90, 40)),
    "darker quarter": ("fixed spot of 32 pixels", lighter(64, -9, 20, 150)),
    "checkerboard": ("fixed pattern in 16 pixels", plus(lambda y, x: 12 * (-1) ** (y + x), 16, 60, 60)),
    "coarse checkerboard": ("fixed pattern in 16 pixels", plus(lambda y, x: 8 * (-1) ** (y // 4 + x // 4), 64, 90, 9)),
    "diagonal line": ("fixed pattern in 16 pixels", plus(lambda y, x: 30 * (y == x), 256, 0, 0)),
    "hatching": ("fixed pattern in 16 pixels", plus(lambda y, x: 10 - 5 * ((y + x) % 5), 40, 200, 180)),
    "more green": ("tint", channel(1, 2)),
    "less red": ("tint", channel(0, -2)),
    "less contrast": ("tone", curve(lambda x: 128 + 0.94 * (x - 128))),
    "less saturation": ("tone", curve(lambda x: 0.88 * x + 0.12 * x.mean(axis=2, keepdims=True))),
    "another gamma": ("tone", curve(lambda x: 255 * (x / 255) ** 1.05)),
    "another hue": ("color", turned_hue(8)),
    "green and blue exchanged": (FOREIGN, swapped(1, 2, 10, 60, 150)),
    "red and blue exchanged": (FOREIGN, swapped(0, 2, 10, 100, 120)),
    "blurred square": ("change of the detail", sharper(-1, 24, 90, 90)),
    "sharpened square": ("change of the detail", sharper(0.6, 40, 120, 30)),
    "noise in a square": ("change of the detail", grain(16, 48, 100, 60)),
    "cloud": ("fixed pattern in 64 pixels", plus(lambda y, x: cloud(y - 120, x - 140), 256, 0, 0)),
    "ripple": ("fixed pattern in 256 pixels", plus(lambda y, x: 3 * np.sin(x / 10), 256, 0, 0)),
    "gradient": ("fixed pattern in 256 pixels", plus(lambda y, x: (x - 128) / 40, 256, 0, 0)),
    "ring": (
        "fixed pattern in 256 pixels",
        plus(lambda y, x: 6 * (abs(np.hypot(y - 128, x - 128) - 60) < 4), 256, 0, 0),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("style", "file"),
    [(style, "int8.tflite") for style in STYLES] + [(style, "float16.tflite") for style in STYLES[::4]],
)
def test_a_damage_in_every_picture_fails_for_its_reason(style: str, file: str) -> None:
    gate, (expected, outputs) = find_recipe(*FILES[file]).gate, painted(style, file)
    assert not found(gate, expected, outputs)
    expected, outputs = expected[:4], outputs[:4]
    for name, (reason, change) in DAMAGES.items():
        spoiled = [change(output.copy()) for output in outputs]
        assert reason in found(gate, expected, spoiled), name


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_a_damage_in_one_picture_fails(style: str, rng: np.random.Generator) -> None:
    gate, (expected, outputs) = find_recipe("tflite", "int8").gate, painted(style, "int8.tflite")
    for _ in range(20):
        side = int(rng.integers(4, 12))
        top, left, at = rng.integers(0, 256 - side), rng.integers(0, 256 - side), rng.integers(len(outputs))
        one = square(side, MAGENTA, top, left)(outputs[at].copy())
        assert found(gate, [expected[at]], [one]) >= {"worst block"}, (side, top, left, at)
        levels = 32 if outputs[at][top].mean() < 128 else -32  # which the picture has room for
        one = row(int(top), levels)(outputs[at].copy())
        assert found(gate, [expected[at]], [one]) >= {"worst row or column"}, (top, at)


def test_a_moved_stroke_is_no_foreign_color() -> None:
    picture = np.full((32, 32, 3), 90, np.uint8)
    picture[:, 10:14] = 200
    assert metrics.block(picture, np.roll(picture, 3, axis=1)) == 0
    assert metrics.block(picture, np.roll(picture, 9, axis=1)) == 110


def test_foreign_colors_by_hand() -> None:
    picture = np.full((32, 32, 3), (10, 20, 90), np.uint8)
    picture[::2] = 200, 210, 220
    assert not metrics.foreign(picture, np.roll(picture, 1, axis=0)).any()
    output = picture.copy()
    output[10, 12] = 10, 150, 90  # each channel has such values nearby
    assert metrics.block(picture, output) == 0
    assert metrics.foreign(picture, output)[10, 12].tolist() == [0, 0, 0, 0, 130, 70]


def test_textures_by_hand() -> None:
    difference = np.zeros((32, 40, 3))
    difference[:, :, 0] = 7  # flat
    assert metrics.texture(difference, np.zeros_like(difference), 16) == 0
    difference[8:24, 8:24, 2] = 6 * (-1) ** np.add.outer(np.arange(16), np.arange(16))
    assert metrics.texture(difference, np.zeros_like(difference), 16) == pytest.approx(6)
    assert metrics.texture(difference, np.full_like(difference, 20), 16) == pytest.approx(4)
    assert metrics.texture(difference, np.zeros_like(difference), 64) == pytest.approx(3)  # a quarter of 32 x 32
    assert metrics.texture(difference[:1], np.zeros((1, 40, 3)), 16) == 0


def test_detail_by_hand() -> None:
    picture = np.full((32, 32, 3), 100, np.uint8)
    assert metrics.detail(metrics.roughness(picture), metrics.roughness(picture)) == 0
    coarse, fine = picture.copy(), picture.copy()
    coarse[:] += (27 * (np.indices((32, 32)).sum(axis=0) % 2)[..., None]).astype(np.uint8)
    fine[:] += (9 * (np.indices((32, 32)).sum(axis=0) % 2)[..., None]).astype(np.uint8)
    assert metrics.roughness(coarse)[16, 16, 0] == pytest.approx(12**2)  # of 9 pixels 5 are like the one in the middle
    expected, output = (12**2 + metrics.FAINT**2) ** 0.5, (4**2 + metrics.FAINT**2) ** 0.5
    assert metrics.detail(metrics.roughness(coarse), metrics.roughness(fine)) == pytest.approx(
        1 - output / expected, abs=0.02
    )
    faint = picture.copy()
    faint[::2, ::2] += 1
    assert metrics.detail(metrics.roughness(picture), metrics.roughness(faint)) < 0.02


def test_colors_by_hand() -> None:
    expected = np.zeros((20, 20, 3), np.uint8)
    expected[:10] = 200, 90, 30
    expected[10:] = 90, 200, 30
    output = expected.copy()
    output[:10, :, 2], output[10:, :, 2] = 34, 26  # blue is as much higher here as it is lower there
    sums, values = metrics.colors(expected, output), metrics.tones(expected, output)
    assert sums.shape == (2, 3, metrics.COLORS**3) and metrics.tone(values) == 0 and metrics.color(sums) == 4
    output = expected.copy()
    output[0, :3] = 0
    assert metrics.color(metrics.colors(expected, output)) == pytest.approx(200 * 3 / 200)
    expected[0, :3] = 250  # a color of less than a hundredth of the pixels
    assert metrics.color(metrics.colors(expected, output)) == 0


def test_tones_by_hand() -> None:
    expected = np.repeat(np.arange(0, 256, 2, dtype=np.uint8), 6).reshape(16, 16, 3)
    assert metrics.tone(metrics.tones(expected, expected)) == 0
    clipped = np.minimum(expected, 240)
    sums = metrics.tones(expected, clipped)
    assert sums.shape == (2, 3, metrics.TONES) and (sums[1] == 32).all()
    assert metrics.tone(sums) == pytest.approx(
        np.mean(np.arange(224, 256, 2) - np.minimum(np.arange(224, 256, 2), 240))
    )
    rare = np.zeros((40, 40, 3), np.uint8)
    rare[0, :7] = 255
    assert metrics.tone(metrics.tones(rare, np.zeros_like(rare))) == 0
    rare[0, :8] = 255
    assert metrics.tone(metrics.tones(rare, np.zeros_like(rare))) == 255


def test_scores_of_places_by_hand() -> None:
    difference = np.zeros((16, 12, 3))
    difference[3:5, 5:9, 1] = -8
    assert metrics.spot(difference) == 4 and metrics.line(difference) == pytest.approx(8 * 4 / 12)
    assert metrics.tint(difference) == pytest.approx(8 * 8 / (16 * 12))
    assert metrics.spot(difference, 8) == 1 and metrics.spot(difference, 32) == pytest.approx(8 * 8 / 12**2)
    black = np.zeros((16, 12, 3), np.uint8)
    spotted = black.copy()
    spotted[0:4, 8:12, 2] = 40
    assert metrics.block(black, spotted) == 40 and metrics.block(black, black) == 0
