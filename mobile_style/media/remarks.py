"""Collects remarks on files, to report each remark once with the names of its files."""

from collections.abc import Iterator
from pathlib import Path

SHOWN = 10  # names in one line


class Remarks:
    """Collects remarks on files."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def add(self, path: Path, *remarks: str) -> None:
        """Adds remarks on a file."""
        for remark in remarks:
            self._files.setdefault(remark, []).append(path.name)

    def lines(self) -> Iterator[str]:
        """One line for each remark, with the number and names of its files."""
        for remark, names in self._files.items():
            shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
            yield f"{shown}: {remark}" if len(names) == 1 else f"{len(names)} files: {remark}: {shown}"
