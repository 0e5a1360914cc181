"""Long videos in bulk: painted in parts, joined, and gone on with after a stop."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import av
import numpy as np
import pytest

from conftest import command, environment
from in_this_process import paint_here
from mobile_style.bulk.run import Crew, bulk
from mobile_style.bulk.segments import FOLDER, sweep
from mobile_style.bulk.stores import RECORDS, FolderStore
from mobile_style.bulk.worker import Rendering
from mobile_style.errors import ImageError, UnpaintedError
from mobile_style.media import video_cut
from mobile_style.media.video_input import Video, opened
from mobile_style.painting import video_parts
from mobile_style.painting.files import stylize_files
from video_files import write_long_video, write_video

MODEL = "udnie"
ONE, TWO = Crew(workers=1), Crew(workers=2)


def lines(target: Path) -> list[tuple[int, str]]:
    """The part, 0 for the whole, and the result of each line about the long video."""
    told = [json.loads(line) for path in target.glob(f"{RECORDS}/*/*.jsonl") for line in path.read_text().splitlines()]
    return [(each.get("part", 0), each["result"]) for each in told if each.get("name") == "long.mp4"]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder with a video of three parts and a short one."""
    (tmp_path / "films").mkdir()
    write_long_video(tmp_path / "films" / "long.mp4", seconds=50)
    write_video(tmp_path / "films" / "short.mp4", sound=True)
    return tmp_path / "films"


def pictures(path: Path) -> list[tuple[object, np.ndarray]]:
    with opened(path) as container:
        return [(frame.time, frame.pixels) for frame in Video(container, path.name).frames()]


@pytest.mark.slow
def test_a_long_video_is_that_of_stylize(films: Path, tmp_path: Path) -> None:
    target = tmp_path / "t"
    assert bulk(films, target, MODEL, crew=TWO).painted == 2
    assert sorted(lines(target)) == [(0, "begun"), (0, "painted"), (1, "painted"), (2, "painted"), (3, "painted")]
    assert not list((target / FOLDER).iterdir())
    stylize_files([films], MODEL, tmp_path / "one", precision="float")
    assert (target / "short.mp4").read_bytes() == (tmp_path / "one" / "short-udnie.mp4").read_bytes()
    expected, found = pictures(tmp_path / "one" / "long-udnie.mp4"), pictures(target / "long.mp4")
    assert [time for time, _ in found] == [time for time, _ in expected]
    assert max(np.abs(a[1].astype(int) - b[1]).mean() for a, b in zip(expected, found, strict=True)) < 4
    with av.open(str(target / "long.mp4")) as container:
        assert container.metadata["title"] == "Long" and len(container.streams.audio) == 1
    assert bulk(films, target, MODEL, crew=ONE).before == 2
    assert bulk(films, target, MODEL, rendering=Rendering(strength=0.5), crew=ONE).painted == 2


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_with_the_parts(films: Path, tmp_path: Path) -> None:
    target = tmp_path / "t"
    process = subprocess.Popen(
        command("bulk", films, target, "--model", MODEL, "--workers", 1), env=environment(), stderr=subprocess.DEVNULL
    )
    while process.poll() is None and not any(part for part, _ in lines(target)):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = [part for part, _ in lines(target) if part]
    assert 1 <= len(done) < 3
    (leftover,) = (target / FOLDER).glob(f"*/{done[0] - 1:05d}-*")
    before = leftover.read_bytes()
    shutil.copy(leftover, leftover.with_stem("00000-of-another-content"))
    bulk(films, target, MODEL, crew=ONE)
    assert sorted(part for part, result in lines(target) if part) == [1, 2, 3] and before
    assert not list((target / FOLDER).iterdir())
    bulk(films, tmp_path / "straight", MODEL, crew=ONE)
    assert (target / "long.mp4").read_bytes() == (tmp_path / "straight" / "long.mp4").read_bytes()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bulk painting in this process, so that what is patched counts."""
    paint_here(monkeypatch)
    monkeypatch.setattr("mobile_style.painting.stylize.Painter.__call__", lambda _, picture: 255 - picture)


@pytest.mark.usefixtures("here")
def test_a_part_that_fails_fails_the_video(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint = video_parts.paint_part

    def failing(source, part, *rest):
        if part.number == 1:
            raise ImageError("this part is broken")
        return paint(source, part, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(video_parts, "paint_part", failing)
        with pytest.raises(UnpaintedError, match="1 of 2 failed"):
            bulk(films, tmp_path / "t", MODEL)
    assert lines(tmp_path / "t") == [(0, "begun"), (1, "painted"), (2, "failed"), (0, "failed")]
    assert bulk(films, tmp_path / "t", MODEL).painted == 1
    assert lines(tmp_path / "t")[4:] == [(0, "begun"), (2, "painted"), (3, "painted"), (0, "painted")]
    assert not list((tmp_path / "t" / FOLDER).iterdir())


@pytest.mark.usefixtures("here")
def test_a_video_that_changes_meanwhile(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint = video_parts.paint_part

    def changing(source, part, *rest):
        said = paint(source, part, *rest)
        if part.number == 2:
            write_long_video(source, seconds=40)
        return said

    with monkeypatch.context() as patched:
        patched.setattr(video_parts, "paint_part", changing)
        with pytest.raises(UnpaintedError):
            bulk(films, tmp_path / "t", MODEL)
    assert lines(tmp_path / "t")[-1] == (0, "failed") and not (tmp_path / "t" / "long.mp4").exists()
    assert bulk(films, tmp_path / "t", MODEL).painted == 1
    assert len(pictures(tmp_path / "t" / "long.mp4")) == len(pictures(films / "long.mp4"))
    assert not list((tmp_path / "t" / FOLDER).iterdir())


@pytest.mark.usefixtures("here")
def test_parts_of_what_is_gone_are_removed(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_parts, "join", None)  # which fails
    with pytest.raises(UnpaintedError):
        bulk(films, tmp_path / "t", MODEL)
    store = FolderStore(tmp_path / "t")
    assert len(store.held(FOLDER)) == 3
    sweep(store, ["long.mp4"], (1, 1))
    assert len(store.held(FOLDER)) == 3
    (films / "long.mp4").unlink()
    bulk(films, tmp_path / "t", MODEL)
    assert store.held(FOLDER) == {} and not list((tmp_path / "t" / FOLDER).iterdir())


@pytest.mark.usefixtures("here")
def test_a_uri_keeps_parts_too(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow", reason="the extra `cloud` is not installed")
    assert bulk(films.as_uri(), (tmp_path / "t").as_uri(), MODEL).painted == 2
    assert not list((tmp_path / "t" / FOLDER).rglob("*.mp4"))
    monkeypatch.setattr(video_cut, "LENGTH", 1000)  # nothing is long
    bulk(films, tmp_path / "whole", MODEL)
    assert len(pictures(tmp_path / "t" / "long.mp4")) == len(pictures(tmp_path / "whole" / "long.mp4"))
