"""Where photos come from and results go: a folder, or a URI that pyarrow or fsspec can reach, such as s3://bucket."""

import io
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from ..errors import ImageError, OutputError, UsageError
from ..files import regular
from ..media import images

RECORDS = ".mobile-style-bulk"  # folder in the target for manifests, parts of videos and temporary files
WHOLE_AT_ONCE = ("s3", "gcs", "abfs")  # a file appears there only once it is complete; elsewhere it is moved into place
LONGEST = 2**22  # bytes of a line of a manifest, at most; longer ones are damaged
URI = re.compile(r"[a-z][a-z0-9+.-]+://")


class Stamp(NamedTuple):
    """Shows, without reading a file, whether it has changed."""

    bytes: int
    changed: int  # nanoseconds since 1970; 0 if the store does not report it


class Store(Protocol):
    """Files by name: relative paths with / between their parts. Workers get a pickled copy of the store."""

    def files(self) -> dict[str, Stamp]:
        """All files, recursively, without hidden ones; empty if the folder does not exist."""

    def fetch(self, name: str, scratch: Path) -> Path:
        """A local path of the file, for reading only: it may be the original, or a copy in `scratch`.

        Raises:
            ImageError, OSError: the file cannot be fetched.
        """

    def put(self, made: Path, name: str, shard: str) -> None:
        """Copies a local file to `name`, whole or not at all, replacing a file that is there.

        Raises:
            OSError: it cannot be written, for example because the store is full.
        """

    def held(self, folder: str) -> dict[str, int]:
        """The size in bytes of each file in a folder under `RECORDS`, by name."""

    def drop(self, name: str) -> None:
        """Removes a file under `RECORDS`, if it exists, and its folder if that is then empty.

        Raises:
            OSError: it cannot be removed.
        """

    def records(self) -> Iterator[str]:
        """The lines of all shards' manifests, without those longer than `LONGEST`.

        Raises:
            OutputError: a manifest cannot be read.
        """

    def record(self, lines: Sequence[str], shard: str) -> None:
        """Appends lines to a shard's manifest.

        Raises:
            OutputError: it cannot be written.
        """

    def place(self, shard: str) -> str:
        """Where a shard's manifest is: its file, or the folder of its files."""


def store_of(place: str | Path) -> Store:
    """The store at a path or URI."""
    return ArrowStore(str(place)) if URI.match(str(place)) else FolderStore(Path(place))


