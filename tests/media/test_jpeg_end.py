"""JPEG files without their last rows, and photos that end in gray."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mobile_style.errors import ImageError
from mobile_style.media.decoding import decode
from mobile_style.media.jpeg_end import END

CUT = ("the end of the file is missing",)
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("RGB", {}),
    ("RGB", {"subsampling": 0, "keep_rgb": True}),
    ("RGB", {"progressive": True}),
    ("RGB", {"restart_marker_rows": 1}),
    ("RGB", {"restart_marker_blocks": 7}),
    ("L", {}),
    ("CMYK", {}),
    ("CMYK", {"restart_marker_rows": 1}),
]


def photo(rng: np.random.Generator, mode: str, gray: bool, **options: Any) -> bytes:
    """A photo, whose lower half may be what libjpeg fills in."""
    noise = rng.integers(0, 256, (240, 320, 4), np.uint8)
    if gray:
        noise[120:] = 127 if mode == "CMYK" else 128
    content = io.BytesIO()
    picture = Image.fromarray(noise, "CMYK") if mode == "CMYK" else Image.fromarray(noise[..., :3]).convert(mode)
    picture.save(content, "JPEG", quality=90, **options)
    return content.getvalue()


@pytest.mark.parametrize(("mode", "options"), KINDS)
def test_gray_that_is_in_the_photo(rng: np.random.Generator, mode: str, options: dict[str, Any]) -> None:
    content = photo(rng, mode, True, **options)
    (page,) = decode(content)
    assert page.remarks == () and np.ptp(page.pixels[140:]) <= 2
    (page,) = decode(content + b"more" + content)  # as further pictures lie behind the first one
    assert page.remarks == ()
    (page,) = decode(content[:-2])
    assert page.remarks in (CUT, ())  # as the decoder takes it


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(("mode", "options"), [kind for kind in KINDS if "progressive" not in kind[1]])
def test_half_a_photo(rng: np.random.Generator, mode: str, options: dict[str, Any], ended: bool) -> None:
    content = photo(rng, mode, False, **options)
    half = content[: len(content) // 2] + (END if ended else b"")
    with pytest.raises(ImageError, match=r"is damaged \(it lacks (9|1[012])\d of 240 rows\)"):
        decode(half)
    most = content[: len(content) * 93 // 100] + (END if ended else b"")
    assert decode(most)[0].remarks == CUT


def test_a_size_with_no_photo_behind_it(rng: np.random.Generator) -> None:
    content = bytearray(photo(rng, "RGB", False))
    at = content.index(b"\xff\xc0") + 5  # ITU-T T.81, B.2.2
    content[at : at + 4] = (3000).to_bytes(2, "big") * 2
    with pytest.raises(ImageError, match=r"it lacks 2\d\d\d of 3000 rows"):
        decode(bytes(content))
