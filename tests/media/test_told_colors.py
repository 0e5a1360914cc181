"""Files that tell their colors by numbers: gamma and primaries, or code points."""

from pathlib import Path

import numpy as np
import pytest

from mobile_style import metrics
from mobile_style.media import images
from mobile_style.media.decoding import decode
from mobile_style.media.told_colors import PRIMARIES, to_xyz
from picture_files import gamma, png, primaries

P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
WIDE_D50 = (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)  # ProPhoto RGB


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def test_the_gamma_of_srgb_changes_nothing(photo: np.ndarray, tmp_path: Path) -> None:
    for chunks in ((gamma(0.45455),), (gamma(0.45455), primaries(PRIMARIES)), (gamma(1), (b"sRGB", b"\0"))):
        (tmp_path / "photo.png").write_bytes(png(photo, *chunks))
        assert np.array_equal(images.load(tmp_path / "photo.png"), photo)


@pytest.mark.parametrize("told", [1.0, 1 / 1.8])
def test_light_that_a_file_holds_is_encoded_as_srgb(told: float, photo: np.ndarray, tmp_path: Path) -> None:
    light = (photo / 255) ** (1 / told)
    expected = 255 * np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    (tmp_path / "photo.png").write_bytes(png(photo, gamma(told)))
    np.testing.assert_allclose(images.load(tmp_path / "photo.png"), expected, atol=0.51)


def test_light_adds_up_as_in_srgb_and_white_stays_white() -> None:
    np.testing.assert_allclose(to_xyz(PRIMARIES).T / (0.9505, 1.0, 1.089), metrics.XYZ, atol=1e-3)
    for whites in (PRIMARIES, P3, WIDE_D50):  # white stays white
        np.testing.assert_allclose(to_xyz(whites) @ np.ones(3), to_xyz(PRIMARIES) @ np.ones(3), atol=1e-9)


def test_wider_primaries_are_more_saturated(tmp_path: Path) -> None:
    muted = np.full((8, 8, 3), (160, 120, 120), np.uint8)
    (tmp_path / "photo.png").write_bytes(png(muted, gamma(0.45455), primaries(P3)))
    seen = images.load(tmp_path / "photo.png")[0, 0]
    # Linear light of Display P3 in sRGB (CSS Color 4, section 19): red 1.2249 r - 0.2247 g, green -0.0420 r + 1.0419 g.
    light = ((np.array([160, 120, 120]) / 255 + 0.055) / 1.055) ** 2.4
    expected = np.array([1.2249 * light[0] - 0.2247 * light[1], -0.0420 * light[0] + 1.0419 * light[1]])
    np.testing.assert_allclose(seen[:2], 255 * (1.055 * expected ** (1 / 2.4) - 0.055), atol=1)
    assert seen[0] - int(seen[1]) > 160 - 120


@pytest.mark.parametrize("chunks", [(gamma(0),), (primaries((0,) * 8),), (primaries((0.3,) * 8),), (gamma(42_000),)])
def test_colors_that_cannot_be_are_left_alone(
    chunks: tuple[tuple[bytes, bytes], ...], photo: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "photo.png").write_bytes(png(photo, *chunks))
    assert np.array_equal(images.load(tmp_path / "photo.png"), photo)


@pytest.mark.parametrize("chunk", [gamma(1.0), primaries(P3), (b"tRNS", bytes((0, 160, 0, 120, 0, 120)))])
def test_what_lies_behind_the_pixels_tells_no_colors(chunk: tuple[bytes, bytes]) -> None:
    pixels = np.full((8, 8, 3), (160, 120, 120), np.uint8)
    plain, told = png(pixels), png(pixels, chunk)
    length, end = len(told) - len(plain), len(plain) - 12
    (page,) = decode(plain[:end] + told[33 : 33 + length] + plain[end:])
    assert page.alpha is None and np.array_equal(page.pixels, pixels)
    (page,) = decode(told)
    assert page.alpha is not None or not np.array_equal(page.pixels, pixels)