class FolderStore:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def files(self) -> dict[str, Stamp]:
        """See `Store`."""
        found = {}
        for path in images.find([self.folder], lambda _: True) if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):  # it was removed meanwhile
                status = _status(path)
                found[path.relative_to(self.folder).as_posix()] = Stamp(status.st_size, status.st_mtime_ns)
        return found

    def fetch(self, name: str, scratch: Path) -> Path:
        """See `Store`; returns the original."""
        return self.folder / name

    def put(self, made: Path, name: str, shard: str) -> None:
        """See `Store`."""
        # Not beside the target: searching a folder of 100,000 results for leftovers would take long.
        part = self.parts(shard) / uuid.uuid4().hex
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(made, part)
            with part.open("r+b") as file:
                os.fsync(file.fileno())
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def parts(self, shard: str) -> Path:
        """The folder of half-written files, which can be removed when no process works on the shard."""
        return self.folder / RECORDS / shard / "parts"

    def held(self, folder: str) -> dict[str, int]:
        """See `Store`."""
        found = (path for path in (self.folder / folder).rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in found}

    def drop(self, name: str) -> None:
        """See `Store`."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        with suppress(OSError):  # it is not empty
            path.parent.rmdir()

    def records(self) -> Iterator[str]:
        """See `Store`."""
        for path in sorted(self.folder.glob(f"{RECORDS}/*/manifest*.jsonl")):
            try:
                with regular(path).open("rb") as file:
                    yield from _lines(file)
            except OSError as error:
                raise OutputError(f"cannot read {path}: {error.strerror or error}; remove it") from None

    def record(self, lines: Sequence[str], shard: str) -> None:
        """See `Store`."""
        path = Path(self.place(shard))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a+b") as file:
                file.seek(0, os.SEEK_END)
                if file.tell() and not _ends_a_line(file):
                    file.write(b"\n")  # ends the line of a process that was killed
                file.write("".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from None

    def place(self, shard: str) -> str:
        """See `Store`."""
        return str(self.folder / RECORDS / shard / "manifest.jsonl")


def _status(path: Path) -> os.stat_result:
    """The status of a file, or of a broken link itself: painting that fails later."""
    try:
        return path.stat()
    except OSError:
        return path.lstat()


def _lines(file: BinaryIO) -> Iterator[str]:
    whole = True  # whether a line begins here
    while line := file.readline(LONGEST):
        ends = line.endswith(b"\n")
        if whole and (ends or len(line) < LONGEST):
            yield line.decode("utf-8", "replace")
        whole = ends


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


class ArrowStore:
    """The files under a URI, through pyarrow, or through fsspec if pyarrow does not know the URI's scheme."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._open()

    def __getstate__(self) -> dict[str, Any]:
        return {"uri": self.uri}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.uri = state["uri"]
        self._open()

    def _open(self) -> None:
        from pyarrow import ArrowException, fs

        try:
            self._files, root = fs.FileSystem.from_uri(self.uri)
        except (ArrowException, OSError):
            try:
                from fsspec.core import url_to_fs

                other, root = url_to_fs(self.uri)
            except (ImportError, ValueError) as error:
                raise UsageError(f"{self.uri} cannot be reached: {error}") from None
            self._files = fs.PyFileSystem(fs.FSSpecHandler(other))
        self._root = root.rstrip("/")

    def files(self) -> dict[str, Stamp]:
        """See `Store`."""
        found = {}
        for info in self._listed(self._root):
            name = info.path[len(self._root) + 1 :]
            if not any(part.startswith(".") for part in name.split("/")):
                found[name] = Stamp(info.size, info.mtime_ns or 0)
        return found

    def _listed(self, place: str) -> list[Any]:
        from pyarrow import fs

        chosen = fs.FileSelector(place, allow_not_found=True, recursive=True)
        listed = [info for info in self._files.get_file_info(chosen) if info.type == fs.FileType.File]
        return sorted(listed, key=lambda info: info.path)

    def fetch(self, name: str, scratch: Path) -> Path:
        """See `Store`; returns a copy."""
        copy = scratch / Path(name).name
        try:
            with self._files.open_input_stream(f"{self._root}/{name}") as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        except FileNotFoundError:
            raise ImageError(f"{name} does not exist any more") from None
        return copy

    def put(self, made: Path, name: str, shard: str) -> None:
        """See `Store`."""
        target = f"{self._root}/{name}"
        at_once = self._files.type_name in WHOLE_AT_ONCE
        place = target if at_once else f"{self._root}/{RECORDS}/{shard}/parts/{uuid.uuid4().hex}"
        self._folder_of(place)
        with made.open("rb") as source, self._files.open_output_stream(place) as part:
            shutil.copyfileobj(source, part, 1 << 20)
        if not at_once:
            self._folder_of(target)
            self._files.move(place, target)

    def _folder_of(self, path: str) -> None:
        if self._files.type_name not in WHOLE_AT_ONCE:  # these have no folders
            self._files.create_dir(path.rpartition("/")[0], recursive=True)

    def held(self, folder: str) -> dict[str, int]:
        """See `Store`."""
        return {info.path[len(self._root) + 1 :]: info.size for info in self._listed(f"{self._root}/{folder}")}

    def drop(self, name: str) -> None:
        """See `Store`; empty folders stay."""
        with suppress(FileNotFoundError):
            self._files.delete_file(f"{self._root}/{name}")

    def records(self) -> Iterator[str]:
        """See `Store`."""
        for info in self._listed(f"{self._root}/{RECORDS}"):
            if info.path.endswith(".jsonl"):
                with io.BufferedReader(self._files.open_input_stream(info.path)) as file:
                    yield from _lines(file)

    def record(self, lines: Sequence[str], shard: str) -> None:
        """See `Store`; writes a new file each time, because object stores cannot append."""
        path = f"{self.place(shard)}/manifest-{uuid.uuid4().hex}.jsonl"
        try:
            self._folder_of(path)
            with self._files.open_output_stream(path) as file:
                file.write("".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error}") from None

    def place(self, shard: str) -> str:
        """See `Store`."""
        return f"{self._root}/{RECORDS}/{shard}"
