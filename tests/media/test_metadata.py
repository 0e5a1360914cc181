import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from mobile_style.errors import ImageError
from mobile_style.painting.photo import convert
from picture_files import bad_rational

PLACE = {1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0)}
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'


def unchanged(picture: np.ndarray) -> np.ndarray:
    return picture


def invert(picture: np.ndarray) -> None:
    np.subtract(255, picture, out=picture)


def phone_photo(path: Path) -> Path:
    """As a phone writes it: lying on its side, with place, thumbnail, comment and profile."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0132] = 6, "Camera", "2024:01:02 03:04:05"
    exif.get_ifd(ExifTags.IFD.Exif).update({0x9003: "2024:01:02 03:04:05", 0xA002: 40, 0xA003: 30, 0xA001: 65535})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(PLACE)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (40, 30), (200, 90, 30)).save(
        path, exif=exif, dpi=(300, 300), comment=b"a comment", xmp=XMP, icc_profile=profile, quality=95
    )
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_what_a_photo_tells_is_kept(tmp_path: Path, suffix: str) -> None:
    remarks = convert(phone_photo(tmp_path / "a.jpg"), tmp_path / f"b{suffix}", unchanged, 20)
    with Image.open(tmp_path / f"b{suffix}") as image:
        image.load()
        exif = image.getexif()
        assert image.size == (20, 27) and exif.get(0x0112, 1) == 1
        assert exif[0x010F] == "Camera" and exif[0x0132] == "2024:01:02 03:04:05"
        shot, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
        assert shot[0x9003] == "2024:01:02 03:04:05" and (shot[0xA002], shot[0xA003]) == (20, 27) and shot[0xA001] == 1
        assert place[2] == PLACE[2] and not exif.get_ifd(ExifTags.IFD.IFD1)
        assert round(float(image.info["dpi"][0] if suffix in (".jpg", ".png", ".tif") else exif[0x011A])) == 300
        assert ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"])).profile is not None
        kept_comment = {".jpg": image.info.get("comment"), ".png": getattr(image, "text", {}).get("Comment")}
        xmp = image.info.get("xmp", b"")
        assert suffix == ".tif" or b'tiff:Orientation="1"' in (xmp.encode() if isinstance(xmp, str) else xmp)
    lost = {".webp": "its comment", ".avif": "its comment", ".tif": "XMP data, its comment"}.get(suffix)
    assert remarks == ([f"left out: {lost}"] if lost else [])
    assert kept_comment.get(suffix, "") in (b"a comment", "a comment", "")


def test_metadata_that_is_not_wanted(tmp_path: Path) -> None:
    convert(phone_photo(tmp_path / "a.jpg"), tmp_path / "b.jpg", unchanged, None, metadata=False)
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.size == (30, 40) and not dict(image.getexif())
        assert not {"comment", "xmp", "icc_profile", "exif"} & image.info.keys()


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    remarks = convert(phone_photo(tmp_path / "a.jpg"), tmp_path / "b.bmp", unchanged, None)
    assert remarks == ["left out: EXIF data, XMP data, its comment"]


def test_texts_of_png(tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("Title", "Käse")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=texts)
    assert convert(tmp_path / "a.png", tmp_path / "b.png", unchanged, None) == []
    with Image.open(tmp_path / "b.png") as image:
        assert getattr(image, "text", {})["Title"] == "Käse"
    assert convert(tmp_path / "a.png", tmp_path / "b.jpg", unchanged, None) == ["left out: its texts"]


@pytest.mark.parametrize("chunk", ["tEXt", "zTXt", "iTXt"])
def test_exif_data_in_a_text_of_png(tmp_path: Path, chunk: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    packed = exif.tobytes().hex()
    text = (
        f"\nexif\n{len(packed) // 2:8}\n" + "\n".join(packed[at : at + 72] for at in range(0, len(packed), 72)) + "\n"
    )
    texts = PngInfo()
    add = texts.add_itxt if chunk == "iTXt" else texts.add_text
    for kind in ("exif", "APP1"):
        add(f"Raw profile type {kind}", text, zip=chunk == "zTXt")
    Image.new("RGB", (40, 30), (200, 90, 30)).save(tmp_path / "a.png", pnginfo=texts)
    assert convert(tmp_path / "a.png", tmp_path / "b.png", unchanged, None) == ["left out: profiles in its texts"]
    with Image.open(tmp_path / "b.png") as image:
        image.load()
        assert image.size == (30, 40) and not getattr(image, "text", {})
        assert image.getexif()[0x010F] == "Camera" and image.getexif()[0x0112] == 1


def test_a_damaged_part_of_the_exif_data_is_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (16, 8)).save(tmp_path / "a.jpg", exif=bad_rational())
    remarks = convert(tmp_path / "a.jpg", tmp_path / "b.jpg", unchanged, None)
    assert remarks == ["left out: a damaged part of the EXIF data"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Image.open(tmp_path / "b.jpg") as image:
            assert image.size == (8, 16) and image.getexif().get(0x0112, 1) == 1


def test_pages(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (20 + number, 10), (50 * number, 0, 0)) for number in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert convert(tmp_path / "a.tif", tmp_path / "b.tif", invert, None) == []
    with Image.open(tmp_path / "b.tif") as image:
        assert getattr(image, "n_frames", 1) == 3
        image.seek(2)
        assert image.size == (22, 10) and image.getpixel((0, 0)) == (155, 255, 255)
    remarks = convert(tmp_path / "a.tif", tmp_path / "b.png", unchanged, None)
    assert remarks == ["left out: the pages after the first, which .png cannot hold; .tif can"]


def test_an_error_of_size_names_the_file(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 1)).save(tmp_path / "strip.png")
    with pytest.raises(ImageError, match=r"strip\.png: a picture of 3000 x 1 pixels is too narrow"):
        convert(tmp_path / "strip.png", tmp_path / "b.png", unchanged, 512)
