"""Which rows a JPEG file lacks: libjpeg makes them gray, and says nothing if the file is ended as it should be."""

import io

import numpy as np
from PIL import Image, ImageChops, JpegImagePlugin

FILLING = (127, 129)  # of each channel, however its colors are told: half of 255
SMALLER = 8  # times, across and down: only the means of blocks are decoded
NOISE = 64  # bytes for each pixel of a row: more than a row of blocks takes
END = b"\xff\xd9"


def missing_rows(image: Image.Image, pixels: bytes) -> int:
    """How many rows of a picture are missing at its end; what is gray there may be so in the photo.

    So the file is decoded once more, with noise behind its pixels: that shows where pixels are missing, and nowhere
    else.

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
    """How many rows at the end may be libjpeg's, the last one perhaps in part."""
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
    """Pixels that mean nothing, and again behind each restart that the decoder may be waiting for."""
    part = np.random.default_rng(0).integers(0, 255, NOISE * width, np.uint8).tobytes()  # without 255, of markers
    return part + b"".join(b"\xff" + bytes([0xD0 + number]) + part for number in range(8))


def _small(content: bytes, like: Image.Image) -> Image.Image:
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(content))
    image.draft(None, (max(1, like.width // SMALLER), max(1, like.height // SMALLER)))
    image.load()
    return image
