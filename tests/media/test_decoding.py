import io
import logging
import os
import struct
import subprocess
import sys
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from mobile_style.errors import ImageError
from mobile_style.media import images
from mobile_style.media.decoding import DAMAGED, MAX_PIXELS, decode, guarded
from mobile_style.progress import Note, Step
from mobile_style.srgb import encoded
from picture_files import bad_rational, tiff


@pytest.fixture
def picture(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize((160, 120))


def test_a_picture_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **_: started.append(arguments))
    (tmp_path / "a.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    )
    with pytest.raises(ImageError, match="is not an image that can be read"):
        images.load(tmp_path / "a.jpg")
    assert not started


@pytest.mark.parametrize("file_format", ["EPS", "PCX", "ICO", "SGI", "TGA", "PDF"])
def test_only_formats_that_are_asked_for(tmp_path: Path, picture: Image.Image, file_format: str) -> None:
    picture.save(tmp_path / "a.jpg", file_format)
    with pytest.raises(ImageError, match="is not an image that can be read"):
        images.load(tmp_path / "a.jpg")


@pytest.mark.slow
def test_pillows_own_guard_stays_armed(tmp_path: Path, picture: Image.Image) -> None:
    armed = Image.MAX_IMAGE_PIXELS
    assert armed is not None
    picture.save(tmp_path / "a.png")
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    with guarded():
        assert Image.MAX_IMAGE_PIXELS == MAX_PIXELS // 2
        with pytest.raises(ImageError, match="more than 200 million pixels"):
            images.load(bomb.getvalue())
        assert Image.MAX_IMAGE_PIXELS == MAX_PIXELS // 2  # one user is still there
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(images.load, [tmp_path / "a.png"] * 50))
    assert armed == Image.MAX_IMAGE_PIXELS


def test_warnings_stay_off_the_screen(tmp_path: Path, picture: Image.Image, capfd: pytest.CaptureFixture[str]) -> None:
    picture.save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0 \0\x12\x01")
    picture.convert("1").save(tmp_path / "fax.tif", compression="group4")
    content = bytearray((tmp_path / "fax.tif").read_bytes())
    content[600:700] = b"\x55" * 100
    (tmp_path / "fax.tif").write_bytes(content)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert decode(tmp_path / "a.jpg", everything=True)[0].pixels.shape == (120, 160, 3)
        (page,) = decode(tmp_path / "fax.tif")
    assert not said and page.remarks[0].startswith("damaged: Fax4Decode")
    assert capfd.readouterr() == ("", "")


def test_what_pillow_logs_stays_off_the_screen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content, samples = tiff([np.zeros((8, 8), np.uint8)], 1), struct.pack("<HHIH", 277, 3, 1, 1)
    assert content.count(samples) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(samples, struct.pack("<HHIH", 277, 3, 1, 9999)))
    level = logging.getLogger("PIL").level
    with pytest.raises(ImageError, match=r"a\.tif is not an image that can be read"):
        images.load(tmp_path / "a.tif")
    assert not caplog.records and logging.getLogger("PIL").level == level


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [2, 100])
def test_a_jpeg_without_its_last_bytes(picture: Image.Image, missing: int, progressive: bool) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, progressive=progressive)
    (page,) = decode(buffer.getvalue()[:-missing])
    assert page.remarks == ("the end of the file is missing",)
    difference = np.abs(page.pixels.astype(int) - np.asarray(picture))
    assert difference[:104].mean() < 4 and difference.mean() < 8


