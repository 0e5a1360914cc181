"""How long work shows itself: bars in a terminal, a line now and then in a log file."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")
LOG_SECONDS = 20

console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Prints a line on standard error."""
    console.print(text, markup=False, soft_wrap=True)


def bars(*details: str) -> Progress:
    """A rich progress display; `details` are names of task fields shown behind the times."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        *(TextColumn("{task.fields[" + name + "]}") for name in details),
        console=console,
        disable=not console.is_terminal,
    )


class Lines:
    """Plain lines for where no terminal shows the bar, at most one in `LOG_SECONDS`."""

    def __init__(self) -> None:
        self.last = float("-inf")

    def show(self, text: str) -> None:
        """Prints `text` if there is no terminal and the last line is old enough."""
        if not console.is_terminal and time.monotonic() - self.last > LOG_SECONDS:
            self.last = time.monotonic()
            console.print(text, markup=False, soft_wrap=True)


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yields the items under a progress bar; a `total` of 0 is one that nobody knows."""
    lines = Lines()
    with bars() as progress:
        task = progress.add_task(description, total=total or None)
        for count, item in enumerate(items):
            lines.show(f"{description} {count}/{total or '?'}")
            yield item
            progress.advance(task)
