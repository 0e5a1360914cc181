"""Strokes that are broader than the network's own."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import run
from mobile_style import stylize
from mobile_style.errors import UsageError
from mobile_style.metrics import psnr
from mobile_style.painting import enlarge
from mobile_style.painting.stylize import Painter


def halved(picture: np.ndarray) -> np.ndarray:
    return enlarge.reduced(picture, (picture.shape[0] // 2, picture.shape[1] // 2))


def enlarged(photo: np.ndarray, small: np.ndarray, painted: np.ndarray) -> np.ndarray:
    return np.concatenate([band for _, band in enlarge.enlarged_bands(photo, small, painted)])


def test_the_photos_edges_come_back(astronaut: np.ndarray) -> None:
    photo = astronaut[:200, :240]
    small = halved(photo)
    painted = 255 - small  # follows the photo everywhere, the other way round
    soft = np.asarray(Image.fromarray(painted).resize(photo.shape[1::-1], Image.Resampling.LANCZOS))
    assert psnr(enlarged(photo, small, painted), 255 - photo) > psnr(soft, 255 - photo) + 3


def test_a_painting_of_its_own_gets_no_edges(astronaut: np.ndarray) -> None:
    photo = astronaut[:200, :240]
    painted = np.full((100, 120, 3), 90, np.uint8)
    np.testing.assert_allclose(enlarged(photo, halved(photo), painted), 90, atol=1)


def test_bands_have_no_seams(astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, small = astronaut[:151, :121], halved(astronaut[:151, :121])
    whole = enlarged(photo, small, small[::-1])
    monkeypatch.setattr(enlarge, "ROWS", 16)
    for again, before in ((halved(photo), small), (enlarged(photo, small, small[::-1]), whole)):
        apart = np.abs(again.astype(int) - before)  # where a window begins decides how its weights are rounded
        assert apart.max() <= 1 and apart.mean() < 1e-3


def test_broad_strokes_are_those_of_the_smaller_picture(astronaut: np.ndarray) -> None:
    photo = astronaut[:300, :240]
    painted = stylize(photo, "udnie", stroke_width=2)
    assert painted.shape == photo.shape
    assert psnr(halved(painted), stylize(halved(photo), "udnie")) > 26
    assert psnr(painted, stylize(photo, "udnie")) < 20
    again = photo.copy()
    Painter("udnie", stroke_width=2).paint_over(again)
    np.testing.assert_array_equal(again, painted)
    kept = stylize(photo, "udnie", stroke_width=2, preserve_color=True, strength=0.5)
    assert psnr(kept, photo) > psnr(painted, photo) + 4


def test_the_size_decides() -> None:
    paint = Painter("udnie")
    sizes = {(540, 2000): (540, 2000), (1080, 1920): (540, 960), (3000, 4000): (1000, 1333), (1, 9): (1, 9)}
    assert {size: paint.painted_size(np.empty((*size, 3), np.uint8)) for size in sizes} == sizes
    assert Painter("udnie", stroke_width=1).painted_size(np.empty((3000, 4000, 3), np.uint8)) == (3000, 4000)


def test_a_width_that_cannot_be(tmp_path: Path) -> None:
    for width in (0.5, 9, float("nan")):
        with pytest.raises(UsageError, match="`stroke_width` must be from 1 to 8"):
            Painter("udnie", stroke_width=width)
    result = run("stylize", tmp_path, "--stroke-width", 0, cwd=tmp_path)
    assert result.returncode and "--stroke-width must be from 1 to 8, not 0" in result.stderr
