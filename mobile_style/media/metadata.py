"""Metadata of picture files: read from one file, and written into another as far as its format can hold them."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from .colors import ORIENTATION

# Tags of the first directory that describe the photo; others describe the file's layout (TIFF 6.0, Exif 2.32).
DESCRIBING = frozenset(
    {0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298}
    | {0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F}
)
DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
ACROSS, DOWN, UNIT, INCH = 0x011A, 0x011B, 0x0128, 2
WIDTH, HEIGHT, COLOR_SPACE = 0xA002, 0xA003, 0xA001

EXIF = frozenset({"JPEG", "MPO", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"})
XMP = frozenset({"JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF"})
DPI = frozenset({"JPEG", "MPO", "PNG", "TIFF", "BMP"})
COMMENT = frozenset({"JPEG", "MPO", "GIF", "JPEG2000"})
PROFILE = frozenset({"JPEG", "MPO", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"})
XMP_TEXT = "XML:com.adobe.xmp"
# Keywords under which ImageMagick and ExifTool store what has its own chunk today. These texts describe the original
# file, such as its orientation, so they are not copied.
RAW_PROFILE = re.compile(r"raw profile type (exif|app1|xmp|icc|icm)", re.IGNORECASE)
PILLOWS = "Raw profile type exif"  # the one that Pillow reads
LONGEST_COMMENT = 65_533  # bytes in one segment of a JPEG file
LONGEST_SEGMENT = 65_533 - 29  # bytes of EXIF or XMP in one segment, after the identifier


@dataclass(frozen=True)
class Metadata:
    """The metadata of a picture file.

    Attributes:
        exif: without orientation and thumbnail.
        dpi: dots per inch across and down.
        comment: bytes in the file's own encoding.
        xmp: Adobe's XML packet, without the orientation.
        texts: a PNG file's texts by keyword, without packed profiles.
        profiled: whether the file had a color profile; the pixels are sRGB now.
        lost: names of what could not be read, or what Pillow cannot write.
    """

    exif: Image.Exif | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes = b""
    xmp: bytes = b""
    texts: dict[str, str] = field(default_factory=dict)
    profiled: bool = False
    lost: tuple[str, ...] = ()


def read_metadata(image: Image.Image) -> Metadata:
    """Reads the metadata of a loaded picture file."""
    info = image.info
    exif, damaged = _exif(image)
    lost = ["a damaged part of the EXIF data"] if damaged else []
    if info.get("photoshop"):
        lost.append("IPTC data")
    xmp = info.get("xmp") or info.get(XMP_TEXT) or b""
    texts = {str(key): str(value) for key, value in getattr(image, "text", {}).items() if key != XMP_TEXT}
    packed = [key for key in texts if RAW_PROFILE.fullmatch(key.strip())]
    if any(key != PILLOWS or info.get("exif") for key in packed):
        lost.append("profiles in its texts")
    comment = info.get("comment") or b""
    if image.format == "JPEG2000" and str(comment).find("Created by OpenJPEG") >= 0:
        comment = b""
    return Metadata(
        exif=exif,
        dpi=_dpi(info.get("dpi")),
        comment=comment.encode() if isinstance(comment, str) else bytes(comment),
        xmp=_without_orientation(xmp.encode() if isinstance(xmp, str) else bytes(xmp)),
        texts={key: text for key, text in texts.items() if key not in packed},
        profiled=bool(info.get("icc_profile")),
        lost=tuple(lost),
    )


def _dpi(raw: Any) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in raw)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    # Pillow returns 1 for a TIFF file without a resolution.
    return (across, down) if all(math.isfinite(value) and 1 < value < 65_536 for value in (across, down)) else None


def _without_orientation(xmp: bytes) -> bytes:
    """Sets the orientation to 1, because the pixels are upright: viewers that prefer XMP would rotate them again."""
    for before, after in ((b'tiff:Orientation="', b'"'), (b"<tiff:Orientation>", b"<")):
        start = xmp.find(before)
        while start >= 0 and (end := xmp.find(after, start + len(before))) >= 0:
            xmp = xmp[: start + len(before)] + b"1" + xmp[end:]
            start = xmp.find(before, start + len(before))
    return xmp


def _exif(image: Image.Image) -> tuple[Image.Exif | None, bool]:
    """The tags that can be written again, and whether others are damaged."""
    kept, damaged = Image.Exif(), False
    try:
        source = image.getexif()
        tags = {tag: source.get(tag) for tag in source if tag in DESCRIBING}
        found: list[tuple[int | None, dict[int, Any]]] = [(None, tags)]
        found += [(directory, dict(source.get_ifd(directory))) for directory in DIRECTORIES]
    except Exception:  # on a damaged EXIF block, Pillow may raise anything
        return None, True
    for directory, values in found:
        for tag, value in values.items():
            if isinstance(value, dict):  # interoperability data, which says nothing about the photo
                continue
            if not _writable(directory, tag, value):
                damaged = True
            elif directory is None:
                kept[tag] = value
            else:
                kept.get_ifd(directory)[tag] = value
    shot = kept.get_ifd(ExifTags.IFD.Exif)
    for tag in (WIDTH, HEIGHT, 0xA005):  # `_sized` sets the size again
        shot.pop(tag, None)
    if COLOR_SPACE in shot:
        shot[COLOR_SPACE] = 1  # sRGB
    return (kept if len(kept) or any(kept.get_ifd(d) for d in DIRECTORIES) else None), damaged


def _writable(directory: int | None, tag: int, value: Any) -> bool:
    trial = Image.Exif()
    (trial if directory is None else trial.get_ifd(directory))[tag] = value
    try:
        trial.tobytes()
    except Exception:  # as above
        return False
    return True


def saving(metadata: Metadata, file_format: str, width: int, height: int) -> tuple[dict[str, Any], list[str]]:
    """Pillow's arguments that write the metadata, and the names of what this format cannot hold.

    `width` and `height` are those of the written picture, in pixels.
    """
    options: dict[str, Any] = {}
    lost = list(metadata.lost)
    dpi_in_exif = metadata.dpi is not None and file_format in EXIF - DPI
    if metadata.exif is not None or dpi_in_exif:
        exif = _sized(metadata.exif or Image.Exif(), width, height, metadata.dpi)
        if file_format in EXIF and (file_format not in ("JPEG", "MPO") or len(exif.tobytes()) <= LONGEST_SEGMENT):
            options["exif"] = exif if file_format == "TIFF" else exif.tobytes()
        else:
            lost.append("EXIF data")
    if metadata.dpi is not None:
        if file_format in DPI:
            options["dpi"] = metadata.dpi
        elif not dpi_in_exif:
            lost.append("dots per inch")
    texts = dict(metadata.texts)
    if metadata.xmp:
        if file_format == "PNG":
            texts[XMP_TEXT] = metadata.xmp.decode("utf-8", "replace")
        elif file_format in XMP and (file_format not in ("JPEG", "MPO") or len(metadata.xmp) <= LONGEST_SEGMENT):
            options["xmp"] = metadata.xmp
        else:
            lost.append("XMP data")
    if metadata.comment:
        if file_format in COMMENT and len(metadata.comment) <= LONGEST_COMMENT:
            options["comment"] = metadata.comment
        elif file_format == "PNG":
            texts.setdefault("Comment", metadata.comment.decode("utf-8", "replace"))
        else:
            lost.append("its comment")
    if texts and file_format == "PNG":
        options["pnginfo"] = written = PngInfo()
        for keyword, text in texts.items():
            written.add_itxt(keyword, text, zip=len(text) > 1000 and keyword != XMP_TEXT)
    elif texts:
        lost.append("its texts")
    if metadata.profiled and file_format in PROFILE:
        options["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return options, lost


def _sized(exif: Image.Exif, width: int, height: int, dpi: tuple[float, float] | None) -> Image.Exif:
    """A copy with this size and resolution, and the orientation of an upright picture."""
    copy = Image.Exif()
    copy.load(exif.tobytes())
    copy[ORIENTATION] = 1
    if dpi is not None:
        copy[ACROSS], copy[DOWN], copy[UNIT] = dpi[0], dpi[1], INCH
    shot = copy.get_ifd(ExifTags.IFD.Exif)
    if shot:
        shot[WIDTH], shot[HEIGHT] = width, height
    copy.get_ifd(ExifTags.IFD.GPSInfo)
    return copy
