"""TIFF tags (TIFF 6.0) that Pillow misreads or ignores."""

import struct
import zlib
from contextlib import suppress
from typing import Any, BinaryIO

from PIL import ImagePalette, TiffImagePlugin

from .colors import APART, ORIENTATION, PHOTOMETRIC, SAMPLE_FORMAT, SIDE_BY_SIDE

WIDTH, HEIGHT, BITS, SAMPLES, ROWS, PLANAR, PREDICTOR, PALETTE, TILE_WIDTH = 256, 257, 258, 277, 278, 284, 317, 320, 322
STRIPS, PLANES, RGB, FLOAT = 273, 2, 2, 3  # a tag, and values of PLANAR, PHOTOMETRIC and SAMPLE_FORMAT
COMPRESSION, DEFLATED = 259, (8, 32946)  # a tag, and values
PARTS = ((273, 279), (324, 325))  # tags of the offsets and sizes of strips, and of tiles
PIECE = 2**20  # bytes decompressed at once
KINDS = {2: "signed ", 3: "floating-point "}  # of values, by SAMPLE_FORMAT
BIG_ENDIAN = ("F;32BF", "I;16BS", "I;32BS")  # Pillow's names of raw layouts; N instead of B is the machine's order
LARGEST_BYTE, LONG = 255, 4  # LONG is TIFF's type of 32-bit numbers


def values_of_tiff(file: BinaryIO) -> str:
    """Describes the values of a TIFF file if Pillow cannot read values of this kind; else empty."""
    with suppress(Exception):  # on damaged files, Pillow may raise anything
        tags = _tags(file)
        bits, kind = tags.get(BITS, (1,)), KINDS.get(max(tags.get(SAMPLE_FORMAT, (1,))), "")
        if kind or max(bits) > 16:
            return f"{max(bits)}-bit {kind}{'colors' if len(bits) > 1 else 'grays'}, which cannot be read"
    return ""


def _tags(file: BinaryIO) -> Any:
    """The tags of the first page."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
    file.seek(tags.next)
    tags.load(file)
    return tags


def floats_as_grays(file: BinaryIO) -> tuple[bytes, tuple[str, int]] | None:
    """Rewrites a TIFF file of 32-bit floating-point colors as one of grays, which Pillow can open.

    Returns:
        The file, and the value for the key `colors.LAYOUT` of `Image.info`: the layout and the orientation. None for
        other files, for several pages, and for values that are stored as differences (a predictor).
    """
    with suppress(Exception):
        tags = _tags(file)
        kind = (tags.get(BITS), tags.get(SAMPLE_FORMAT), tags.get(PHOTOMETRIC), tags.get(PREDICTOR, 1), tags.next)
        if kind != ((32,) * 3, (FLOAT,) * 3, RGB, 1, 0):
            return None
        new = {BITS: 32, SAMPLE_FORMAT: FLOAT, SAMPLES: 1, PHOTOMETRIC: 1, PLANAR: 1, ORIENTATION: 1}
        apart, height = tags.get(PLANAR, 1) == PLANES, tags[HEIGHT]
        if not apart:
            new |= {tag: 3 * tags[tag] for tag in (WIDTH, TILE_WIDTH) if tag in tags}
        elif len(tags[STRIPS]) == 3 or height % tags[ROWS] == 0:
            new |= {HEIGHT: 3 * height, ROWS: min(height, tags[ROWS])}
        else:
            return None
        file.seek(0)
        layout = APART if apart else SIDE_BY_SIDE
        return _with_tags(file.read(), new), (layout, tags.get(ORIENTATION, 1))
    return None


def _with_tags(content: bytes, new: dict[int, int]) -> bytes:
    """The file with new values for tags that its first page has (TIFF 6.0, section 2)."""
    changed, order = bytearray(content), "<" if content[:2] == b"II" else ">"
    (place,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, place)
    for entry in range(place + 2, place + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from(f"{order}H", content, entry)
        if tag in new:
            struct.pack_into(f"{order}HHII", changed, entry, tag, LONG, 1, new[tag])
    return bytes(changed)


def has_damaged_parts(image: Any) -> bool:
    """Whether a strip or tile of a page, not loaded yet, fails its zlib checksum, which libtiff does not check."""
    tags, file = image.tag_v2, image.fp
    if tags.get(COMPRESSION) not in DEFLATED:
        return False
    place = file.tell()
    try:
        for starts, sizes in PARTS:
            for start, size in zip(tags.get(starts, ()), tags.get(sizes, ()), strict=False):
                file.seek(start)
                unpacked, packed = zlib.decompressobj(), file.read(size)
                while packed:
                    unpacked.decompress(packed, PIECE)
                    packed = unpacked.unconsumed_tail
    except zlib.error:
        return True
    finally:
        file.seek(place)
    return False


def mend_tiff(image: Any) -> None:
    """Corrects the raw layout and the palette of a page that is not loaded yet."""
    image.tile = [_mended(image, tile) for tile in image.tile]
    palette = image.tag_v2.get(PALETTE, ()) if image.mode in ("P", "PA") else ()
    if 0 < max(palette, default=0) <= LARGEST_BYTE:  # of 65,535: some programs write bytes; libtiff reads them so, too
        image.palette = ImagePalette.raw("RGB;L", palette)


def _mended(image: Any, tile: Any) -> Any:
    """A part of a page with its correct raw layout.

    Pillow reads uncompressed 16-bit planes, one per channel, as 8-bit ones. And it swaps the bytes of floats and signed
    numbers that libtiff has swapped already.
    """
    raw, *rest = tile.args
    if tile.codec_name == "libtiff" and raw in BIG_ENDIAN:
        raw = raw.replace("B", "N")
    elif tile.codec_name == "raw" and image.tag_v2.get(PLANAR) == PLANES and set(image.tag_v2.get(BITS, ())) == {16}:
        raw += ";16B" if image.tag_v2.prefix == b"MM" else ";16L"
    return tile._replace(args=(raw, *rest))
