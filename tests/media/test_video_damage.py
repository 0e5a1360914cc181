"""Videos of which a part is damaged or missing."""

from pathlib import Path

import av
import numpy as np
import pytest

from mobile_style.media.clip import Frame
from mobile_style.media.video_input import Video, opened
from video_files import corners, encoded


def frames_of(path: Path) -> tuple[list[Frame], list[str]]:
    """All frames, and the remarks."""
    with opened(path) as container:
        clip = Video(container, path.name)
        return list(clip.frames()), clip.remarks


def shortened(path: Path, share: float) -> Path:
    """The file without its end."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


def test_a_packet_that_the_decoder_cannot_take(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.avi", [corners()] * 8, "rawvideo")
    frames, remarks = frames_of(shortened(path, 0.6))
    assert len(frames) == 4 and remarks == ["left out: 1 damaged packets of the picture"]


def test_other_errors_of_a_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encoded(tmp_path / "a.mkv", [corners()] * 8, "ffv1")
    with opened(path) as container:
        clip = Video(container, path.name)
        decoder, number = clip._decoder, iter(range(100))

        class Stumbling:
            def decode(self, packet: av.Packet | None) -> list[av.VideoFrame]:
                if next(number) == 3:
                    raise av.error.ExternalError(542398533, "Generic error")
                return list(decoder.decode(packet))

        monkeypatch.setattr(clip, "_decoder", Stumbling())
        assert len(list(clip.frames())) == 7 and clip.remarks == ["left out: 1 damaged packets of the picture"]


def test_damaged_transparency_leaves_the_picture(tmp_path: Path) -> None:
    picture = np.dstack([corners(), np.full((48, 64), 100, np.uint8)])
    path = encoded(tmp_path / "a.webm", [picture] * 8, "libvpx-vp9", "yuva420p")
    frames, remarks = frames_of(path)
    assert len(frames) == 8 and not remarks and frames[0].alpha is not None and frames[0].alpha.max() < 110
    content = bytearray(path.read_bytes())
    at = content.index(b"\x75\xa1") + 16  # of Matroska's BlockAdditions (RFC 9559, 5.1.3.5.2)
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    frames, remarks = frames_of(path)
    assert len(frames) == 8 and remarks == ["left out: its transparency, which is damaged"]
    assert frames[0].alpha is not None and frames[0].alpha.min() == 255
