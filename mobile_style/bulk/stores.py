"""Where photos come from and results go to: a folder, or what pyarrow and fsspec reach by a URI, such as s3://bucket."""

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

RECORDS = ".mobile-style-bulk"  # in the target: the manifest, and what is on its way
WHOLE_AT_ONCE = ("s3", "gcs", "abfs")  # show a file when all of it is there; elsewhere it is moved into its place
LONGEST = 2**22  # bytes of a line of a manifest; longer ones are damaged
URI = re.compile(r"[a-z][a-z0-9+.-]+://")


class Stamp(NamedTuple):
    """What tells a file from the one that had its name before, without reading it; of what does not tell time, 0."""

    bytes: int
    changed: int  # nanoseconds since 1970


class Store(Protocol):
    """Files by name: relative paths with / between their parts. Pickled, it goes to the workers."""

    def files(self) -> dict[str, Stamp]:
        """Every file, all the way down, without hidden ones; of a folder that does not exist, none."""

    def fetch(self, name: str, scratch: Path) -> Path:
        """The file as one of this machine, which is not written to: it may be the original."""

    def put(self, made: Path, name: str, shard: str) -> None:
        """Copies a file of this machine, whole or not at all, over what is there.

        Raises:
            OSError: the store is full, say.
        """

    def held(self, folder: str) -> dict[str, int]:
        """The bytes of all files in a folder of `RECORDS`."""

    def drop(self, name: str) -> None:
        """Removes a file of `RECORDS`, if it is there, and its folder with the last one.

        Raises:
            OSError: it cannot be removed.
        """

    def records(self) -> Iterator[str]:
        """The lines of all shards' manifests, without those that are too long to be whole.

        Raises:
            OutputError: a manifest cannot be read.
        """

    def record(self, lines: Sequence[str], shard: str) -> None:
        """Adds lines to a shard's manifest."""

    def place(self, shard: str) -> str:
        """Where a shard's manifest is."""


def store_of(place: str | Path) -> Store:
    """The store at a path or URI."""
    return ArrowStore(str(place)) if URI.match(str(place)) else FolderStore(Path(place))


class FolderStore:
    """A folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def files(self) -> dict[str, Stamp]:
        """As `Store` tells."""
        found = {}
        for path in images.find([self.folder], lambda _: True) if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):  # it has gone meanwhile
                told = _status(path)
                found[path.relative_to(self.folder).as_posix()] = Stamp(told.st_size, told.st_mtime_ns)
        return found

    def fetch(self, name: str, scratch: Path) -> Path:
        """As `Store` tells; the file itself."""
        return self.folder / name

    def put(self, made: Path, name: str, shard: str) -> None:
        """As `Store` tells."""
        # Not under a name beside the target: a folder of 100,000 results takes long to be searched for leftovers.
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
        """The folder of what is on its way, which is of no use once nobody is at work on the shard."""
        return self.folder / RECORDS / shard / "parts"

    def held(self, folder: str) -> dict[str, int]:
        """As `Store` tells."""
        found = (path for path in (self.folder / folder).rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in found}

    def drop(self, name: str) -> None:
        """As `Store` tells."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        with suppress(OSError):  # it is not empty
            path.parent.rmdir()

    def records(self) -> Iterator[str]:
        """As `Store` tells."""
        for path in sorted(self.folder.glob(f"{RECORDS}/*/manifest*.jsonl")):
            try:
                with regular(path).open("rb") as file:
                    yield from _lines(file)
            except OSError as error:
                raise OutputError(f"cannot read {path}: {error.strerror or error}; remove it") from None

    def record(self, lines: Sequence[str], shard: str) -> None:
        """As `Store` tells."""
        path = Path(self.place(shard))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a+b") as file:
                file.seek(0, os.SEEK_END)
                if file.tell() and not _ends_a_line(file):
                    file.write(b"\n")  # after the line of a process that was killed
                file.write("".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from None

    def place(self, shard: str) -> str:
        """As `Store` tells."""
        return str(self.folder / RECORDS / shard / "manifest.jsonl")


def _status(path: Path) -> os.stat_result:
    """Of a file; of a link that leads nowhere, its own, and painting it will fail."""
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
    """What a URI names, through pyarrow; what pyarrow does not know by itself, through fsspec."""

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
        """As `Store` tells."""
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
        """As `Store` tells; a copy in `scratch`."""
        copy = scratch / Path(name).name
        try:
            with self._files.open_input_stream(f"{self._root}/{name}") as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        except FileNotFoundError:
            raise ImageError(f"{name} does not exist any more") from None
        return copy

    def put(self, made: Path, name: str, shard: str) -> None:
        """As `Store` tells."""
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
        if self._files.type_name not in WHOLE_AT_ONCE:  # which have none
            self._files.create_dir(path.rpartition("/")[0], recursive=True)

    def held(self, folder: str) -> dict[str, int]:
        """As `Store` tells."""
        return {info.path[len(self._root) + 1 :]: info.size for info in self._listed(f"{self._root}/{folder}")}

    def drop(self, name: str) -> None:
        """As `Store` tells; empty folders stay."""
        with suppress(FileNotFoundError):
            self._files.delete_file(f"{self._root}/{name}")

    def records(self) -> Iterator[str]:
        """As `Store` tells."""
        for info in self._listed(f"{self._root}/{RECORDS}"):
            if info.path.endswith(".jsonl"):
                with io.BufferedReader(self._files.open_input_stream(info.path)) as file:
                    yield from _lines(file)

    def record(self, lines: Sequence[str], shard: str) -> None:
        """As `Store` tells; a new file each time, as object stores add to none."""
        path = f"{self.place(shard)}/manifest-{uuid.uuid4().hex}.jsonl"
        try:
            self._folder_of(path)
            with self._files.open_output_stream(path) as file:
                file.write("".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error}") from None

    def place(self, shard: str) -> str:
        """As `Store` tells."""
        return f"{self._root}/{RECORDS}/{shard}"
