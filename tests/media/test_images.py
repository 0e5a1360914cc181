from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mobile_style.errors import ImageError, OutputError
from mobile_style.media import images
from picture_files import bad_files


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (20, 30, 3), np.uint8)


def test_png_round_trip(tmp_path: Path, picture: np.ndarray) -> None:
    images.save(picture, tmp_path / "a.png")
    np.testing.assert_array_equal(images.load(tmp_path / "a.png"), picture)


def test_every_mode_becomes_rgb(tmp_path: Path) -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected = np.repeat(gray[..., None], 3, 2)
    modes = {
        "L": Image.fromarray(gray),
        "LA": Image.fromarray(gray).convert("LA"),
        "P": Image.fromarray(gray).convert("P"),
        "RGBA": Image.fromarray(expected).convert("RGBA"),
        "I;16": Image.fromarray(gray.astype(np.uint16) * 257),
        "I": Image.fromarray(gray.astype(np.int32) * 257),  # from here on, PNG does not hold them
        "F": Image.fromarray(gray / np.float32(255)),
        "F of 0 to 255": Image.fromarray(gray.astype(np.float32)),
    }
    for mode, image in modes.items():
        path = tmp_path / f"{mode.replace(';', '')}.{'tif' if image.mode in 'IF' else 'png'}"
        image.save(path)
        np.testing.assert_array_equal(images.load(path), expected, err_msg=mode)
    one_bit = tmp_path / "1.png"
    Image.fromarray(gray > 127).save(one_bit)
    np.testing.assert_array_equal(images.load(one_bit)[..., 1], (gray > 127) * 255)


def test_hidden_folders_are_left_out(tmp_path: Path, picture: np.ndarray) -> None:
    for place in ("a.png", "sub/b.png", ".bin/c.png", "sub/.thumbnails/d.png", "sub/.e.png"):
        images.save(picture, tmp_path / place)
    assert [path.name for path in images.find([tmp_path])] == ["a.png", "b.png"]


def test_links_are_followed_once(tmp_path: Path, picture: np.ndarray) -> None:
    images.save(picture, tmp_path / "elsewhere" / "a.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "photos")
    assert images.find([tmp_path / "photos"]) == [tmp_path / "photos" / "more" / "a.png"]


def test_a_channel_in_which_nothing_is_transparent(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture).convert("RGBA").save(tmp_path / "a.png")
    rgb, alpha = images.load_with_alpha(tmp_path / "a.png")
    assert alpha is None
    np.testing.assert_array_equal(rgb, picture)


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=100)
    red = images.load(tmp_path / "red.jpg")[4, 4].astype(int)
    assert red[0] > 200 and red[1] < 60 and red[2] < 60


def test_exif_orientation_is_applied(tmp_path: Path, picture: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90 degrees clockwise
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(images.load(tmp_path / "a.png"), np.rot90(picture, -1))


def test_color_profile_becomes_srgb(tmp_path: Path) -> None:
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")  # red is green's
    Image.new("RGB", (4, 4), (10, 200, 30)).save(tmp_path / "a.png", icc_profile=swapped)
    assert abs(images.load(tmp_path / "a.png")[0, 0].astype(int) - (200, 10, 30)).max() <= 1


def test_a_broken_color_profile_is_ignored(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (10, 200, 30)).save(tmp_path / "a.png", icc_profile=b"broken")
    assert tuple(images.load(tmp_path / "a.png")[0, 0]) == (10, 200, 30)


def test_transparency_is_kept_apart_or_laid_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "a.png")
    rgb, alpha = images.load_with_alpha(tmp_path / "a.png")
    assert tuple(rgb[0, 0]) == (255, 0, 0) and alpha is not None and alpha.max() == 0
    assert images.load(tmp_path / "a.png").min() == 255


@pytest.mark.slow
def test_bad_files_are_named_with_what_is_wrong(tmp_path: Path) -> None:
    for path, message in bad_files(tmp_path).items():
        with pytest.raises(ImageError, match=message) as caught:
            images.load(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_one_pixel(tmp_path: Path) -> None:
    images.save(np.full((1, 1, 3), 7, np.uint8), tmp_path / "a.png")
    assert images.load(tmp_path / "a.png").shape == (1, 1, 3)
    assert images.with_shorter_side(images.load(tmp_path / "a.png"), 32).shape == (32, 32, 3)


def test_sizes(picture: np.ndarray) -> None:
    assert images.with_shorter_side(picture, 40).shape == (40, 60, 3)
    assert images.center_square(picture, 10).shape == (10, 10, 3)
    assert images.grid([[picture, picture], [picture]]).shape == (44, 64, 3)


def test_save_refuses_what_the_format_cannot_hold(tmp_path: Path, picture: np.ndarray) -> None:
    with pytest.raises(OutputError, match="transparency"):
        images.save(picture, tmp_path / "a.jpg", np.zeros(picture.shape[:2], np.uint8))
    with pytest.raises(OutputError, match=r"\.xyz"):
        images.save(picture, tmp_path / "a.xyz")
    assert not list(tmp_path.iterdir())
