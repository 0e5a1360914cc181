"""What a person at a terminal sees: progress bars, notes, errors, and the names of flags."""

import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from ..documents import printable
from ..progress import Note, Step

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

LOG_SECONDS = 20  # between two lines about a task where no terminal shows its bar
WIDE = 170  # characters of a terminal that shows all the details of a step


@cache
def console() -> "Console":
    """Standard error; rich, which takes a while to load, is loaded when there is something to say."""
    from rich.console import Console

    if sys.stderr.isatty():  # of its own, for bars that move on while `quiet` sends standard error elsewhere
        return Console(file=os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8"), highlight=False)
    return Console(stderr=True, highlight=False)


def say(text: str, style: str | None = None) -> None:
    """Prints one line to standard error, brackets as they are: names of files may hold some."""
    line = printable(" ".join(text.splitlines()))
    if sys.stderr.isatty():
        line = _wrapped(line)
    console().print(line, style=style, markup=False, soft_wrap=True)


def show(*lines: object) -> None:
    """Prints results to standard output: to a terminal without what it would act on, to a program as they are."""
    for line in lines:
        print(_wrapped(printable(str(line))) if sys.stdout.isatty() else line)


def _wrapped(line: str) -> str:
    """Broken between words where a terminal would break it within one; commands stay whole, to be copied."""
    if "mobile-style " in line or "python -m" in line:
        return line
    return textwrap.fill(line, shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)


class Bars:
    """A progress callback: bars in a terminal, and a line now and then in a log file."""

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._task: str | None = None  # None of what moves between two tasks
        self._ended = ""
        self._last_line = time.monotonic()

    def __call__(self, event: Note | Step) -> None:
        """Shows the event."""
        if isinstance(event, Note):
            say(as_flags(str(event)), "yellow" if event.warning else None)
            if self._bars is None and sys.stderr.isatty():
                self._wait()
        elif sys.stderr.isatty():
            self._show(event)
        elif time.monotonic() - self._last_line > LOG_SECONDS:
            self._last_line = time.monotonic()
            say(str(event))

    def _wait(self) -> None:
        """Moves until the next task, and leaves nothing."""
        from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

        self._task, self._bars = None, Progress(SpinnerColumn(), TimeElapsedColumn(), console=console(), transient=True)
        self._bars.add_task("", total=None)
        self._bars.start()

    def _show(self, step: Step) -> None:
        at_end = bool(step.total) and step.done >= step.total
        if at_end and step.task == self._ended:
            return  # a training by time has steps after the last second
        if self._bars is None or step.task != self._task:
            self.close()
            self._task, self._ended = step.task, ""
            self._bars = _bar(step)
            self._bars.start()
        shown = step.details if console().width >= WIDE else dict(list(step.details.items())[:1])
        count = f"{step.done:g}/{step.total:g} {step.unit}" if step.total else f"{step.done:g} {step.unit}"
        details = printable("  ".join(f"{name} {value}" for name, value in shown.items()))
        (task,) = self._bars.task_ids
        self._bars.update(task, completed=step.done, count=count, details=details)
        if at_end:
            self.close()
            self._ended = step.task
            self._wait()

    def close(self) -> None:
        """Leaves the bar as it stands."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = None


def _bar(step: Step) -> "Progress":
    """A task's bar: what, how much of it, the time that it takes, and figures of the moment."""
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.text import Text

    class Times(ProgressColumn):
        def render(self, task: Task) -> Text:
            left = None if task.finished else task.time_remaining
            seconds = round(task.elapsed or 0) if left is None else round(left)
            what = "in all" if task.finished else "so far" if left is None else "left"
            return Text(f"{seconds // 60}:{seconds % 60:02} {what}")

    columns = [
        SpinnerColumn(finished_text=""),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[count]}"),
        Times(),
        TextColumn("{task.fields[details]}"),
    ]
    bar = Progress(*columns, console=console())
    bar.add_task(printable(step.task), total=step.total or None, count="", details="")
    return bar


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """A progress callback whose bar does not outlast the body."""
    bars = Bars()
    try:
        yield bars
    finally:
        bars.close()


def as_flags(note: str) -> str:
    """A note of the library with its parameters, in backquotes, as flags."""
    named = r"`([a-z]+(?:_[a-z]+)*)(?:=([^`]*))?`"
    return re.sub(named, lambda found: f"--{found[1].replace('_', '-')} {found[2] or ''}".rstrip(), note)


def with_flags(message: str, command: Any) -> str:
    """An error of the library in the words of the command line.

    The library writes parameters in backquotes: `style_size`, or `style_size=200`. Those of the command become
    flags (--style-size, --style-size 200) and arguments (MODELS).
    """
    names = {}
    for parameter in command.params if command else ():
        flag = next((each for each in parameter.opts if each.startswith("--")), None)
        names[parameter.name] = flag or parameter.name.upper()

    def translated(match: re.Match[str]) -> str:
        name, value = match[1], match[2]
        if name not in names:
            return match[0]
        return names[name] if value is None else f"{names[name]} {value}"

    return re.sub(r"`([a-z][a-z0-9_]*)(?:=([^`]*))?`", translated, message)
