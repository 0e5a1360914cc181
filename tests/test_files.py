import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mobile_style import files
from mobile_style.errors import OutputError
from mobile_style.files import alone, refuse_existing, writing

KILLED = """
import os, pathlib, signal, sys
from mobile_style.files import writing
with writing(pathlib.Path(sys.argv[1]), replacing=True) as temporary:
    temporary.mkdir()
    (temporary / "a.txt").write_text("new")
    {at}
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"
BETWEEN = f"pathlib.Path.replace = lambda old, new: (os.rename(old, new), {KILL})"  # the old is aside


unlike_apple = pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")


def killed(path: Path, at: str) -> None:
    """Has a process write a folder, and be killed meanwhile."""
    assert subprocess.run([sys.executable, "-c", KILLED.format(at=at), str(path)]).returncode == -9


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


@pytest.mark.parametrize("name", [b"style", pytest.param(b"caf\xe9", marks=unlike_apple)])
@pytest.mark.parametrize("at", [KILL, BETWEEN])
def test_what_a_killed_process_leaves_is_put_right_by_the_next(at: str, name: bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    path.mkdir()
    (path / "a.txt").write_text("old")
    killed(path, at)
    assert path.exists() == (at == KILL) and any(entry.suffix == ".partial" for entry in tmp_path.iterdir())
    with pytest.raises(OutputError, match="exists and is left as it is"):
        refuse_existing(path)
    assert (path / "a.txt").read_text() == "old" and list(tmp_path.iterdir()) == [path]


@unlike_apple
def test_a_name_in_a_locale_without_its_letters(tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    path = tmp_path / "\u00fc"
    subprocess.run([sys.executable, "-c", KILLED.format(at=""), path], env=os.environ | ascii_only, check=True)
    assert (path / "a.txt").read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_what_a_running_process_is_writing_stays(tmp_path: Path) -> None:
    others = [tmp_path / f".a.txt.{os.getppid()}.partial", tmp_path / ".a.txt.1.before", tmp_path / ".a.x.partial"]
    for other in others:
        other.write_text("half")
    with writing(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert all(other.read_text() == "half" for other in others)


def test_a_folder_that_holds_leftovers_only_is_new(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir()
    killed(path / "content", KILL)
    assert list(path.iterdir())
    refuse_existing(path)
    assert not list(path.iterdir())


def test_a_folder_is_replaced_when_the_new_one_is_there(tmp_path: Path) -> None:
    path = tmp_path / "style"
    for text in ("old", "new"):
        with writing(path, replacing=True) as temporary:
            temporary.mkdir()
            (temporary / "a.txt").write_text(text)
            assert not path.exists() or (path / "a.txt").read_text() == "old"
    assert (path / "a.txt").read_text() == "new" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError), writing(path) as temporary:  # unasked
        temporary.mkdir()
    with pytest.raises(KeyboardInterrupt), writing(path, replacing=True) as temporary:
        temporary.mkdir()
        raise KeyboardInterrupt
    assert (path / "a.txt").read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_a_swap_that_fails_keeps_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, replace = tmp_path / "style", Path.replace
    path.mkdir()
    (path / "a.txt").write_text("old")

    def failing(old: Path, new: Path) -> Path:
        if old.suffix == ".partial":
            raise OSError(28, "No space left on device")
        return replace(old, new)

    monkeypatch.setattr(files.Path, "replace", failing)
    with pytest.raises(OutputError, match="No space left"), writing(path, replacing=True) as temporary:
        temporary.mkdir()
    assert (path / "a.txt").read_text() == "old" and list(tmp_path.iterdir()) == [path]


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


def test_a_place_that_cannot_be_written_is_found_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    with pytest.raises(OutputError, match=rf"cannot write .*: {re.escape(str(tmp_path))} is read-only; choose another"):
        refuse_existing(tmp_path / "new" / "a.png")
    (tmp_path / "new").mkdir()
    refuse_existing(tmp_path / "new" / "a.png")
