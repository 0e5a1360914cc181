from pathlib import Path

import pytest

from mobile_style.errors import OutputError
from mobile_style.files import alone, refuse_existing, writing


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    for failure in (ValueError, KeyboardInterrupt):
        with pytest.raises(failure), writing(path) as temporary:
            temporary.write_text("half")
            raise failure
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_write_replaces_the_file_or_makes_the_folder(tmp_path: Path) -> None:
    with writing(tmp_path / "deep" / "a.txt") as temporary:
        temporary.write_text("new")
    with writing(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "b.txt").write_text("b")
    assert (tmp_path / "deep" / "a.txt").read_text() == "new"
    assert (tmp_path / "folder" / "b.txt").read_text() == "b"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"), writing(tmp_path / "file" / "a.txt") as temporary:
        temporary.write_text("")


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(OutputError, match="a training is under way"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_refuse_existing(tmp_path: Path) -> None:
    refuse_existing(tmp_path / "new")
    refuse_existing(tmp_path)  # empty
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="no new file or folder"):
        refuse_existing(Path())
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(OutputError, match="exists and is left as it is"):
            refuse_existing(path)
