"""Colors that PNG, AVIF and HEIC files tell by code points of ITU-T H.273."""

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from mobile_style.media import animation, images
from mobile_style.media.decoding import decode
from mobile_style.media.heads import code_points
from picture_files import gamma, png, primaries

MUTED = (160, 120, 120)
P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def cicp(*numbers: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes(numbers)


def avif(pixels: np.ndarray, told: tuple[int, int] = (1, 13), **options: object) -> bytes:
    """A file whose box colr has these numbers in place of those that Pillow writes."""
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "AVIF", quality=100, subsampling="4:4:4", **options)
        content = file.getvalue()
    place = content.index(b"colrnclx") + 8
    return content[:place] + bytes((0, told[0], 0, told[1])) + content[place + 4 :]


def flat(color: tuple[int, int, int]) -> np.ndarray:
    return np.full((16, 16, 3), color, np.uint8)


def seen(content: bytes) -> np.ndarray:
    return images.load(content).reshape(-1, 3).mean(axis=0)


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


@pytest.mark.parametrize("transfer", [1, 6, 13, 14, 15])
def test_colors_of_srgb_stay_and_outrank_the_rest_of_a_png(transfer: int, photo: np.ndarray) -> None:
    more = (gamma(1.0), primaries(P3))
    assert np.array_equal(images.load(png(photo, cicp(1, transfer, 0, 1), *more)), photo)
    assert np.array_equal(images.load(png(photo, cicp(2, transfer, 0, 1))), photo)


def test_code_points_outrank_the_profile_of_a_png_but_not_of_an_avif(photo: np.ndarray) -> None:
    lab = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = (128 + lab[128:].index(name) for name in (b"rXYZ", b"bXYZ"))
    lab[red : red + 4], lab[blue : blue + 4] = b"bXYZ", b"rXYZ"
    with io.BytesIO() as file:
        Image.fromarray(photo).save(file, "PNG", icc_profile=bytes(lab))
        content = file.getvalue()
    assert np.abs(images.load(content).astype(int) - photo).mean() > 20
    told = png(photo, cicp(1, 13, 0, 1))[33:49]
    assert np.array_equal(images.load(content[:33] + told + content[33:]), photo)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_allclose(seen(avif(flat(MUTED), (9, 16), icc_profile=srgb)), MUTED, atol=2)


@pytest.mark.parametrize("make", ["png", "avif"])
def test_wide_primaries(make: str) -> None:
    def told(number: int) -> np.ndarray:
        return seen(avif(flat(MUTED), (number, 13)) if make == "avif" else png(flat(MUTED), cicp(number, 13, 0, 1)))

    same = seen(png(flat(MUTED), gamma(0.45455), primaries(P3)))
    np.testing.assert_allclose(told(12), same, atol=1 if make == "png" else 3)
    assert MUTED[0] + 4 < told(12)[0] < told(9)[0] - 4  # the wider, the more saturated
    np.testing.assert_allclose(told(11), told(12), atol=3)  # but for the white
    np.testing.assert_allclose(told(1), MUTED, atol=2)


@pytest.mark.parametrize(("transfer", "exponent"), [(8, 1), (4, 2.2), (5, 2.8)])
@pytest.mark.parametrize("number", [1, 12])
def test_powers_of_the_light(transfer: int, exponent: float, number: int) -> None:
    light = (120 / 255) ** exponent
    expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(seen(png(flat((120,) * 3), cicp(number, transfer, 0, 1))), expected, atol=0.6)
    np.testing.assert_allclose(seen(avif(flat((120,) * 3), (number, transfer))), expected, atol=2)


@pytest.mark.parametrize(("transfer", "gray", "white"), [(16, 0.38, 0.58), (18, 0.38, 0.75)])
def test_high_dynamic_range(transfer: int, gray: float, white: float) -> None:
    """ITU-R BT.2408, table 1: a gray card, 26 cd/m², and reference white, 203, have these values in PQ and in HLG."""
    card = 255 * (1.055 * (26 / 203) ** (1 / 2.4) - 0.055)
    for level, expected in ((0.0, 0), (gray, card), (white, 255), (1.0, 255)):
        level = round(255 * level)
        np.testing.assert_allclose(seen(png(flat((level,) * 3), cicp(9, transfer, 0, 1))), expected, atol=3)
        np.testing.assert_allclose(seen(avif(flat((level,) * 3), (9, transfer))), expected, atol=5)
    lamp = seen(png(flat((230, 190, 120)), cicp(1, transfer, 0, 1)))  # far above white, and orange still
    assert lamp[0] == 255 and 40 < lamp[1] < 230 and lamp[2] < lamp[1] - 20


def test_a_narrow_range() -> None:
    for level, expected in ((0, 0), (16, 0), (235, 255), (255, 255), (126, 128)):
        np.testing.assert_allclose(seen(png(flat((level,) * 3), cicp(1, 13, 0, 0))), expected, atol=0.6)


