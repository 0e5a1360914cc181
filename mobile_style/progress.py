"""How long work tells where it stands: it calls back, and whoever called it decides what to show.

A function that takes a while has a parameter `progress`, called with a `Note` or a `Step`. `print` is such a
callback; the command line has bars (cli/terminal.py). By default nothing is shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Note:
    """One sentence for the user; `warning` where something may be wrong."""

    text: str
    warning: bool = False

    def __str__(self) -> str:
        return f"warning: {self.text}" if self.warning else self.text


@dataclass(frozen=True)
class Step:
    """Where a task stands.

    Attributes:
        task: what is done, such as "Packing photos".
        done, total: how much of it, in `unit`; a `total` of 0 where that is not known.
        details: figures of the moment by name, such as losses.
    """

    task: str
    done: float
    total: float
    unit: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        count = f"{self.done:g}/{self.total:g}" if self.total else f"{self.done:g}"
        parts = (f"{self.task} {count} {self.unit}".rstrip(), *(f"{k} {v}" for k, v in self.details.items()))
        return "  ".join(parts)


Progress = Callable[[Note | Step], None]


def silent(_event: Note | Step) -> None:
    """Shows nothing."""


def track(items: Iterable[T], task: str, total: int, unit: str, progress: Progress) -> Iterator[T]:
    """Yields the items, and reports how many are done."""
    progress(Step(task, 0, total, unit))
    for done, item in enumerate(items, 1):
        yield item
        progress(Step(task, done, total, unit))
