"""Which of a video's streams are taken, how they are shown, and what else of it is kept."""

import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mobile_style.errors import ImageError
from mobile_style.media import moving
from mobile_style.media.clip import Frame
from mobile_style.media.video_input import Video, opened
from mobile_style.media.video_output import VideoFile
from mobile_style.painting import video
from video_files import corners, encoded, write_video


def unchanged(picture: np.ndarray) -> np.ndarray:
    return picture


def first_frame(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24", src_colorspace=1)


ORIENTATIONS = {
    (1, 0, 0, 1): lambda p: p,
    (-1, 0, 0, 1): lambda p: p[:, ::-1],
    (1, 0, 0, -1): lambda p: p[::-1],
    (-1, 0, 0, -1): lambda p: p[::-1, ::-1],
    (0, 1, 1, 0): lambda p: p.swapaxes(0, 1),
    (0, 1, -1, 0): lambda p: np.rot90(p, -1),
    (0, -1, 1, 0): lambda p: np.rot90(p),
    (0, -1, -1, 0): lambda p: p[::-1, ::-1].swapaxes(0, 1),
}


@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_all_eight_orientations(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    encoded(tmp_path / "a.mp4", [corners()] * 2, crf="5")
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    across, down = (max(0, -min(0, a, c) >> 16) * 64, max(0, -min(0, b, d) >> 16) * 48)
    values = (a, b, 0, c, d, 0, across << 16, down << 16, 1 << 30)
    start = content.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2, version 0
    content[start : start + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    (tmp_path / "a.mp4").write_bytes(content)
    assert video.convert(tmp_path / "a.mp4", tmp_path / "b.mp4", unchanged, None) == []
    expected = ORIENTATIONS[matrix](corners())
    written = first_frame(tmp_path / "b.mp4")
    assert written.shape == expected.shape
    middles = [(y, x) for y in (12, -12) for x in (12, -12)]
    np.testing.assert_allclose([written[at] for at in middles], [expected[at] for at in middles], atol=12)


def with_cover_first(path: Path) -> Path:
    """A video whose cover picture is its stream 0: the box of titles before the tracks."""

    def cover(container: av.container.OutputContainer) -> None:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 200, 100, "rgb24"
        stream.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.zeros((100, 200, 3), np.uint8), format="rgb24")
        covers.extend(stream.encode(frame))

    covers: list[av.Packet] = []
    with av.open(str(path), "w") as container:
        cover(container)
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
        container.mux(covers)
        for number in range(6):
            pixels = np.full((48, 64, 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    content = path.read_bytes()
    moov = content.index(b"moov") - 4
    end = moov + int.from_bytes(content[moov : moov + 4], "big")
    boxes, place = [], moov + 8
    while place < end:
        size = int.from_bytes(content[place : place + 4], "big")
        boxes.append(content[place : place + size])
        place += size
    boxes.sort(key=lambda box: [b"mvhd", b"udta", b"trak"].index(box[4:8]))
    path.write_bytes(content[: moov + 8] + b"".join(boxes) + content[end:])
    return path


def test_a_cover_is_not_the_video(tmp_path: Path) -> None:
    source = with_cover_first(tmp_path / "a.mp4")
    with av.open(str(source)) as container:
        assert container.streams.video[0].codec_context.name == "png"
    assert video.convert(source, tmp_path / "b.mp4", unchanged, None) == ["left out: a cover picture"]
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].width == 64 and len(list(container.decode(video=0))) == 6


@pytest.mark.slow
def test_hdr_is_prepared_once(tmp_path: Path) -> None:
    """What turns HDR into BT.709 takes seconds to get ready, and milliseconds a frame."""
    source = tmp_path / "a.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        stream.codec_context.colorspace = stream.codec_context.color_primaries = 9
        stream.codec_context.color_trc = 18
        for number in range(12):
            pixels = np.full((48, 64, 3), 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    stamps = [time.perf_counter()]
    video.convert(source, tmp_path / "b.mp4", lambda p: (stamps.append(time.perf_counter()), p)[1], None)
    taken = np.diff(stamps)
    assert len(taken) == 12 and taken[1:].sum() < taken[0]


def test_damaged_sound_is_left_out(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mts", sound=True, noise=0.5)
    content = bytearray((tmp_path / "a.mts").read_bytes())
    sound = [at for at in range(0, len(content), 188) if (content[at + 1] & 0x1F, content[at + 2]) == (1, 1)]
    for at in sound[20:40]:  # packets of the second stream (ISO/IEC 13818-1, 2.4.3.2), behind their headers
        content[at + 40 : at + 188] = np.random.default_rng(at).bytes(148)
    (tmp_path / "a.mts").write_bytes(content)
    said = video.convert(tmp_path / "a.mts", tmp_path / "b.mp4", unchanged, None)
    assert any("damaged packets of the sound" in line for line in said)
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert len(list(container.decode(video=0))) == 8
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert 10 < len(list(container.decode(audio=0))) < 35  # all of which can be decoded


def with_tracks(path: Path) -> Path:
    """Two languages of sound, subtitles, a title, a date and a place."""
    with av.open(str(path), "w") as container:
        chapter = {"id": 1, "start": 0, "end": 500, "time_base": Fraction(1, 1000), "metadata": {"title": "Hills"}}
        container.set_chapters([chapter])
        container.metadata.update(
            {"title": "A trip", "creation_time": "2024-01-02T03:04:05Z", "location": "+48.1+011.5/"}
        )
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        sounds = [container.add_stream("aac", rate=44100, layout="stereo") for _ in range(2)]
        for sound, language in zip(sounds, ("eng", "ita"), strict=True):
            sound.metadata["language"] = language
        texts = container.add_stream("srt")
        texts.codec_context.subtitle_header = b"[Script Info]\n"
        packets = []
        for number in range(25):
            pixels = np.full((48, 64, 3), 9 * number, np.uint8)
            packets += stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24"))
        packets += stream.encode()
        for sound in sounds:
            for start in range(0, 44032, 1024):
                tone = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
                tone.rate, tone.pts = 44100, start
                packets += sound.encode(tone)
            packets += sound.encode()
        container.start_encoding()
        line = av.Packet(b"Hello")
        line.pts = line.dts = 200
        line.duration, line.time_base, line.stream = 500, Fraction(1, 1000), texts
        packets.append(line)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_tracks_and_titles_are_kept(tmp_path: Path, suffix: str) -> None:
    source, target = with_tracks(tmp_path / "a.mkv"), tmp_path / f"b{suffix}"
    assert video.convert(source, target, unchanged, None) == []
    with av.open(str(target)) as container:
        told = {key.lower(): value for key, value in container.metadata.items()}
        assert told["title"] == "A trip" and told["location"].startswith("+48.1")
        assert told["creation_time"].startswith("2024-01-02T03:04:05")
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["Hills"]
        assert [stream.language for stream in container.streams.audio] == ["eng", "ita"]
        subtitles = [packet for packet in container.demux(container.streams.subtitles[0]) if b"Hello" in bytes(packet)]
        assert float(subtitles[0].pts * subtitles[0].time_base) == pytest.approx(0.2, abs=0.03)
    assert video.convert(source, tmp_path / f"c{suffix}", unchanged, None, metadata=False) == []
    with av.open(str(tmp_path / f"c{suffix}")) as container:
        assert not {"title", "location", "creation_time"} & {key.lower() for key in container.metadata}


def test_what_mp4_cannot_hold_is_said(tmp_path: Path) -> None:
    def told(container: av.container.OutputContainer) -> None:
        container.metadata.update({"title": "A trip", "camera_serial": "12"})

    source = encoded(tmp_path / "a.mkv", [corners()], prepare=told)
    assert video.convert(source, tmp_path / "b.mp4", unchanged, None) == [
        "left out: camera_serial, which .mp4 cannot hold"
    ]


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".webm", ".mp4"])
def test_transparency(tmp_path: Path, suffix: str) -> None:
    picture = np.full((48, 64, 4), (200, 60, 60, 255), np.uint8)
    picture[:, 32:, 3] = 0
    source = encoded(tmp_path / "a.mov", [picture] * 4, "qtrle", "argb")
    seen: list[np.ndarray] = []
    said = video.convert(source, tmp_path / f"b{suffix}", lambda p: (seen.append(p), p)[1], None)
    assert seen[0][10, 50, 0] == 200  # what is transparent is painted, too
    if suffix == ".mp4":
        assert said == ["laid on white: transparency, which .mp4 cannot hold; .webm, .mkv and .mov can"]
        assert first_frame(tmp_path / "b.mp4")[10, 50].min() > 245
        return
    assert said == []
    with opened(tmp_path / f"b{suffix}") as container:
        frames = list(Video(container, "b").frames())
    assert len(frames) == 4 and frames[1].alpha is not None
    assert frames[1].alpha[:, :28].min() > 245 and frames[1].alpha[:, 36:].max() < 10
    np.testing.assert_allclose(frames[1].pixels[10, 10], (200, 60, 60), atol=8)


def test_interlaced_frames_lose_their_combs(tmp_path: Path) -> None:
    """A bar that moves from one half-picture to the next."""
    pictures = []
    for number in range(8):
        picture = np.full((64, 96, 3), 30, np.uint8)
        picture[0::2, 8 * number : 8 * number + 16] = picture[1::2, 8 * number + 6 : 8 * number + 22] = 220
        pictures.append(picture)
    source = encoded(tmp_path / "a.mp4", pictures, crf="5", flags="+ildct+ilme")

    def comb(path: Path) -> float:
        with av.open(str(path)) as container:
            frames = np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)]).astype(int)
        return float(np.abs(2 * frames[2:6, 1:-1] - frames[2:6, :-2] - frames[2:6, 2:]).mean())

    video.convert(source, tmp_path / "b.mp4", unchanged, None)
    assert comb(tmp_path / "b.mp4") < comb(source) / 3
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert len(list(container.decode(video=0))) == 8


