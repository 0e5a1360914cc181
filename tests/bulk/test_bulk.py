"""Bulk painting in processes of this machine: what is painted, what is left, and what a stop leaves."""

import errno
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import command, environment, run
from in_this_process import paint_here
from mobile_style.bulk.plan import Item
from mobile_style.bulk.pool import ProcessPool
from mobile_style.bulk.run import Crew, Summary, bulk
from mobile_style.bulk.stores import RECORDS, FolderStore
from mobile_style.bulk.worker import Rendering
from mobile_style.errors import ImageError, OutputError, UnpaintedError, UsageError
from mobile_style.media import images
from mobile_style.painting.files import stylize_files
from mobile_style.progress import Note, Step

MODEL, OTHER = "udnie", "starry_night"
ONE = Crew(workers=1)

pytestmark = pytest.mark.slow  # processes start and end


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - manifests(folder)


def manifests(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.glob(f"{RECORDS}/*/*")}


def lines(target: Path, result: str) -> list[str]:
    """The sources with such a line in any manifest, as often as there is one."""
    told = [json.loads(line) for path in target.glob(f"{RECORDS}/*/*.jsonl") for line in path.read_text().splitlines()]
    return sorted(each["name"] for each in told if each.get("result") == result)


def test_the_pictures_are_those_of_stylize(photos: Path, tmp_path: Path) -> None:
    images.save(np.full((900, 1000, 3), 200, np.uint8), photos / "large.jpg")  # painted in tiles
    events: list[Note | Step] = []
    done = bulk(photos, tmp_path / "bulk", MODEL, crew=Crew(workers=2), progress=events.append)
    stylize_files([photos], MODEL, tmp_path / "one")
    assert (done.painted, done.before, done.failed) == (13, 0, {})
    assert names(tmp_path / "bulk") == names(photos)
    for name in names(photos):
        path = tmp_path / "one" / name
        assert (tmp_path / "bulk" / name).read_bytes() == path.with_stem(f"{path.stem}-{MODEL}").read_bytes(), name
    last = events[-1]
    assert isinstance(last, Step) and (last.done, last.total) == (13, 13) and set(last.details) >= {"rate", "left"}
    assert lines(tmp_path / "bulk", "begun") == lines(tmp_path / "bulk", "painted") == sorted(names(photos))


@pytest.fixture
def painted(photos: Path, tmp_path: Path) -> Path:
    """A target that holds all of `photos`."""
    bulk(photos, tmp_path / "painted", MODEL, crew=ONE)
    return tmp_path / "painted"


