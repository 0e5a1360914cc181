"""TIFF files whose tags Pillow takes in another way than they are meant, or not at all."""

import io
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mobile_style.errors import ImageError
from mobile_style.media import images
from mobile_style.media.decoding import DAMAGED, decode
from picture_files import tiff

ORIENTATION, PREDICTOR, PALETTE = 274, 317, 320


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_palette_of_bytes(rng: np.random.Generator, compression: str) -> None:
    """The format wants numbers up to 65,535."""
    colors, places = rng.integers(0, 256, (256, 3)), rng.integers(0, 256, (9, 12), np.uint8)
    for factor in (1, 256, 257):
        content = with_palette(places, colors * factor, compression)
        np.testing.assert_array_equal(images.load(content), colors[places])
    assert not images.load(with_palette(places, colors * 0, compression)).any()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("apart", [False, True])
def test_floating_point_colors(rng: np.random.Generator, apart: bool, order: str, packed: bool) -> None:
    pixels = rng.integers(0, 256, (6, 8, 3), np.uint8)
    for scale in (1 / 255, 1.0):
        values = (pixels * scale).astype(np.float32)
        planes = list(np.moveaxis(values, -1, 0)) if apart else [values]
        np.testing.assert_array_equal(images.load(tiff(planes, 2, 3, order, packed)), pixels)
        turned = tiff(planes, 2, 3, order, packed, more={ORIENTATION: 6})
        np.testing.assert_array_equal(images.load(turned), np.rot90(pixels, -1))


@pytest.mark.parametrize("more", [{PREDICTOR: 3}, {PREDICTOR: 2}])
def test_floating_point_colors_that_are_not_read(rng: np.random.Generator, more: dict[int, int]) -> None:
    values = rng.random((6, 8, 3), np.float32)
    with pytest.raises(ImageError, match="is a TIFF file of 32-bit floating-point colors, which cannot be read; save"):
        images.load(tiff([values], 2, 3, packed=True, more=more))


def test_packed_parts_that_do_not_fit_their_checksum(rng: np.random.Generator) -> None:
    """Of which libtiff finds few."""
    with io.BytesIO() as file:
        smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize((160, 120))
        smooth.save(file, "TIFF", compression="tiff_deflate")
        content = file.getvalue()
    assert decode(content)[0].remarks == ()
    found: list[tuple[str, ...]] = []
    for place in range(len(content) // 4, len(content) // 2, len(content) // 80):
        with suppress(ImageError):
            found.append(decode(content[:place] + bytes(32) + content[place + 32 :])[0].remarks)
    assert found and all(remarks == (DAMAGED,) for remarks in found)


def with_palette(places: np.ndarray, colors: np.ndarray, compression: str) -> bytes:
    """A file with these numbers, (256, 3), as its palette."""
    picture = Image.fromarray(places, "P")
    picture.putpalette(bytes(range(256)) * 3)
    with io.BytesIO() as file:
        picture.save(file, "TIFF", compression=compression)
        content = file.getvalue()
        tags = ImageFileDirectory_v2(content[:8])
        file.seek(tags.next)
        tags.load(file)
    old = np.array(tags[PALETTE], "<u2").tobytes()
    assert content.count(old) == 1
    return content.replace(old, colors.T.astype("<u2").tobytes())
