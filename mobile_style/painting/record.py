"""Records what was painted into a folder, so that a run that was stopped or gets new photos can continue."""

import hashlib
import json
from pathlib import Path

from ..errors import ImageError, OutputError
from ..files import refuse_existing, regular
from .places import Job

NAME = ".mobile-style-results"


class Record:
    """A file in a folder of results, with a line for each result: its name, and a digest of what it was made from.

    Args:
        folder: the folder of results.
        settings: everything that changes the results, including the model.
    """

    def __init__(self, folder: Path, settings: object):
        self._path, self._settings = folder / NAME, settings
        self._digests: dict[str, str] = {}
        try:
            lines = regular(self._path).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:  # a new folder
            lines = []
        for line in lines:
            try:
                name, digest = json.loads(line)
                self._digests[str(name)] = str(digest)
            except (ValueError, TypeError, RecursionError):  # the last one, where a run was killed
                continue

    def finished(self, job: Job) -> bool:
        """Whether the job's result is there.

        Raises:
            ImageError: the result is there, and the photo is not.
            OutputError: another file is in its place.
        """
        told = self._digests.get(self._name(job))
        if told is None or not job.target.is_file():
            refuse_existing(job.target)
            return False
        if told != self._digest(job):
            raise OutputError(
                f"{job.target} was painted with other settings, or of another photo; delete it, or choose another `out`"
            )
        return True

    def begin(self, job: Job) -> None:
        """Writes the job's line before its result: a result without its line is not recognized.

        Raises:
            ImageError: the photo is not there.
            OutputError: nothing can be written.
        """
        line = json.dumps([self._name(job), self._digest(job)]) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists():
                regular(self._path)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}; choose another place") from None

    def _name(self, job: Job) -> str:
        return job.target.relative_to(self._path.parent).as_posix()

    def _digest(self, job: Job) -> str:
        """Covers the settings and the photo's size in bytes, but not its date, which changes with every copy."""
        try:
            size = job.source.stat().st_size
        except OSError as error:  # a link to nothing, or a file that has gone
            raise ImageError(f"{job.source} cannot be read: {error.strerror}") from None
        made_of = json.dumps([self._settings, size])
        return hashlib.sha256(made_of.encode()).hexdigest()[:16]
