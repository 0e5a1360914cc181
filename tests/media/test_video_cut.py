"""Where videos are cut, and whether what is read of the parts is what is read of the whole."""

from pathlib import Path

import numpy as np
import pytest

from mobile_style.media import video_cut
from mobile_style.media.clip import Frame, Part
from mobile_style.media.video_cut import LENGTH, parts_of
from mobile_style.media.video_input import Video, opened
from video_files import write_long_video, write_video

OPEN = {"x264-params": "open-gop=1:keyint=20:min-keyint=10"}


def frames_of(source: Path, part: Part | None = None) -> list[Frame]:
    with opened(source) as container:
        return list(Video(container, source.name).frames(part))


@pytest.mark.parametrize(
    ("name", "start", "options"),
    [
        ("a.mp4", 0, {}),
        ("late.mov", 3, {}),  # the sound begins three seconds before
        ("open.mkv", 0, OPEN),  # frames that are shown before a key frame come after it
        ("refresh.mp4", 0, {"x264-params": "intra-refresh=1:keyint=20"}),  # key frames that are so bit by bit
        ("fields.mp4", 0, {"x264-params": "tff=1:interlaced=1:keyint=20"}),  # a frame depends on its neighbors
    ],
)
def test_the_parts_are_the_whole(name: str, start: int, options: dict[str, str], tmp_path: Path) -> None:
    write_long_video(tmp_path / name, start=start, **options)
    whole, parts = frames_of(tmp_path / name), parts_of(tmp_path / name)
    assert len(parts) == 2 and all(part.shape == (48, 64) for part in parts)
    read = [frames_of(tmp_path / name, part) for part in parts]
    joined = [frame for frames in read for frame in frames]
    assert [(f.time, f.duration) for f in joined] == [(f.time, f.duration) for f in whole]
    assert LENGTH <= read[1][0].time - read[0][0].time <= LENGTH + 5
    for one, other in zip(joined, whole, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_what_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "short.mp4", sound=False)
    write_long_video(tmp_path / "single.mp4", g="1000", sc_threshold="0")  # it has one key frame
    write_long_video(tmp_path / "stream.ts")  # its time may jump
    (tmp_path / "broken.mp4").write_text("no video")
    for path in tmp_path.iterdir():
        assert parts_of(path) == (), path.name
    write_long_video(tmp_path / "a.mp4")
    assert len(parts_of(tmp_path / "a.mp4")) == 2
    monkeypatch.setattr(video_cut, "_is_found", lambda *_: False)
    assert parts_of(tmp_path / "a.mp4") == ()
