"""JPEG files with damage among their pixels, of which libjpeg says nothing.

Not all damage can be told: where as many pixels are decoded as there are, a file is as good as any other. It is told of
two in three photos with 16 bytes exchanged that look different, and of 9 in 10 with a block of a disk exchanged.
"""

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mobile_style.media.decoding import COARSE, CUT, DAMAGED, decode
from mobile_style.media.jpeg_end import END
from mobile_style.media.jpeg_scans import scans_of

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("RGB", {}),
    ("RGB", {"subsampling": 0}),
    ("RGB", {"optimize": True}),
    ("RGB", {"progressive": True}),
    ("RGB", {"restart_marker_rows": 1}),
    ("RGB", {"restart_marker_blocks": 7}),
    ("L", {}),
    ("L", {"progressive": True}),
    ("CMYK", {}),
    ("CMYK", {"restart_marker_rows": 2}),
]
BLOCK = 512  # bytes of a disk


def encoded(picture: Image.Image, mode: str, **options: Any) -> bytes:
    content = io.BytesIO()
    if mode == "CMYK":
        picture = Image.merge("CMYK", [*picture.split(), picture.getchannel(0)])
    else:
        picture = picture.convert(mode)
    picture.save(content, "JPEG", **{"quality": 90} | options)
    return content.getvalue()


@pytest.fixture
def photo(rng: np.random.Generator) -> Image.Image:
    """With edges, smooth parts and noise, and no gray corner."""
    noise = rng.integers(0, 256, (30, 40, 3), np.uint8)
    smooth = Image.fromarray(noise).resize((400, 300), Image.Resampling.BICUBIC)
    return Image.fromarray(np.asarray(smooth) // 2 + rng.integers(0, 99, (300, 400, 3), np.uint8))


@pytest.mark.parametrize(("mode", "options"), KINDS)
def test_a_block_of_another_file(
    photo: Image.Image, rng: np.random.Generator, mode: str, options: dict[str, Any]
) -> None:
    content = encoded(photo, mode, **options)
    begin = len(content) - 30_000  # of the middle
    found = 0
    for place in rng.integers(begin, begin + 15_000, 8):
        block = rng.integers(0, 255, BLOCK, np.uint8).tobytes()  # without 255, of markers
        (page,) = decode(content[:place] + block + content[place + BLOCK :])
        assert page.pixels.shape == (300, 400, 3)
        found += page.remarks != ()
    assert found >= 6


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_few_blocks_too_many_or_too_few(photo: Image.Image, mode: str) -> None:
    """Of 8 pixels each way, which a few bytes tell, and which are not in the last corner."""
    content = encoded(photo, mode, quality=100)
    place = len(content) // 2
    for damaged in (content[:place] + content[place + 300 :], content[:place] + content[place - 300 :]):
        assert decode(damaged)[0].remarks == (DAMAGED,)


def test_where_the_damage_is_said(photo: Image.Image) -> None:
    content = encoded(photo, "RGB", progressive=True)
    middle = len(content) // 2
    assert decode(content[:middle] + content[middle + 100 :])[0].remarks == (DAMAGED,)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("ended", [False, True])
def test_a_progressive_file_without_its_last_scans(photo: Image.Image, mode: str, ended: bool) -> None:
    content = encoded(photo, mode, progressive=True)
    tables = [found.start() for found in re.finditer(b"\xff\xc4", content)]  # before each scan
    for cut, said in [*((place, COARSE) for place in tables[2:]), (tables[-1] + 300, CUT if not ended else DAMAGED)]:
        assert decode(content[:cut] + (END if ended else b""))[0].remarks == (said,)
    assert decode(content)[0].remarks == ()


@pytest.mark.parametrize(("mode", "options"), KINDS)
def test_sound_files(photo: Image.Image, rng: np.random.Generator, mode: str, options: dict[str, Any]) -> None:
    half = np.asarray(photo).copy()
    half[150:] = half[0, 0]  # of which a byte tells several blocks
    thumbnail = encoded(photo.resize((40, 30)), "RGB")
    for picture in (photo, Image.fromarray(half), photo.resize((1, 1)), photo.resize((17, 9))):
        for quality in (5, 75, 100):
            content = encoded(picture, mode, quality=quality, **options)
            for behind in (b"", bytes(1000), rng.bytes(1000), content):
                assert decode(content + behind)[0].remarks == ()
            extra = b"\xff\xed" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
            assert decode(content[:2] + extra + content[2:])[0].remarks == ()


def test_bytes_that_fill_up_a_file(photo: Image.Image) -> None:
    content = encoded(photo, "RGB")
    for filling in (bytes(100), b"\xff" * 100, b"\x12\x34\x56"):  # a few of any kind are read ahead
        assert decode(content[:-2] + filling + content[-2:])[0].remarks == ()


def test_kinds_that_ffmpeg_does_not_know_are_not_judged(photo: Image.Image) -> None:
    """Damage of them is not looked for: brightness at three times the columns, and what is coded arithmetically."""
    content = bytearray(encoded(photo, "RGB", restart_marker_rows=1))
    at = content.index(b"\xff\xc0")
    content[at + 11] = 0x31  # ITU-T T.81, B.2.2
    assert not scans_of(bytes(content)).is_damaged()
    content[at + 1] = 0xC9
    assert not scans_of(bytes(content)).is_damaged()


def test_a_sound_photo_waits_for_nothing_of_videos(photo: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(photo, "RGB"))
    code = (
        "import sys\nfrom pathlib import Path\nfrom mobile_style.media.decoding import decode\n"
        f"decode(Path({str(tmp_path / 'a.jpg')!r}))\nprint('av' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
