"""Decodes picture files of the supported formats, and recovers what it can of damaged ones."""

import io
import logging
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from ..errors import ImageError
from .colors import LAYOUT, separate
from .heads import leads_to_pixels
from .jpeg_end import missing_rows
from .jpeg_scans import load, scans_of
from .metadata import Metadata, read_metadata
from .png_repair import MISSING, completed_png, has_damaged_pixels, plain_png
from .tiff_tags import floats_as_grays, has_damaged_parts, mend_tiff, values_of_tiff
from .told_colors import note_colors

# Only these: some of Pillow's other decoders start programs, such as Ghostscript for PostScript.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "HEIF")
ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
MAX_PIXELS = 200_000_000  # a 14,000 x 14,000 scan; more is treated as a decompression bomb
MAX_BYTES = 2 * 2**30  # of a file: 200 million pixels of 16 bits, with transparency, take less
LARGEST_PIXEL, LARGEST_HEAD = 4, 64 * 2**20  # bytes read of a JPEG file, at most: for each pixel, and for its head
MAX_TEXT = 64 * 2**20  # bytes of a PNG file's profile or text, at most
HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
JPEG, PNG = b"\xff\xd8", b"\x89P"  # what their files begin with
CUT = "the end of the file is missing"
COARSE = "the end of the file is missing, and with it what is fine in the picture"
DAMAGED = "damaged: parts of the picture may have moved or have changed their colors"
COLORS = ("icc_profile", "gamma", "chromaticity", "srgb", "transparency")  # keys of `Image.info` for a PNG's colors


@dataclass(frozen=True)
class Picture:
    """One page of a picture file.

    Attributes:
        pixels: (H, W, 3) uint8, sRGB, upright, writable.
        alpha: (H, W) uint8, or None if nothing is transparent.
        metadata: the file's metadata; empty if they were not asked for.
        remarks: what was damaged or left out, without the file's name.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    metadata: Metadata
    remarks: tuple[str, ...] = ()


_printing = threading.Lock()
_lock = threading.Lock()
_users = 0
_restoring = ExitStack()


@contextmanager
def guarded() -> Iterator[None]:
    """Gives Pillow this project's limits and silences its warnings and logs, while any thread is inside."""
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            _restoring.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            _restoring.callback(setattr, PngImagePlugin, "MAX_TEXT_CHUNK", PngImagePlugin.MAX_TEXT_CHUNK)
            Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns above this, and refuses above twice this
            PngImagePlugin.MAX_TEXT_CHUNK = MAX_TEXT
            _restoring.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            pillow = logging.getLogger("PIL")  # the parent of its modules' loggers
            _restoring.callback(pillow.setLevel, pillow.level)
            pillow.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _restoring.close()


def opened(source: io.BytesIO | Path) -> Image.Image:
    """Opens a picture file and reads only its header; call it within `naming`, or `guarded`.

    Raises:
        ImageError: the file is too large, or damaged, or its format is not supported; without the file's name.
        Exception: whatever Pillow raises, such as UnidentifiedImageError.
    """
    if isinstance(source, Path) and source.stat().st_size > MAX_BYTES:
        raise ImageError(f"is larger than {MAX_BYTES >> 30} GB; shrink it")
    with _content(source) as file:
        if file.read(2) == JPEG and not leads_to_pixels(file):
            raise ImageError("is damaged (its head leads to no pixels); save it again or leave it out")
        image = _identified(source)
        note_colors(image, file)
    return image


@contextmanager
def _content(source: io.BytesIO | Path) -> Iterator[BinaryIO]:
    """The file's bytes, opened separately, so that Pillow's position stays as it is."""
    with io.BytesIO(source.getvalue()) if isinstance(source, io.BytesIO) else source.open("rb") as file:
        yield file


def _identified(source: io.BytesIO | Path) -> Image.Image:
    """Opens the picture in the format of its content."""
    for load_plugins in (Image.preinit, Image.init):  # few, then all forty, which load slower than a photo decodes
        load_plugins()
        try:
            return Image.open(source, formats=[name for name in FORMATS if name in Image.OPEN])
        except UnidentifiedImageError as error:
            unknown = error
    with _content(source) as file:
        if found := floats_as_grays(file):
            image = Image.open(io.BytesIO(found[0]), formats=["TIFF"])
            image.info[LAYOUT] = found[1]
            return image
    with _content(source) as file:
        values = values_of_tiff(file)
    if values:
        raise ImageError(f"is a TIFF file of {values}; save it with 8 or 16 unsigned bits a channel, or as PNG")
    if _brand(source) not in HEIC:
        raise unknown
    try:
        import pillow_heif
    except ImportError:
        raise ImageError("is HEIC; pip install 'mobile-style[heic]', or save it as JPEG or PNG") from None
    pillow_heif.register_heif_opener()
    return Image.open(source, formats=["HEIF"])


