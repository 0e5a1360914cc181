"""URIs in place of folders, and the texts of shards."""

import shutil
from pathlib import Path

import pytest

from mobile_style.bulk.plan import parse_shard, target_of
from mobile_style.bulk.run import Crew, bulk
from mobile_style.bulk.stores import RECORDS, store_of
from mobile_style.errors import UsageError
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