def test_a_second_run_does_only_what_is_missing(photos: Path, painted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(**more: object) -> tuple[int, int]:
        done = bulk(photos, painted, MODEL, crew=ONE, **more)
        return done.painted, done.before

    with monkeypatch.context() as patched:
        patched.setattr(ProcessPool, "__init__", None)  # not even a worker is started
        assert again() == (0, 12)
    (painted / "3.png").unlink()
    (painted / "4.png").write_bytes(b"cut")
    images.save(np.zeros((40, 50, 3), np.uint8), photos / "5.png")  # another photo of that name
    (photos / "6.png").touch()  # the same photo of another date
    shutil.copy(photos / "1.png", photos / "new.png")
    before = {name: (painted / name).stat().st_mtime_ns for name in ("1.png", "6.png")}
    assert again() == (4, 9)
    assert {name: (painted / name).stat().st_mtime_ns for name in before} == before
    assert again() == (0, 13)
    assert again(rendering=Rendering(strength=0.5)) == (13, 0)
    assert again(rendering=Rendering(strength=0.5)) == (0, 13)


def test_another_model_paints_all_of_it_again(photos: Path, painted: Path, tmp_path: Path) -> None:
    assert bulk(photos, painted, OTHER, crew=ONE).painted == 12
    stylize_files([photos / "1.png"], OTHER, tmp_path / "1.png")
    assert (painted / "1.png").read_bytes() == (tmp_path / "1.png").read_bytes()


def test_failures_are_listed_counted_and_tried_again(photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_text("no photo")
    (photos / "broken.mp4").write_text("no video")
    (photos / "notes.txt").write_text("no picture by its name")
    target = tmp_path / "target"
    target.mkdir()
    (target / "2.png").write_text("mine")
    done = run("bulk", photos, target, "--model", MODEL, "--workers", 1, cwd=tmp_path)
    assert done.returncode == 3 and "error: 3 of 14 failed; the others are done" in done.stderr
    for text in ("1 files are neither", "broken.jpg is not an image", "broken.mp4", "2.png is in the target, and no"):
        assert text in done.stderr
    assert (target / "2.png").read_text() == "mine" and lines(target, "failed") == ["broken.jpg", "broken.mp4"]
    shutil.copy(photos / "1.png", photos / "broken.jpg")
    (photos / "broken.mp4").unlink()
    (target / "2.png").unlink()
    assert bulk(photos, target, MODEL, crew=ONE).painted == 2


def test_shards_share_the_work(photos: Path, tmp_path: Path) -> None:
    counts = [bulk(photos, tmp_path / "t", MODEL, crew=Crew(1, shard=(n, 3))).painted for n in (1, 2, 3)]
    assert sum(counts) == 12 and min(counts) > 0
    assert lines(tmp_path / "t", "painted") == sorted(names(photos))
    assert bulk(photos, tmp_path / "t", MODEL, crew=ONE).before == 12  # whatever the number of shards


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_killed_goes_on(photos: Path, tmp_path: Path, number: int) -> None:
    for copy in range(60):
        shutil.copy(photos / "1.png", photos / f"copy{copy}.png")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        command("bulk", photos, tmp_path / "t", "--model", MODEL, "--workers", 2),
        env=environment() | {"TMPDIR": str(temporary)},
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and len(names(tmp_path / "t")) < 10:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait() in (-signal.SIGKILL, 130)
    until = time.monotonic() + 120
    while list(temporary.iterdir()) and time.monotonic() < until:  # workers see that nobody waits for them
        time.sleep(0.1)
    assert not list(temporary.iterdir())
    with (tmp_path / "t" / RECORDS / "1-of-1" / "manifest.jsonl").open("a") as file:
        file.write('{"name": "cut')
    left = 72 - len(names(tmp_path / "t"))
    done = bulk(photos, tmp_path / "t", MODEL, crew=ONE)
    assert 0 < done.before < 72 and done.painted + done.before == 72 and done.painted >= left
    assert names(tmp_path / "t") == names(photos)
    for copy in range(60):
        assert (tmp_path / "t" / f"copy{copy}.png").read_bytes() == (tmp_path / "t" / "1.png").read_bytes()
    assert manifests(tmp_path / "t") == {f"{RECORDS}/1-of-1/manifest.jsonl"}
    assert bulk(photos, tmp_path / "t", MODEL, crew=ONE).before == 72


def test_workers_end_at_once_with_a_process_that_is_killed(tmp_path: Path) -> None:
    """In the middle of a photo that takes many seconds."""
    (tmp_path / "photos").mkdir()
    images.save(np.full((5000, 8000, 3), 200, np.uint8), tmp_path / "photos" / "a.jpg")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        command("bulk", tmp_path / "photos", tmp_path / "t", "--model", MODEL, "--workers", 1, "--stroke-width", 1),
        env=environment() | {"TMPDIR": str(temporary)},
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not _is_painting(temporary):
        time.sleep(0.01)
    process.kill()
    process.wait()
    until = time.monotonic() + 8
    while list(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not list(temporary.iterdir())
    assert not (tmp_path / "t" / "a.jpg").exists()


def _is_painting(temporary: Path) -> bool:
    """Whether a worker has made its folder for a photo; others come and go meanwhile."""
    found = (Path(place).relative_to(temporary).parts for place, _, _ in os.walk(temporary))
    return any(len(parts) == 3 and parts[2].startswith("tmp") for parts in found)


def test_a_full_target_ends_the_run(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(FolderStore, "put", put)
    with pytest.raises(OutputError, match="No space left on device; make room"):
        _in_this_process(monkeypatch, photos, tmp_path / "t")
    monkeypatch.undo()
    assert bulk(photos, tmp_path / "t", MODEL, crew=ONE).painted == 12


def _in_this_process(monkeypatch: pytest.MonkeyPatch, source: Path, target: Path) -> Summary:
    """Paints without a process of its own, so that what is patched counts."""
    paint_here(monkeypatch)
    return bulk(source, target, MODEL)


def test_a_worker_that_is_killed_is_replaced(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit, killed = ProcessPool.submit, []

    def deadly(self: ProcessPool, item: Item) -> None:
        process = self._idle[-1][0]
        submit(self, item)
        if item.name == "1.png" or (item.name == "2.png" and not killed):
            killed.append(item.name)
            os.kill(process.pid, signal.SIGKILL)

    monkeypatch.setattr(ProcessPool, "submit", deadly)
    with pytest.raises(UnpaintedError, match="1 of 12 failed"):
        bulk(photos, tmp_path / "t", MODEL, crew=Crew(workers=2))
    assert lines(tmp_path / "t", "failed") == ["1.png"] and len(names(tmp_path / "t")) == 11


def test_what_cannot_be_done_is_said_at_once(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="no photo and no video"):
        bulk(tmp_path / "empty", tmp_path / "t", MODEL)
    with pytest.raises(UsageError, match="lies in `source`"):
        bulk(photos, photos / "painted", MODEL)
    with pytest.raises(ImageError, match="is no folder"):
        bulk(photos / "1.png", tmp_path / "t", MODEL)
    shutil.copy(photos / "1.png", photos / "1.heic")
    shutil.copy(photos / "1.png", photos / "1.heic.png")
    with pytest.raises(OutputError, match=r"two inputs would both become 1\.heic\.png"):
        bulk(photos, tmp_path / "t", MODEL)
