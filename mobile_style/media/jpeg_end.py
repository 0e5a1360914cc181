"""Which rows a JPEG file lacks: libjpeg makes them gray, and says nothing if the file is ended as it should be."""

import io
import re
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, JpegImagePlugin

FILLING = (127, 129)  # of each channel, however its colors are told: half of 255
SMALLER = 8  # times, across and down: only the means of blocks are decoded
NOISE = 64  # bytes for each pixel of a row: more than a row of blocks takes
END = b"\xff\xd9"
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # that is neither a byte of the pixels nor a restart
LAST, ALONE = 0xD9, 0x01  # the end, and a marker without a length


def missing_rows(image: Image.Image, read: Callable[[], bytes]) -> int:
    """How many rows of a picture are missing at its end; what is gray there may be so in the photo.

    So the file is decoded once more, with noise behind its pixels: that shows where pixels are missing, and nowhere
    else.

    Args:
        image: of a JPEG file, loaded.
        read: gives what is in the file.
    """
    filled = _filled_rows(image)
    if not filled:
        return 0
    content = read()
    content = content[: end_of_pixels(content)]
    plain, noisy = (_small(content + more + END, image) for more in (b"", _noise(image.width)))
    scale = -(-image.height // plain.height)
    top = (image.height - filled) // scale
    below = (0, top, *plain.size)
    shown = ImageChops.difference(plain.crop(below), noisy.crop(below)).getbbox()
    return 0 if shown is None else min(filled, image.height - (top + shown[1]) * scale)


def _filled_rows(image: Image.Image) -> int:
    """How many rows at the end may be libjpeg's."""
    for row in reversed(range(image.height)):
        values = np.asarray(image.crop((0, row, image.width, row + 1)))
        if values.min() < FILLING[0] or values.max() > FILLING[1]:
            return image.height - 1 - row
    return image.height


def end_of_pixels(content: bytes) -> int:
    """Where the last scan of a JPEG file's first picture ends (ITU-T T.81, B.1.1.2 to B.2.3)."""
    place = 2
    while found := MARKER.search(content, place):
        code = found[1][0]
        if code == LAST:
            return found.start()
        place = found.end()
        if code != ALONE:
            place += max(2, int.from_bytes(content[place : place + 2], "big"))
    return len(content)


def _noise(width: int) -> bytes:
    """Pixels that mean nothing, and again behind each restart that the decoder may be waiting for."""
    part = np.random.default_rng(0).integers(0, 255, NOISE * width, np.uint8).tobytes()  # without 255, of markers
    return part + b"".join(b"\xff" + bytes([0xD0 + number]) + part for number in range(8))


def _small(content: bytes, like: Image.Image) -> Image.Image:
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(content))
    image.draft(None, (max(1, like.width // SMALLER), max(1, like.height // SMALLER)))
    image.load()
    return image
