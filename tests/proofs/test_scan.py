"""What is said of a painting's picture."""

import numpy as np
import pytest

from mobile_style.media import images
from mobile_style.network.catalog import style_path
from mobile_style.proofs.scan import frameless, remarks

PAINTING = images.resized(images.load(style_path("starry_night")), 240, 360)


def kinds(painting: np.ndarray) -> list[str]:
    return [remark.kind for remark in remarks(painting)]


def framed(painting: np.ndarray, sides: tuple[int, int, int, int], rng: np.random.Generator) -> np.ndarray:
    """With paper of some grain around it: top, bottom, left, right, in pixels."""
    height, width = painting.shape[0] + sides[0] + sides[1], painting.shape[1] + sides[2] + sides[3]
    whole = images.to_pixels(rng.normal(230, 2, (height, width, 3)))
    whole[sides[0] : height - sides[1], sides[2] : width - sides[3]] = painting
    return whole


@pytest.mark.parametrize("sides", [(20, 30, 25, 15), (12, 12, 0, 0), (0, 0, 40, 40), (60, 60, 60, 60)])
def test_a_frame_is_cut_away_and_hardly_more(sides: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    left, top, width, height = map(int, frameless(framed(PAINTING, sides, rng)).split(","))
    cut = (top, 240 + sides[0] + sides[1] - top - height, left, 360 + sides[2] + sides[3] - left - width)
    assert all(side <= found <= side + 4 for side, found in zip(sides, cut, strict=True)), cut


def test_a_molding_is_a_frame_too(rng: np.random.Generator) -> None:
    whole = framed(PAINTING, (24, 24, 24, 24), rng)
    for depth in range(24):  # gold that is lighter and darker along its profile, mitered at the corners
        gold = np.array([200, 160, 60]) * (0.6 + 0.4 * np.sin(depth / 3))
        whole[depth, depth : whole.shape[1] - depth] = whole[-1 - depth, depth : whole.shape[1] - depth] = gold
        whole[depth : len(whole) - depth, depth] = whole[depth : len(whole) - depth, -1 - depth] = gold
    left, top, width, height = map(int, frameless(whole).split(","))
    assert 24 <= left <= 28 and 24 <= top <= 28 and 352 <= width <= 360 and 232 <= height <= 240


def test_a_part_is_told_in_the_whole_pictures_pixels(rng: np.random.Generator) -> None:
    whole = framed(PAINTING, (20, 20, 20, 20), rng)
    first, second = (list(map(int, frameless(whole, *at).split(","))) for at in ((0, 0), (100, 50)))
    assert second == [first[0] + 100, first[1] + 50, *first[2:]]
    assert f"`style_crop={','.join(map(str, first))}`" in remarks(whole)[0].text


def test_no_frame_where_there_is_none(rng: np.random.Generator) -> None:
    assert frameless(PAINTING) == ""
    assert frameless(framed(PAINTING, (40, 0, 0, 0), rng)) == ""  # a sky, say
    assert frameless(np.full((100, 100, 3), 90, np.uint8)) == ""  # nothing but one color


def test_pale_and_narrow_palettes_are_named(rng: np.random.Generator) -> None:
    vivid = rng.choice([0, 255], (400, 400, 3)).astype(np.uint8)
    assert kinds(vivid) == []
    assert kinds(vivid[..., :1].repeat(3, axis=2)) == ["colors"]
    assert kinds(images.to_pixels(0.1 * vivid + 100)) == ["contrast", "colors"]
    blue_to_yellow = np.linspace([10, 10, 90], [255, 240, 120], 3600).reshape(60, 60, 3)
    (said,) = remarks(images.to_pixels(blue_to_yellow))
    assert "two hues" in said.text