def _brand(source: io.BytesIO | Path) -> bytes:
    """The brand of a file of boxes (ISO/IEC 14496-12, 4.3); for other files, the bytes at its place."""
    with _content(source) as file:
        return file.read(12)[8:]


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Turns whatever Pillow raises inside, except MemoryError, into an `ImageError` that names the file."""
    try:
        with guarded():
            yield
    except ImageError as error:
        raise ImageError(f"{name} {error}") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{name} has more than {MAX_PIXELS // 10**6} million pixels; shrink it") from None
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not an image that can be read; save it as JPEG or PNG") from None
    except MemoryError:
        raise
    except Exception as error:  # on damaged files, Pillow's decoders may raise anything
        if isinstance(error, OSError) and error.strerror:
            raise ImageError(f"{name} cannot be read: {error.strerror}") from None
        raise ImageError(f"{name} is damaged ({error}); save it again or leave it out") from None


def decode(source: Path | bytes, everything: bool = False) -> list[Picture]:
    """Decodes a picture file of any mode and orientation into its pages: one, or several for TIFF.

    Args:
        source: the file's path, or its bytes.
        everything: also read the metadata, and the second and further pages of a TIFF file.

    Raises:
        ImageError: not an image, damaged, an animation, or larger than `MAX_PIXELS`.
    """
    with naming("the picture" if isinstance(source, bytes) else str(source)):
        try:
            return _decoded(io.BytesIO(source) if isinstance(source, bytes) else source, everything)
        except (ImageError, MemoryError, Image.DecompressionBombError):
            raise
        except Exception:
            if _start(source) not in (JPEG, PNG):  # reading all may take forever, as for /dev/zero
                raise
            content = source if isinstance(source, bytes) else source.read_bytes()
            if content.startswith(JPEG):
                return _decoded(io.BytesIO(content + b"\xff\xd9"), everything, CUT)
            with suppress(Exception):  # if it stays damaged, the first error is the more useful one
                return _decoded(io.BytesIO(plain_png(content)), everything, "left out: damaged texts")
            if (whole := completed_png(content)) is not None:
                return _decoded(io.BytesIO(whole), everything, CUT)
            raise


def _start(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:2]
    with source.open("rb") as file:
        return file.read(2)


def _decoded(source: io.BytesIO | Path, everything: bool, remark: str = "") -> list[Picture]:
    with opened(source) as image:
        count = getattr(image, "n_frames", 1)
        if count > 1 and image.format in ANIMATED:
            raise ImageError(f"is an animation of {count} frames; save one as PNG, or all of them as MP4")
        if image.format in ("JPEG", "MPO"):
            remark = _damage_of_jpeg(image, source, remark == CUT)
        elif image.format == "PNG" and not remark:
            with _content(source) as file:
                remark = DAMAGED if has_damaged_pixels(file) else ""
        remarks = [remark] if remark else []
        if count > 1 and image.format != "TIFF":
            remarks.append("left out: the file's further pictures (a depth map, a gain map, a preview)")
        pages = [_page(image, everything, remarks)]
        if image.format == "TIFF" and everything:
            for number in range(1, count):
                image.seek(number)
                pages.append(_page(image, everything))
        return pages


def _damage_of_jpeg(image: Image.Image, source: io.BytesIO | Path, cut: bool) -> str:
    """Loads a JPEG file, and returns a remark on the damage to its pixels; empty if there is none.

    `cut` says that the file is known to lack its end.

    Raises:
        ImageError: it lacks too many rows.
    """
    with _content(source) as file:
        content = file.read(LARGEST_PIXEL * image.width * image.height + LARGEST_HEAD)
    scans = scans_of(content)
    sound = load(image, content, scans)
    missing = missing_rows(image, content[: scans.end])
    if missing > MISSING * image.height:
        raise ImageError(f"is damaged (it lacks {missing} of {image.height} rows); save it again or leave it out")
    if cut or missing or scans.is_coarse():
        return COARSE if scans.is_coarse() else CUT
    return "" if sound and not scans.is_damaged() else DAMAGED


def _page(image: Image.Image, everything: bool, remarks: Sequence[str] = ()) -> Picture:
    if image.format == "TIFF":
        mend_tiff(image)
    tiles = getattr(image, "tile", None)
    raw = tiles[0][3] if tiles else None
    raw = raw[0] if isinstance(raw, tuple) and raw else raw
    if image.format == "TIFF":
        damaged = has_damaged_parts(image)
        with _standard_error() as errors:
            image.load()
        if errors or damaged:
            remarks = (*remarks, f"damaged: {errors[0]}" if errors else DAMAGED)
    else:
        _load(image)
    pixels, alpha = separate(image, raw)
    return Picture(pixels, alpha, read_metadata(image) if everything else Metadata(), tuple(remarks))


def _load(image: Image.Image) -> None:
    """Loads the pixels, and ignores color chunks that follow them in a PNG file (ISO/IEC 15948, 5.6)."""
    before = dict(image.info)
    image.load()
    for key in COLORS if image.format == "PNG" else ():
        image.info.pop(key, None)
        if key in before:
            image.info[key] = before[key]


@contextmanager
def _standard_error() -> Iterator[list[str]]:
    """Captures what libtiff prints; the list holds its error messages once the body has ended."""
    errors: list[str] = []
    with _printing, tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield errors
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines = file.read().decode("utf-8", "replace").splitlines()
            errors += [line for line in lines if re.match(r"(\w+: )(?!Warning)", line)]  # no progress bar, either