@pytest.mark.parametrize("missing", [1, 12, 500])
def test_a_png_without_its_last_bytes(picture: Image.Image, missing: int) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    (page,) = decode(buffer.getvalue()[:-missing])
    np.testing.assert_array_equal(page.pixels[:105], np.asarray(picture)[:105])
    assert page.remarks == (("the end of the file is missing",) if missing == 500 else ())
    with pytest.raises(ImageError, match="is damaged"):
        decode(buffer.getvalue()[: len(buffer.getvalue()) // 2])


def test_a_png_with_a_wrong_checksum(picture: Image.Image) -> None:
    """Pillow looks at that of zlib alone, and at that one not always."""
    whole, other = io.BytesIO(), io.BytesIO()
    picture.save(whole, "PNG", compress_level=0)
    picture.rotate(180).save(other, "PNG", compress_level=0)
    content = whole.getvalue()
    assert decode(content)[0].remarks == ()
    (page,) = decode(other.getvalue()[:-16] + content[-16:])
    assert page.remarks == (DAMAGED,) and page.pixels.shape == (120, 160, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_number_in_the_exif_data_that_is_none(tmp_path: Path, picture: Image.Image, suffix: str) -> None:
    picture.save(tmp_path / f"a{suffix}", exif=bad_rational())
    (page,) = decode(tmp_path / f"a{suffix}", everything=True)
    assert page.pixels.shape == (160, 120, 3)  # turned all the same
    assert page.metadata.lost == ("a damaged part of the EXIF data",)


def test_large_and_damaged_texts_of_png(tmp_path: Path, picture: Image.Image) -> None:
    texts = PngInfo()
    texts.add_text("workflow", "x" * 2_000_000, zip=True)
    picture.save(tmp_path / "large.png", pnginfo=texts)
    (page,) = decode(tmp_path / "large.png", everything=True)
    assert len(page.metadata.texts["workflow"]) == 2_000_000
    texts = PngInfo()
    texts.add_text("Title", "a painting")
    picture.save(tmp_path / "damaged.png", pnginfo=texts)
    content = bytearray((tmp_path / "damaged.png").read_bytes())
    content[content.index(b"a painting")] ^= 1  # its checksum no longer fits
    (tmp_path / "damaged.png").write_bytes(content)
    (page,) = decode(tmp_path / "damaged.png")
    np.testing.assert_array_equal(page.pixels, picture)
    assert page.remarks == ("left out: damaged texts",)


def test_floats_that_end_above_1(tmp_path: Path) -> None:
    gray = np.linspace(0, 1, 1200, dtype=np.float32).reshape(30, 40)
    expected = np.rint(gray * 255)
    gray[3, 3], gray[4, 4], gray[5, 5], gray[6, 6] = 9.5, np.nan, np.inf, -2
    expected[3, 3], expected[4, 4], expected[5, 5], expected[6, 6] = 255, 0, 255, 0
    Image.fromarray(gray).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(images.load(tmp_path / "a.tif")[..., 0], expected)
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "none.tif")
    with pytest.raises(ImageError, match=r"none\.tif has no pixel that is a number"):
        images.load(tmp_path / "none.tif")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("photometric", "scale", "kind", "values", "order"),
    [
        (0, 257, "u2", 1, "<"),  # black is 65,535
        (0, 1 / 255, "f4", 3, "<"),
        (0, 1 / 255, "f4", 3, ">"),
        (1, 2**24 + 2**16 + 2**8 + 1, "u4", 1, "<"),  # the upper half is no negative number
        (1, 128.5, "i2", 2, "<"),  # ends at 32,767
        (1, 128.5, "i2", 2, ">"),
    ],
)
def test_gray_of_many_bits(
    packed: bool, photometric: int, scale: float, kind: str, values: int, order: str, picture: Image.Image
) -> None:
    gray = np.asarray(picture.convert("L"))
    told = (255 - gray if photometric == 0 else gray) * np.float64(scale)
    read = decode(tiff([told.astype(kind)], photometric, values, order, packed))[0].pixels
    np.testing.assert_allclose(read, np.repeat(gray[..., None], 3, 2), atol=1)


@pytest.mark.parametrize("packed", [False, True])
def test_gray_of_12_bits_ends_at_4095(packed: bool) -> None:
    first, second = np.array([[0, 1365], [2730, 4095]] * 4).T[:, None]  # two values lie in three bytes
    row = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1).reshape(1, -1)
    read = decode(tiff([np.repeat(row, 3, axis=0).astype(np.uint8)], 1, packed=packed, bits=12))[0].pixels
    np.testing.assert_array_equal(read[..., 1], [[0, 85, 170, 255] * 4] * 3)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["i1", "i2"])
