"""Videos of which a part is damaged or missing."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mobile_style.media import moving
from mobile_style.media.clip import Frame
from mobile_style.media.video_input import Video, opened
from video_files import corners, encoded, write_long_video, write_video


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
    assert len(frames) == 4
    assert remarks == ["the end of the file is missing", "left out: 1 damaged packets of the picture"]


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


def noise(count: int = 40) -> list[np.ndarray]:
    """Pictures that take about the same bytes each."""
    return list(np.random.default_rng(0).integers(0, 256, (count, 48, 64, 3), np.uint8))


@pytest.mark.parametrize("suffix", [".mkv", ".flv", ".webm"])
def test_an_end_that_is_missing(tmp_path: Path, suffix: str) -> None:
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    path = encoded(tmp_path / f"a{suffix}", noise(), codec, g="10", bf="0")
    assert frames_of(path)[1] == []
    frames, remarks = frames_of(shortened(path, 0.6))
    assert 15 < len(frames) < 30 and len(remarks) == 1
    assert re.fullmatch(r"the end of the file is missing: its frames end after [01]\.\d of 1\.[67] seconds", remarks[0])


def test_an_index_that_tells_more_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for picture in noise():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    assert frames_of(path)[1] == []
    remarks = frames_of(shortened(path, 0.6))[1]
    assert re.fullmatch(r"the end of the file is missing: it holds 2\d of 40 frames", remarks[0])


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".flv", ".ts", ".avi"])
@pytest.mark.parametrize("start", [0, 5])
def test_whole_videos_of_uneven_frames_lack_nothing(tmp_path: Path, suffix: str, start: int) -> None:
    codecs = ("libvpx", "libopus") if suffix == ".webm" else ("libx264", "aac")
    if suffix == ".flv":
        write_video(tmp_path / "a.flv", True)
    else:
        write_long_video(tmp_path / f"a{suffix}", 8, start, codecs)
    assert not [remark for remark in frames_of(tmp_path / f"a{suffix}")[1] if "missing:" in remark]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_single_frames_that_last_long(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        packets = []
        for number, time in enumerate((0, 40, 80, 5000, 9000, 9040)):
            frame = av.VideoFrame.from_ndarray(noise(6)[number], format="rgb24")
            frame.pts, frame.time_base, frame.duration = time, Fraction(1, 1000), 4000 if time == 9040 else 40
            packets += stream.encode(frame)
        container.mux(packets + list(stream.encode()))
    frames, remarks = frames_of(path)
    assert len(frames) == 6 and remarks == []


@pytest.mark.parametrize(("suffix", "codec"), [(".avi", "mpeg4"), (".mpg", "mpeg2video"), (".flv", "flv")])
def test_frames_that_are_damaged(tmp_path: Path, suffix: str, codec: str) -> None:
    """They are painted as the decoder makes them up; of H.264 it does not tell."""
    random = np.random.default_rng(0)
    path = encoded(tmp_path / f"a{suffix}", list(random.integers(0, 256, (12, 48, 64, 3), np.uint8)), codec)
    frames, remarks = frames_of(path)
    assert len(frames) == 12 and not remarks
    content = bytearray(path.read_bytes())
    place = len(content) // 2
    content[place : place + 64] = random.bytes(64)
    path.write_bytes(content)
    frames, remarks = frames_of(path)
    assert len(frames) == 12 and re.fullmatch(r"damaged: \d+ frames", remarks[0])


@pytest.mark.parametrize(("suffix", "codecs"), [(".avi", ("mpeg4", "mp3")), (".wmv", ("wmv2", "wmav2"))])
def test_a_file_that_is_shorter_than_it_tells(tmp_path: Path, suffix: str, codecs: tuple[str, str]) -> None:
    path = tmp_path / f"a{suffix}"
    write_video(path, sound=True, codecs=codecs, noise=1.0)
    frames, remarks = frames_of(path)
    assert len(frames) == 8 and not remarks
    frames, remarks = frames_of(shortened(path, 0.6))
    assert 1 <= len(frames) < 8 and "the end of the file is missing" in remarks


@pytest.mark.parametrize("step", [188, 192, 204])
@pytest.mark.parametrize("begin", [0, 100])
def test_a_transport_stream_that_ends_inside_a_packet(tmp_path: Path, step: int, begin: int) -> None:
    """As a recording that was broken off; one may begin so, too."""
    write_video(tmp_path / "a.ts", sound=True, noise=1.0)
    content = (tmp_path / "a.ts").read_bytes()
    packets = [content[at : at + 188] for at in range(0, len(content), 188)]
    before, behind = (bytes(4), b"") if step == 192 else (b"", bytes(step - 188))
    whole = b"".join([before + packet + behind for packet in packets])[begin:]
    path = tmp_path / "b.ts"
    for end, cut in (
        (None, False),
        (-step, False),
        (-50 - step, True),
        (len(whole) // 2 // step * step + 90 - begin, True),
    ):
        path.write_bytes(whole[:end])
        assert moving.is_video(path)
        assert frames_of(path)[1] == (["the end of the file is missing"] if cut else []), end
    path.write_bytes(whole + bytes(100))
    assert frames_of(path)[1] == []
