"""How many rows a JPEG file lacks: libjpeg fills them with gray, and reports nothing if the end marker is there."""

import io

import numpy as np
from PIL import Image, ImageChops, JpegImagePlugin

FILLING = (127, 129)  # each channel's range in missing rows, in any color space: half of 255
SMALLER = 8  # factor by which both sides are reduced: only the means of blocks are decoded
NOISE = 64  # bytes for each pixel of the width: more than a row of blocks takes
END = b"\xff\xd9"


def missing_rows(image: Image.Image, pixels: bytes) -> int:
    """The number of rows that are missing at the end of a picture.

    Gray rows may also be part of the photo. So the file is decoded again with noise after its pixels: the noise shows
    only where pixels are missing.

    Args:
        image: of a JPEG file, loaded.
        pixels: the file up to the end of its last scan.
    """
    filled = _filled_rows(image)
    if not filled:
        return 0
    plain, noisy = (_small(pixels + more + END, image) for more in (b"", _noise(image.width)))
    scale = -(-image.height // plain.height)
    top = (image.height - filled) // scale
    below = (0, top, *plain.size)
    shown = ImageChops.difference(plain.crop(below), noisy.crop(below)).getbbox()
    return 0 if shown is None else min(filled, image.height - (top + shown[1]) * scale)


def _filled_rows(image: Image.Image) -> int:
    """The number of rows at the end that libjpeg may have filled; 1 if it may be only a part of the last one."""
    right, bottom = image.size
    if not _is_filling(image.crop((right - 1, bottom - 1, right, bottom))):
        return 0
    for row in reversed(range(bottom)):
        if not _is_filling(image.crop((0, row, right, row + 1))):
            return max(1, bottom - 1 - row)
    return bottom


def _is_filling(part: Image.Image) -> bool:
    values = np.asarray(part)
    return bool(FILLING[0] <= values.min() and values.max() <= FILLING[1])


def _noise(width: int) -> bytes:
    """Random bytes, repeated after each restart marker that the decoder may be waiting for."""
    part = np.random.default_rng(0).integers(0, 255, NOISE * width, np.uint8).tobytes()  # no 255, which begins markers
    return part + b"".join(b"\xff" + bytes([0xD0 + number]) + part for number in range(8))


def _small(content: bytes, like: Image.Image) -> Image.Image:
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(content))
    image.draft(None, (max(1, like.width // SMALLER), max(1, like.height // SMALLER)))
    image.load()
    return image