def test_signed_grays(kind: str, packed: bool) -> None:
    """The largest number is white; what is negative is black."""
    top = np.iinfo(kind).max
    gray = np.array([[-top - 1, -1, 0, top // 2, top]] * 2, kind)
    read = decode(tiff([gray], 1, 2, packed=packed))[0].pixels[0, :, 0]
    np.testing.assert_allclose(read, [0, 0, 0, 127, 255], atol=1)


@pytest.mark.parametrize(
    ("count", "kind", "values", "said"),
    [
        (3, "f8", 3, "64-bit floating-point colors"),
        (1, "f8", 3, "64-bit floating-point grays"),
        (3, "u4", 1, "32-bit colors"),
        (3, "i2", 2, "16-bit signed colors"),
    ],
)
def test_values_of_a_tiff_that_are_not_read_are_named(
    count: int, kind: str, values: int, said: str, picture: Image.Image
) -> None:
    planes = [np.asarray(picture.convert("L")).astype(kind)] * count
    with pytest.raises(
        ImageError, match=f"is a TIFF file of {said}, which cannot be read; save it with 8 or 16 unsigned bits"
    ):
        decode(tiff(planes, 2 if count == 3 else 1, values))
    with pytest.raises(ImageError, match="is not an image that can be read"):
        decode(tiff(planes, 2 if count == 3 else 1, values)[:60])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_channels_apart(kind: type, order: str, packed: bool, picture: Image.Image) -> None:
    pixels = np.asarray(picture)
    full = pixels.astype(kind) * kind(1 if kind is np.uint8 else 257)
    planes = [full[..., channel] for channel in range(3)]
    np.testing.assert_array_equal(decode(tiff(planes, 2, order=order, packed=packed))[0].pixels, pixels)


def test_a_palette_with_a_color_profile(tmp_path: Path, picture: Image.Image) -> None:
    """The same picture with the same profile, once with a palette and once without."""
    swapped = swapped_profile()
    few = picture.quantize(64)
    few.save(tmp_path / "palette.png", icc_profile=swapped)
    few.convert("RGB").save(tmp_path / "rgb.png", icc_profile=swapped)
    plain = np.asarray(few.convert("RGB")).astype(int)
    rgb = images.load(tmp_path / "rgb.png").astype(int)
    assert np.abs(rgb - plain).mean() > 20
    np.testing.assert_array_equal(images.load(tmp_path / "palette.png"), rgb)


def swapped_profile() -> bytes:
    """sRGB with the names of red and blue exchanged, which no eye can miss."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = profile[128:]
    at = [128 + tags.index(name) for name in (b"rXYZ", b"bXYZ")]
    profile[at[0] : at[0] + 4], profile[at[1] : at[1] + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def png(depth: int, kind: int, width: int, rows: list[bytes], *more: tuple[bytes, bytes]) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, len(rows), depth, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = ((b"IHDR", header), *more, (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in chunks)


@pytest.mark.parametrize(
    ("depth", "kind", "row", "transparent", "alpha"),
    [
        (1, 0, b"\xa0", b"\0\1", [0, 255, 0, 255]),
        (2, 0, b"\x1b", b"\0\1", [255, 0, 255, 255]),
        (4, 0, b"\x37\x73", b"\0\3", [0, 255, 255, 0]),
        (8, 0, b"\x03\x07\x07\x03", b"\0\3", [0, 255, 255, 0]),
        (16, 0, b"\x12\x34\x12\x35\0\0\xff\xff", b"\x12\x34", [0, 255, 255, 255]),
        (16, 2, b"\x12\x34\x56\x78\x9a\xbc" + bytes(18), b"\x12\x34\x56\x78\x9a\xbc", [0, 255, 255, 255]),
    ],
)
def test_a_color_that_is_transparent(depth: int, kind: int, row: bytes, transparent: bytes, alpha: list[int]) -> None:
    (page,) = decode(png(depth, kind, 4, [row] * 2, (b"tRNS", transparent)))
    assert page.alpha is not None
    np.testing.assert_array_equal(page.alpha, [alpha] * 2)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_profile_of_grays_with_transparency(depth: int) -> None:
    values = np.array([[0, 255], [64, 128], [255, 64]]).astype(np.uint8)
    row = np.repeat(values, depth // 8, axis=1).tobytes()  # of 16 bits, both bytes are the same
    profile = b"iCCP", b"gray\0\0" + zlib.compress(linear_gray_profile())
    (page,) = decode(png(depth, 4, 3, [row] * 2, profile))
    assert page.alpha is not None
    np.testing.assert_array_equal(page.alpha[0], values[:, 1])
    np.testing.assert_allclose(page.pixels[0, :, 1], 255 * encoded(values[:, 0] / 255), atol=2)


def linear_gray_profile() -> bytes:
    """Grays by their light (ICC.1:2022)."""
    white = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    tags = {b"wtpt": b"XYZ \0\0\0\0" + white, b"kTRC": b"curv" + bytes(8)}
    place, table, content = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += name + struct.pack(">II", place + len(content), len(body))
        content += body
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x12s48x", place + len(content), 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"acsp", white
    )
    return head + table + content


def test_what_is_no_picture_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(bytes(100))  # /dev/zero has none

    def endless(_: Path) -> bytes:
        raise AssertionError

    monkeypatch.setattr(Path, "read_bytes", endless)
    with pytest.raises(ImageError, match=r"a\.jpg is not an image"):
        decode(tmp_path / "a.jpg")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, picture: Image.Image) -> None:
    path = tmp_path / "sparse.png"
    picture.save(path)
    with path.open("r+b") as file:
        file.truncate(3 << 30)
    with pytest.raises(ImageError, match=r"sparse\.png is larger than 2 GB"):
        images.load(path)


@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"\xff\xfe\0\2"])
def test_a_head_with_nothing_behind_it_is_refused_at_once(tmp_path: Path, picture: Image.Image, filler: bytes) -> None:
    """Byte by byte, as Pillow reads on, these would take minutes."""
    for file_format in ("JPEG", "PNG"):
        buffer = io.BytesIO()
        picture.save(buffer, file_format)
        head = buffer.getvalue()[: 20 if file_format == "JPEG" else 33]
        (tmp_path / "a.jpg").write_bytes(head + filler * (50_000_000 // len(filler)))
        began = time.perf_counter()
        with pytest.raises(ImageError, match=r"a\.jpg is "):
            decode(tmp_path / "a.jpg")
        assert time.perf_counter() - began < 2


def test_a_head_with_a_little_junk_in_it(picture: Image.Image) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", comment=b"x" * 60_000, icc_profile=swapped_profile() + bytes(300_000))
    content = buffer.getvalue()
    pixels = decode(content)[0].pixels
    np.testing.assert_array_equal(decode(content[:20] + bytes(500) + b"\xff" * 500 + content[20:])[0].pixels, pixels)


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path, picture: Image.Image) -> None:
    picture.save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    skipped: list[Path] = []
    assert images.find([tmp_path], on_skip=skipped.append) == [tmp_path / "a.png"]
    assert skipped == [tmp_path / "b.png"]


def test_lab(tmp_path: Path, picture: Image.Image) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    ImageCms.profileToProfile(picture, srgb, lab, outputMode="LAB").save(tmp_path / "a.tif")
    assert np.abs(images.load(tmp_path / "a.tif").astype(int) - np.asarray(picture)).mean() < 4


def test_heic(tmp_path: Path, picture: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(ImageError, match=r"phone\.HEIC is HEIC; pip install 'mobile-style\[heic\]'"):
        images.load(tmp_path / "phone.HEIC")
    monkeypatch.undo()
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(picture).save(tmp_path / "photo.heic", quality=95)
    assert images.find([tmp_path], images.is_photo) == [tmp_path / "phone.HEIC", tmp_path / "photo.heic"]
    assert np.abs(images.load(tmp_path / "photo.heic").astype(int) - np.asarray(picture)).mean() < 6


def test_pages_of_a_tiff_and_further_pictures(tmp_path: Path, picture: Image.Image) -> None:
    picture.save(tmp_path / "a.tif", save_all=True, append_images=[picture.resize((20, 10)).convert("LA")])
    first, second = decode(tmp_path / "a.tif", everything=True)
    assert first.pixels.shape == (120, 160, 3) and second.pixels.shape == (10, 20, 3)
    picture.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[picture])
    (page,) = decode(tmp_path / "a.jpg")
    assert page.remarks == ("left out: the file's further pictures (a depth map, a gain map, a preview)",)


def test_names_of_photos_in_folders(tmp_path: Path, picture: Image.Image) -> None:
    names = ["a.avif", "b.jfif", "c.jpe", "d.jp2", "e.JPG"]
    for name, file_format in zip(names, ["AVIF", "JPEG", "JPEG", "JPEG2000", "JPEG"], strict=True):
        picture.save(tmp_path / name, file_format)
    (tmp_path / "notes.txt").write_text("no photo")
    skipped: list[Path] = []
    assert [path.name for path in images.find([tmp_path], on_skip=skipped.append)] == names
    assert skipped == [tmp_path / "notes.txt"]
    assert all(images.load(tmp_path / name).shape == (120, 160, 3) for name in names)


def test_photos_that_cannot_be_read_are_named(tmp_path: Path, picture: Image.Image) -> None:
    (tmp_path / "a.jpg").write_text("no photo")
    picture.save(tmp_path / "b.jpg")
    picture.save(tmp_path / "c.jpg")
    said: list[Note | Step] = []
    assert [path.name for path, _ in images.read_photos(tmp_path, 1, said.append)] == ["b.jpg"]
    assert [path.name for path, _ in images.read_photos(tmp_path, None)] == ["b.jpg", "c.jpg"]
    assert len(said) == 1 and str(said[0]).startswith("warning: skipped: ") and "a.jpg is not an image" in str(said[0])
    (tmp_path / "b.jpg").unlink()
    (tmp_path / "c.jpg").unlink()
    with pytest.raises(ImageError, match=r"no photos in .* that can be read; the first: .*a\.jpg"):
        list(images.read_photos(tmp_path))


@pytest.mark.slow
def test_decoding_takes_little_more_memory_than_the_pixels(tmp_path: Path) -> None:
    """Turned, and with a profile: Pillow keeps 4 bytes a pixel, the result 3; no third copy of the whole is made."""
    pytest.importorskip("resource")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8000, 4000)).save(tmp_path / "a.jpg", exif=exif, icc_profile=swapped_profile())
    code = f"""
import resource
from pathlib import Path
from mobile_style.media.decoding import decode
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(page,) = decode(Path({str(tmp_path / "a.jpg")!r}), everything=True)
assert page.pixels.shape == (8000, 4000, 3)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    taken = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    unit = 1 if sys.platform == "darwin" else 1024
    assert taken * unit < 1.35 * 7 * 32_000_000
