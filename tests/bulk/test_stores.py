"""URIs in place of folders, and the texts of shards."""

import os
import shutil
from pathlib import Path

import pytest

from mobile_style.bulk import manifest, segments
from mobile_style.bulk.plan import parse_shard, target_of
from mobile_style.bulk.run import Crew, bulk
from mobile_style.bulk.stores import LONGEST, RECORDS, FolderStore, store_of
from mobile_style.errors import OutputError, UnpaintedError, UsageError
from mobile_style.painting.files import stylize_files

MODEL = "udnie"


@pytest.mark.slow
def test_uris_in_place_of_folders(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra `cloud` is not installed")
    source, target = photos.as_uri(), (tmp_path / "target").as_uri()
    assert bulk(source, target, MODEL, crew=Crew(1)).painted == 12
    stylize_files([photos / "1.png"], MODEL, tmp_path / "1.png")
    assert (tmp_path / "target" / "1.png").read_bytes() == (tmp_path / "1.png").read_bytes()
    assert not list((tmp_path / "target" / RECORDS).rglob("parts/*"))
    shutil.copy(photos / "1.png", photos / "new.png")
    done = bulk(source, target, MODEL, crew=Crew(1))
    assert (done.painted, done.before) == (1, 12)


@pytest.mark.slow
def test_links_that_lead_nowhere_do_not_stop_the_others(photos: Path, tmp_path: Path) -> None:
    (photos / "gone.png").symlink_to("nowhere.png")
    (photos / "loop.jpg").symlink_to("loop.jpg")
    with pytest.raises(UnpaintedError, match="2 of 14 failed"):
        bulk(photos, tmp_path / "target", MODEL, crew=Crew(1))
    assert len(list((tmp_path / "target").glob("*.*"))) == 12


@pytest.mark.parametrize("value", ["null", "{}", "[1]", '"x"', "1e999", "1" + 400 * "0", "true", "[[]]"])
@pytest.mark.parametrize("key", ["name", "target", "result", "source", "said", "target_bytes", "part", "time"])
def test_lines_of_a_manifest_that_are_damaged(key: str, value: str, tmp_path: Path) -> None:
    folder = tmp_path / RECORDS / "1-of-1"
    folder.mkdir(parents=True)
    sound = {
        "name": '"a.png"', "target": '"b.png"', "result": '"painted"', "source": "[5, 7]", "settings": '"s"',
        "time": "3.5",
    }  # fmt: skip
    lines = ["{" + ", ".join(f'"{k}": {v}' for k, v in each.items()) + "}" for each in (sound | {key: value}, sound)]
    (folder / "manifest.jsonl").write_text("\n".join([*lines, *reversed(lines)]))
    found = manifest.read(FolderStore(tmp_path))
    assert found["a.png"].target in ("b.png", "x") and all(isinstance(name, str) for name in found)
    assert all(isinstance(entry.time, float) and isinstance(entry.part, int) for entry in found.values())


def test_a_file_that_is_no_part_is_left_alone(tmp_path: Path) -> None:
    stray = tmp_path / segments.FOLDER / ".DS_Store"
    stray.parent.mkdir(parents=True)
    stray.touch()
    segments.sweep(FolderStore(tmp_path), [], (1, 1))
    assert stray.exists()


@pytest.mark.parametrize("kind", ["folder", "endless", "pipe"])
def test_a_manifest_that_is_no_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / RECORDS / "1-of-1" / "manifest.jsonl"
    path.parent.mkdir(parents=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    with pytest.raises(OutputError, match=r"cannot read .*manifest\.jsonl: it is no regular file; remove it"):
        manifest.read(FolderStore(tmp_path))


@pytest.mark.parametrize("kind", ["folder", "URI"])
def test_lines_of_a_manifest_that_are_too_long_are_none(kind: str, tmp_path: Path) -> None:
    if kind == "URI":
        pytest.importorskip("pyarrow", reason="the extra `cloud` is not installed")
    store = store_of(tmp_path.as_uri() if kind == "URI" else tmp_path)
    store.record(["{}", "x" * (2 * LONGEST + 5), "[]", "y" * LONGEST, "z" * (LONGEST - 1), "null"], "1-of-1")
    assert [line[:9].strip() for line in store.records()] == ["{}", "[]", "zzzzzzzzz", "null"]


def test_a_uri_that_nothing_reaches() -> None:
    pytest.importorskip("pyarrow", reason="the extra `cloud` is not installed")
    with pytest.raises(UsageError, match="cannot be reached"):
        store_of("nosuch://bucket")


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "a/b", "-1/3", "1/3/5"])
def test_texts_that_are_no_shard(text: str) -> None:
    assert parse_shard("3/16") == (3, 16)
    with pytest.raises(UsageError, match="`shard` takes I/N"):
        parse_shard(text)


def test_names_of_results() -> None:
    assert [target_of(name) for name in ("a/b.jpg", "b.HEIC", "c.MP4", "c.avi", "d.gif")] == [
        "a/b.jpg", "b.HEIC.png", "c.MP4", "c.avi.mp4", "d.gif",
    ]  # fmt: skip
