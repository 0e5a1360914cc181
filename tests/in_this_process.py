"""Bulk painting without a process of its own, so that what a test patches counts."""

from collections.abc import Iterator

import pytest

from mobile_style.bulk.plan import Item
from mobile_style.bulk.worker import Order, Outcome, Worker


class Here:
    """A pool of one worker in this process."""

    def __init__(self, order: Order, _: int | None) -> None:
        self.worker = Worker(order)
        self.item: Item | None = None

    def idle(self) -> bool:
        return self.item is None

    def busy(self) -> bool:
        return self.item is not None

    def submit(self, item: Item) -> None:
        self.item = item

    def outcomes(self) -> Iterator[tuple[Item, Outcome]]:
        item, self.item = self.item, None
        yield item, self.worker.paint(item)

    def close(self) -> None:
        self.worker.close()


def paint_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `bulk` paint in this process."""
    monkeypatch.setattr("mobile_style.bulk.run.ProcessPool", Here)