NAMES = {
    ".flv": "flv", ".ts": "libx264", ".3g2": "mpeg4", ".m2t": "mpeg2video", ".m2v": "mpeg2video", ".mxf": "mpeg2video",
    ".nut": "mpeg4", ".ivf": "libvpx",
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "codec"), NAMES.items())
def test_names_of_videos(tmp_path: Path, suffix: str, codec: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), np.uint8)
    source = encoded(tmp_path / f"a{suffix}", list(noise), codec)
    assert moving.is_video(source)
    video.convert(source, tmp_path / "b.mp4", unchanged, None)
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert len(list(container.decode(video=0))) == 12
    (tmp_path / "program.ts").write_text("const GREETING: string = 'Good day';\n" * 20)
    assert not moving.is_video(tmp_path / "program.ts")


def test_a_video_reads_no_other_file(tmp_path: Path) -> None:
    write_video(tmp_path / "secret.mp4", sound=False)
    (tmp_path / "a.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with pytest.raises(ImageError, match=r"a\.mp4 is no video of a kind that is read"):
        video.convert(tmp_path / "a.mp4", tmp_path / "b.mp4", unchanged, None)
    assert not (tmp_path / "b.mp4").exists()


def test_the_same_pictures_make_the_same_file(tmp_path: Path, rng: np.random.Generator) -> None:
    """Also on a processor with AVX-512, by which x264's files of 64 x 48 pixels differ."""
    wide = np.cumsum(rng.normal(0, 12, (48, 64 + 60, 3)), 1).astype(np.uint8)
    files = []
    for number in range(20):
        file = VideoFile(tmp_path / f"{number}.mp4", "mp4", Fraction(25), Fraction(1, 25), False, [])
        for at in range(60):
            file.write(Frame(np.ascontiguousarray(wide[:, at : at + 64]), None, Fraction(at, 25), Fraction(1, 25)))
        file.finish()
        files.append((tmp_path / f"{number}.mp4").read_bytes())
    assert len(set(files)) == 1
