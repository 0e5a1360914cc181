"""What Pillow takes wrongly of the tags of TIFF files (TIFF 6.0), or does not take at all."""

from contextlib import suppress
from typing import Any, BinaryIO

from PIL import ImagePalette, TiffImagePlugin

from .colors import SAMPLE_FORMAT

BITS, PLANAR, APART, PALETTE = 258, 284, 2, 320  # tags, and a value of the one before
KINDS = {2: "signed ", 3: "floating-point "}  # of values, by SAMPLE_FORMAT
BIG_ENDIAN = ("F;32BF", "I;16BS", "I;32BS")  # Pillow's names of layouts; with N for B, as the machine has them
LARGEST_BYTE = 255


def values_of_tiff(file: BinaryIO) -> str:
    """What kind of values a TIFF file holds that Pillow does not open; empty if they are not why, or if it is none."""
    with suppress(Exception):  # of what is damaged, Pillow raises whatever it stumbles over
        tags = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
        file.seek(tags.next)
        tags.load(file)
        bits, kind = tags.get(BITS, (1,)), KINDS.get(max(tags.get(SAMPLE_FORMAT, (1,))), "")
        if kind or max(bits) > 16:
            return f"{max(bits)}-bit {kind}{'colors' if len(bits) > 1 else 'grays'}, which cannot be read"
    return ""


def mend_tiff(image: Any) -> None:
    """Gives a page, not loaded yet, its right layout and palette."""
    image.tile = [_mended(image, tile) for tile in image.tile]
    palette = image.tag_v2.get(PALETTE, ()) if image.mode in ("P", "PA") else ()
    if 0 < max(palette, default=0) <= LARGEST_BYTE:  # of 65,535: some programs write bytes, as libtiff knows, too
        image.palette = ImagePalette.raw("RGB;L", palette)


def _mended(image: Any, tile: Any) -> Any:
    """A part of a page with its right layout.

    Pillow takes uncompressed planes of 16 bits, each channel apart, for ones of 8; and it swaps the bytes of floats and
    signed numbers that libtiff has swapped.
    """
    raw, *rest = tile.args
    if tile.codec_name == "libtiff" and raw in BIG_ENDIAN:
        raw = raw.replace("B", "N")
    elif tile.codec_name == "raw" and image.tag_v2.get(PLANAR) == APART and set(image.tag_v2.get(BITS, ())) == {16}:
        raw += ";16B" if image.tag_v2.prefix == b"MM" else ";16L"
    return tile._replace(args=(raw, *rest))
