"""Videos painted in parts beside the same videos painted at once."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mobile_style.errors import ImageError
from mobile_style.media.video_cut import parts_of
from mobile_style.media.video_input import Video
from mobile_style.painting import video
from mobile_style.painting.video_parts import join, paint_part
from video_files import write_long_video


def inverted(picture: np.ndarray) -> np.ndarray:
    return 255 - picture


def painted_parts(source: Path, folder: Path, size: int | None = None) -> list[Path]:
    files = []
    for part in parts_of(source):
        files.append(folder / f"{part.number}{source.suffix}")
        assert paint_part(source, part, files[-1], inverted, size) == []
    return files


def told(path: Path) -> dict[str, Any]:
    """All that a player needs of a file, but the coded pictures."""
    with av.open(str(path)) as container:
        found: dict[str, Any] = {"tags": dict(container.metadata), "start": container.start_time}
        found["rates"] = [stream.average_rate for stream in container.streams.video]
        packets = [packet for packet in container.demux() if packet.size]
        for index in range(2):
            track = [packet for packet in packets if packet.stream.index == index]
            found[f"shown {index}"] = sorted((p.pts, p.time_base) for p in track)
            found[f"decoded {index}"] = [p.dts for p in track]  # which of them when is up to the encoder
            found[f"durations {index}"] = sorted(p.duration for p in track)
        found["sound"] = [bytes(packet) for packet in packets if packet.stream.type == "audio"]
    return found


@pytest.mark.parametrize(
    ("name", "start", "codecs"),
    [("a.mp4", 0, ("libx264", "aac")), ("late.mkv", 3, ("libx264", "aac")), ("a.webm", 0, ("libvpx-vp9", "libopus"))],
)
def test_the_joined_video_is_the_whole_one(name: str, start: int, codecs: tuple[str, str], tmp_path: Path) -> None:
    alpha, source = name.endswith("webm"), tmp_path / name
    write_long_video(source, start=start, codecs=codecs, alpha=alpha, **({"cpu-used": "8"} if alpha else {}))
    whole, joined = source.with_stem("whole"), source.with_stem("joined")
    assert video.convert(source, whole, inverted, 24) == []
    assert join(source, painted_parts(source, tmp_path, 24), joined) == []
    assert told(joined) == told(whole)
    with av.open(str(whole)) as one, av.open(str(joined)) as other:
        pairs = list(zip(Video(one, "one").frames(), Video(other, "other").frames(), strict=True))
    assert len(pairs) > 150
    for expected, frame in pairs:  # the rate control of the encoder differs, not what it is given
        assert np.abs(frame.pixels.astype(int) - expected.pixels).mean() < 8
        assert (frame.alpha is not None) == alpha
        if alpha:
            assert np.abs(frame.alpha.astype(int) - expected.alpha).mean() < 8


def test_no_metadata(tmp_path: Path) -> None:
    write_long_video(tmp_path / "a.mp4")
    join(tmp_path / "a.mp4", painted_parts(tmp_path / "a.mp4", tmp_path), tmp_path / "b.mp4", metadata=False)
    assert "title" not in told(tmp_path / "b.mp4")["tags"]


def test_parts_that_do_not_fit(tmp_path: Path) -> None:
    write_long_video(tmp_path / "a.mp4")
    files = painted_parts(tmp_path / "a.mp4", tmp_path)
    for wrong in (files[::-1], [files[0], files[0]]):
        with pytest.raises(ImageError, match="do not fit together"):
            join(tmp_path / "a.mp4", wrong, tmp_path / "b.mp4")
    files[1].unlink()
    paint_part(tmp_path / "a.mp4", parts_of(tmp_path / "a.mp4")[1], files[1], inverted, 24)
    with pytest.raises(ImageError, match="do not fit together"):
        join(tmp_path / "a.mp4", files, tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists() and not list(tmp_path.glob(".*"))
