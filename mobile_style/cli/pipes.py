"""Standard input and output in place of files: `-`."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import MobileStyleError, OutputError, UsageError
from ..progress import Note, Progress, Step

PIPE = "-"


@contextmanager
def piped(
    inputs: Sequence[Path], out: str | None
) -> Iterator[tuple[list[Path], str | None, Callable[[Progress], Progress]]]:
    """Files in place of every `-`: one that holds what standard input gives, and one that goes to standard output.

    What comes from standard input goes to standard output, unless `out` tells another place. Errors speak of standard
    input and output, not of these files; so do the notes through what the third makes of a progress callback.

    Raises:
        UsageError: `out` is `-`, and there is not just one photo.
        OutputError: standard output is a terminal, or closed.
    """
    names = [str(given) for given in inputs]
    if PIPE not in [*names, out]:
        yield list(inputs), out, lambda progress: progress
        return
    to_output = out in (PIPE, None)
    if to_output and (len(inputs) > 1 or inputs[0].is_dir()):
        raise UsageError("standard output takes one photo; name a folder with `out`")
    if to_output and sys.stdout.name == os.devnull:
        raise OutputError("standard output is closed; name a file with `out`")
    if to_output and sys.stdout.isatty():
        raise OutputError("a picture is not written to a terminal; name a file with `out`, or a program behind `|`")
    with TemporaryDirectory() as folder:
        source = Path(folder, "stdin")
        if PIPE in names:
            with source.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            source = source.rename(source.with_suffix(_suffix(source)))
        files = [source if name == PIPE else given for name, given in zip(names, inputs, strict=True)]
        target = Path(folder, "stdout").with_suffix(_suffix(files[0]))
        spoken = {str(source): "standard input", str(target): "standard output"}
        try:
            yield files, str(target) if to_output else out, lambda progress: _naming(spoken, progress)
        except MobileStyleError as error:
            error.args = (_named(str(error), spoken),)
            raise
        if to_output and target.exists():
            with target.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()


def _naming(names: Mapping[str, str], progress: Progress) -> Progress:
    def named(event: Note | Step) -> None:
        progress(replace(event, text=_named(event.text, names)) if isinstance(event, Note) else event)

    return named


def _named(text: str, names: Mapping[str, str]) -> str:
    for path, name in names.items():
        text = text.replace(path, name)
    return text


def _suffix(picture: Path) -> str:
    """The suffix of a result in the picture's own format, if it can be written."""
    from ..media.images import suffix_of

    return suffix_of(picture)
