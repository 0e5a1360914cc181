"""Writing so that a file is there whole or not at all, and nothing is overwritten by accident; what may be opened."""

import errno
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError


def _cache() -> Path:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mobile-style"
    except RuntimeError:  # a user whom the system does not know, and no HOME
        return Path(".cache", "mobile-style")


CACHE = _cache()  # what can be made or fetched again


LONGEST = 220  # bytes of a name that has room for more in the 255 that file systems take
LEFT = re.compile(r"\.(.+)\.([0-9]{1,9})\.(partial|before)")  # by a process of that number that was killed


@contextmanager
def writing(path: Path, replacing: bool = False) -> Iterator[Path]:
    """Gives a temporary path beside `path`, and renames it to `path` if the body ends well.

    The body may make a file or a folder of it. On any failure, Ctrl-C included, it is removed; what a process that was
    killed has left beside `path` is removed before. With `replacing`, a folder that is there already is moved aside,
    and removed once the new one is in its place.

    Raises:
        OutputError: the place cannot be written, or the disk is full.
    """
    beginning, name = path.name, os.fsencode(path.name)
    if len(name) > LONGEST:
        beginning = name[:LONGEST].decode(sys.getfilesystemencoding(), "ignore")  # half a character is none
    temporary = path.with_name(f".{beginning}.{os.getpid()}.partial")
    before = temporary.with_suffix(".before")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        yield temporary
        if temporary.is_file():
            with temporary.open("r+b") as file:  # Windows does not flush what is only read
                os.fsync(file.fileno())  # renamed before it is on disk, it could be empty after a crash
        if path.is_dir() and temporary.is_dir():
            if replacing:
                path.replace(before)
            else:
                path.rmdir()  # an empty one, or it is not replaced; Windows replaces none
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another place") from None
    finally:
        _put_back(before, path)
        _remove(temporary)


def regular(path: Path) -> Path:
    """The path itself, which may be opened: it is a file, and no pipe or device, which may never end.

    Raises:
        OSError: it is something else, or is not there.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return path


def sweep(folder: Path) -> None:
    """Removes what processes that were killed have left half written in a folder; a folder moved aside comes back."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            left = LEFT.fullmatch(path.name)
            if left and not _is_running(int(left[2])):
                if left[3] == "before":
                    _put_back(path, folder / left[1])
                else:
                    _remove(path)


def _is_running(process: int) -> bool:
    """Whether this system has such a process, whoever started it."""
    if os.name == "nt":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def _put_back(before: Path, path: Path) -> None:
    """Moves a folder back that was moved aside, or removes it where the new one is in its place."""
    if os.path.lexists(before):
        if os.path.lexists(path):
            _remove(before)
        else:
            with suppress(OSError):
                before.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path, what: str = "a training", parameter: str = "out") -> Iterator[None]:
    """Keeps other processes of mobile-style out of a folder until this one ends, however it does.

    Args:
        folder: an existing one.
        what: is done in it.
        parameter: that names it.

    Raises:
        OutputError: another one is at work there.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(f"{what} is under way in {folder}; wait for it, or name another `{parameter}`") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)


def refuse_existing(path: Path, parameter: str = "out") -> None:
    """Raises OutputError if there is something at `path` already, or nothing can be written there.

    An empty folder is nothing, nor are leftovers.
    """
    if not path.name:
        raise OutputError(f"{path} is no new file or folder; name one with `{parameter}`")
    sweep(path.parent)
    sweep(path)
    try:
        if path.is_dir() and not any(path.iterdir()):
            return
        if os.path.lexists(path):
            raise OutputError(f"{path} exists and is left as it is; choose another `{parameter}`")
        above = next(folder for folder in path.absolute().parents if folder.exists())
        if above.is_dir() and not os.access(above, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write {path}: {above} is read-only; choose another place")
    except OSError as error:
        raise OutputError(f"cannot look at {path}: {error.strerror or error}") from None
