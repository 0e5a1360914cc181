from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mobile_style.errors import ImageError, OutputError
from mobile_style.media.video_input import CONVERTS_HDR
from mobile_style.painting import video
from mobile_style.painting.files import stylize_files
from video_files import write_video


@pytest.mark.parametrize("sound", [True, False])
def test_video(trained_run: Path, tmp_path: Path, sound: bool) -> None:
    write_video(tmp_path / "a.mp4", sound)
    (written,) = stylize_files([tmp_path / "a.mp4"], str(trained_run), strength=0.0)
    with av.open(str(written)) as container:
        assert len(container.streams.audio) == sound
        assert container.streams.video[0].average_rate == 10
        assert sum(packet.size > 0 for packet in container.demux(audio=0)) > 30 if sound else True
    with av.open(str(written)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 8 and frames[0].shape == (48, 64, 3)
    np.testing.assert_allclose([frame.mean() for frame in frames], [20 * n for n in range(8)], atol=4)


@pytest.mark.parametrize(("space", "height"), [(1, 48), (5, 48), (2, 578)])
def test_the_look_of_a_video_is_kept(space: int, height: int, tmp_path: Path) -> None:
    """In pixels that are wider than high, and in the colors of SD and HD; HD often does not say that it is."""
    told, color, source, target = (1 if space == 2 else space), (199, 39, 40), tmp_path / "a.mp4", tmp_path / "b.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 96, height, "yuv420p"
        stream.codec_context.sample_aspect_ratio, stream.codec_context.colorspace = Fraction(4, 3), space
        frame = av.VideoFrame.from_ndarray(np.full((height, 96, 3), color, np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=told)))
        container.mux(stream.encode())
    video.convert(source, target, lambda picture: picture, None)
    with av.open(str(target)) as container:
        written = container.streams.video[0]
        assert (written.width, written.height, written.codec_context.colorspace) == (128, height, 1)
        assert written.sample_aspect_ratio in (None, 1)
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24", src_colorspace=1)
    np.testing.assert_allclose(pixels.mean((0, 1)), color, atol=4)


@pytest.mark.slow
@pytest.mark.skipif(not CONVERTS_HDR, reason="PyAV 17 does not convert HDR")
def test_hdr_becomes_bt709(tmp_path: Path) -> None:
    """As phones record it: 10 bits, BT.2020, hybrid log-gamma; what is given to the network is what is written."""
    source, target, seen = tmp_path / "a.mp4", tmp_path / "b.mp4", []
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p10le"
        stream.codec_context.colorspace = stream.codec_context.color_primaries = 9
        stream.codec_context.color_trc = 18
        frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), (150, 60, 60), np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p10le", dst_colorspace=9)))
        container.mux(stream.encode())
    video.convert(source, target, lambda picture: (seen.append(picture.mean((0, 1))), picture)[1], None)
    with av.open(str(target)) as container:
        color = container.streams.video[0].codec_context
        assert (color.colorspace, color.color_primaries, color.color_trc) == (1, 1, 1)
        written = next(container.decode(video=0)).to_ndarray(format="rgb24").mean((0, 1))
    np.testing.assert_allclose(written, seen[0], atol=4)
    assert seen[0][0] > 170  # the same light is a more saturated red among the fewer colors of BT.709


def test_a_video_with_a_damaged_packet(tmp_path: Path) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    write_video(source, sound=True)
    content = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][3]
    content[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    source.write_bytes(content)
    said = video.convert(source, target, lambda picture: picture, None)
    with av.open(str(target)) as container:
        assert 4 <= sum(1 for _ in container.decode(video=0)) <= 8 and container.streams.audio
    assert said == ["left out: 1 damaged packets of the picture"]


def test_a_camcorders_video(trained_run: Path, tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    write_video(tmp_path / "film" / "a.mts", sound=True)
    assert stylize_files([tmp_path / "film"], str(trained_run)) == [tmp_path / "film-tiny" / "a-tiny.mp4"]


def test_sound_that_mp4_does_not_hold(trained_run: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "a.wmv", sound=True, codecs=("wmv2", "wmav2"))
    (written,) = stylize_files([tmp_path / "a.wmv"], str(trained_run), strength=0.0)
    with av.open(str(written)) as container:
        assert written.suffix == ".mp4" and container.streams.audio[0].codec_context.name == "aac"
        seconds = sum(frame.samples for frame in container.decode(audio=0)) / 44100
    assert seconds == pytest.approx(34816 / 44100, abs=0.1)


def test_names_and_titles_of_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "a.avi", sound=False, codecs=("mpeg4", ""), title="Caf\u00e9!")
    old = (tmp_path / "a.avi").read_bytes()
    assert old.count("\u00e9!".encode()) == 1
    Path("12:30.avi").write_bytes(old.replace("\u00e9!".encode(), "\u00e9! ".encode("latin-1")))
    video.convert(Path("12:30.avi"), Path("12:31.mp4"), lambda picture: picture, None)
    assert (tmp_path / "12:31.mp4").stat().st_size > 1000


def test_bad_videos(trained_run: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", sound=False)
    (tmp_path / "bad.mp4").write_bytes((tmp_path / "a.mp4").read_bytes()[:300])
    with pytest.raises(ImageError, match=r"bad\.mp4 cannot be converted"):
        stylize_files([tmp_path / "bad.mp4"], str(trained_run))
    assert not list(tmp_path.glob("*tiny*")) and not list(tmp_path.glob(".*"))
    with pytest.raises(OutputError, match=r"\.mp4, \.m4v"):
        video.convert(tmp_path / "a.mp4", tmp_path / "a.bmp", lambda picture: picture, None)