@pytest.mark.parametrize(
    "chunk",
    [cicp(2, 2, 0, 1), cicp(9, 16, 1, 1), cicp(9, 16, 0, 7), cicp(0, 16, 0, 1), cicp(9, 99, 0, 1), cicp(9, 16, 0)],
)
def test_a_chunk_that_tells_nothing_is_left(chunk: tuple[bytes, bytes], photo: np.ndarray) -> None:
    assert np.array_equal(images.load(png(photo, chunk)), photo)


def test_damaged_chunks(photo: np.ndarray) -> None:
    content = png(photo, cicp(9, 16, 0, 1))
    broken = bytearray(content)
    broken[47] ^= 1  # the checksum
    assert np.array_equal(images.load(bytes(broken)), photo)
    plain = images.load(content)
    assert not np.array_equal(plain, photo)
    texts = (8).to_bytes(4, "big") + b"tEXtTitle\0ab" + bytes(4)
    page = decode(content[:33] + texts + content[33:])[0]
    assert page.remarks and np.array_equal(page.pixels, plain)  # the texts are left out, the colors are not


def test_animations(photo: np.ndarray, tmp_path: Path) -> None:
    frames = [Image.fromarray(flat((value,) * 3)) for value in (60, 120)]
    with io.BytesIO() as file:
        frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], duration=100)
        content = file.getvalue()
    (tmp_path / "a.png").write_bytes(content[:33] + png(photo, cicp(1, 8, 0, 1))[33:49] + content[33:])
    (tmp_path / "a.avif").write_bytes(
        avif(np.asarray(frames[0]), (1, 8), save_all=True, append_images=frames[1:], duration=100)
    )
    for name in ("a.png", "a.avif"):
        with animation.reading(tmp_path / name) as clip:
            levels = [frame.pixels.mean() for frame in clip.frames()]
        expected = [255 * (1.055 * (value / 255) ** (1 / 2.4) - 0.055) for value in (60, 120)]
        np.testing.assert_allclose(levels, expected, atol=3)


def test_boxes_that_are_damaged(rng: np.random.Generator) -> None:
    content = avif(flat(MUTED), (12, 13))
    assert code_points(io.BytesIO(content), "AVIF") == (12, 13, True)
    end = content.index(b"mdat")
    began = time.perf_counter()
    for _ in range(1000):
        broken = np.frombuffer(content[: int(rng.integers(1, end))], np.uint8).copy()
        broken[rng.integers(0, len(broken), 4)] = rng.choice([0, 1, 2, 127, 128, 255], 4)
        code_points(io.BytesIO(broken.tobytes()), "AVIF")
        code_points(io.BytesIO(b"\x89PNG\r\n\x1a\n" + broken.tobytes()), "PNG")
    for start in (b"\0\0\0\0mdat", b"\0\0\0\1mdat" + b"\xff" * 8, b"\0\0\0\x08free" * 10**5, b""):
        assert code_points(io.BytesIO(start), "AVIF") is None
    assert time.perf_counter() - began < 10


def test_heic(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    picture = heif.from_pillow(Image.fromarray(flat(MUTED)))
    picture.save(tmp_path / "a.heic", quality=95, color_primaries=12, transfer_characteristics=13)
    told = images.load(tmp_path / "a.heic").mean(axis=(0, 1))
    np.testing.assert_allclose(told, seen(png(flat(MUTED), cicp(12, 13, 0, 1))), atol=4)


def jp2(photo: np.ndarray, *boxes: bytes) -> bytes:
    """A JPEG 2000 file without loss that tells its colors by these contents of boxes colr."""
    with io.BytesIO() as file:
        Image.fromarray(photo).save(file, "JPEG2000", irreversible=False)
        content = file.getvalue()
    head, colors = content.index(b"jp2h") - 4, content.index(b"colr") - 4
    size, old = (int.from_bytes(content[at : at + 4], "big") for at in (head, colors))
    told = b"".join((8 + len(body)).to_bytes(4, "big") + b"colr" + body for body in boxes)
    new_size = (size - old + len(told)).to_bytes(4, "big")
    return content[:head] + new_size + content[head + 4 : colors] + told + content[colors + old :]


@pytest.mark.parametrize("method", [2, 3])
def test_the_profile_of_a_jpeg_2000_file(method: int, photo: np.ndarray) -> None:
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = (128 + swapped[128:].index(name) for name in (b"rXYZ", b"bXYZ"))
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    with io.BytesIO() as file:
        Image.fromarray(photo).save(file, "PNG", icc_profile=bytes(swapped))
        expected = images.load(file.getvalue())
    srgb, profiled = b"\1\0\0\0\0\0\x10", bytes([method, 0, 0]) + swapped
    for content in (jp2(photo, profiled), jp2(photo, profiled, srgb)):
        np.testing.assert_array_equal(images.load(content), expected)
    for content in (jp2(photo, srgb), jp2(photo, srgb, profiled), jp2(photo, profiled[:300])):
        np.testing.assert_array_equal(images.load(content), photo)
    layers = photo.repeat(2, axis=0)[..., [0, 1, 2, 0]].copy()
    with_cmyk = jp2(layers, profiled[:3] + bytes(16) + b"CMYK")
    np.testing.assert_array_equal(images.load(with_cmyk), Image.fromarray(layers, "CMYK").convert("RGB"))
