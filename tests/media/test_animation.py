from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mobile_style.errors import ImageError, OutputError
from mobile_style.media import animation, moving
from mobile_style.painting import video
from mobile_style.painting.files import stylize_files
from video_files import write_video

MILLISECONDS = [100, 250, 40]


def write_animation(path: Path, transparent: bool = False) -> Path:
    """Three frames of one color each, with a hole if asked for."""
    frames = []
    for number in range(3):
        frame = Image.new("RGBA", (64, 48), (60 * number + 20, 100, 40, 255))
        if transparent:
            frame.paste((0, 0, 0, 0), (32, 8, 60, 40))
        frames.append(frame if transparent else frame.convert("RGB"))
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=MILLISECONDS, loop=0, lossless=True)
    return path


def shown(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """RGBA of all frames, and their durations in milliseconds."""
    pictures, durations = [], []
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            pictures.append(np.asarray(image.convert("RGBA")))
            durations.append(round(image.info["duration"]))
    return pictures, durations


def inverted(picture: np.ndarray) -> np.ndarray:
    return 255 - picture


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
@pytest.mark.parametrize("transparent", [False, True])
def test_an_animated_picture(tmp_path: Path, suffix: str, transparent: bool) -> None:
    source = write_animation(tmp_path / f"a{suffix}", transparent)
    assert moving.is_moving(source) and not video.convert(source, tmp_path / f"b{suffix}", inverted, None)
    pictures, durations = shown(tmp_path / f"b{suffix}")
    assert durations == MILLISECONDS
    for number, picture in enumerate(pictures):
        assert np.abs(picture[10, 10].astype(int) - (235 - 60 * number, 155, 215, 255)).max() <= 6
        assert (picture[20, 50, 3] == 0) == transparent


def test_an_animated_picture_as_video_and_back(tmp_path: Path) -> None:
    source = write_animation(tmp_path / "a.webp")
    assert video.convert(source, tmp_path / "b.mp4", inverted, 32) == []
    with av.open(str(tmp_path / "b.mp4")) as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert [time for time, _ in frames] == [0.0, 0.1, 0.35] and frames[0][1].shape == (32, 42, 3)
    assert np.abs(frames[1][1].mean((0, 1)) - (175, 155, 215)).max() < 4
    video.convert(tmp_path / "b.mp4", tmp_path / "c.gif", inverted, None)
    pictures, durations = shown(tmp_path / "c.gif")
    assert durations[:2] == [100, 250] and np.abs(pictures[1][5, 5, :3] - (80.0, 100, 40)).max() < 8


def test_the_command(trained_run: Path, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    write_animation(tmp_path / "many" / "a.gif")
    Image.new("RGB", (64, 48)).save(tmp_path / "many" / "still.gif")
    written = stylize_files([tmp_path / "many"], str(trained_run), strength=0.0)
    assert [(path.name, animation.is_animation(path)) for path in written] == [
        ("a-tiny.gif", True),
        ("still-tiny.gif", False),
    ]
    with pytest.raises(OutputError, match=r"\.mp4"):
        stylize_files([tmp_path / "many" / "a.gif"], str(trained_run), tmp_path / "a.jpg")


def test_durations_that_tell_nothing(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (90 * number, 0, 0)) for number in range(2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=0)
    with animation.reading(tmp_path / "a.gif") as clip:
        assert [frame.duration for frame in clip.frames()] == [Fraction(1, 10)] * 2


def test_the_still_picture_of_an_apng_is_no_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (90 * number, 0, 0)) for number in range(3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], default_image=True, duration=50)
    with animation.reading(tmp_path / "a.png") as clip:
        assert [int(frame.pixels[0, 0, 0]) for frame in clip.frames()] == [90, 180]


def test_the_sound_of_a_video_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "a.mp4", sound=True)
    assert video.convert(tmp_path / "a.mp4", tmp_path / "a.gif", inverted, None) == [
        "left out: the audio, which .gif cannot hold"
    ]
    monkeypatch.setattr(animation, "MAX_PIXELS", 10_000)
    with pytest.raises(ImageError, match="too large for an animated picture"):
        video.convert(tmp_path / "a.mp4", tmp_path / "b.gif", inverted, None)
    assert not (tmp_path / "b.gif").exists()
