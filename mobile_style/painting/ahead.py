"""Runs the steps of a stream at the same time, each in its own thread."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

WAITING = 2  # items that are made before they are asked for


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """Yields the items; a thread makes up to `WAITING` of them ahead.

    An error of that thread is raised where the items are taken. Once this generator is closed, the thread has ended and
    has closed `items`.
    """
    ready: Queue[tuple[T] | BaseException | None] = Queue(WAITING)
    stopped = Event()

    def work() -> None:
        end: BaseException | None = None
        try:
            for item in items:
                ready.put((item,))
                if stopped.is_set():
                    break
        except BaseException as error:  # told to who takes the items
            end = error
        if isinstance(items, Generator):
            items.close()
        if not stopped.is_set():
            ready.put(end)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while isinstance(entry := ready.get(), tuple):
            yield entry[0]
        if entry is not None:
            raise entry
    finally:
        stopped.set()
        while thread.is_alive():
            with suppress(Empty):  # makes room, should the thread wait for some
                ready.get(timeout=0.01)


def side_by_side(change: Callable[[S], T], items: Generator[S, None, None], count: int) -> Generator[T, None, None]:
    """Yields each item changed, in order; changes `count` at once. Closes `items` at its end."""
    begun: deque[Future[T]] = deque()
    with ThreadPoolExecutor(count) as pool, closing(items):
        try:
            for item in items:
                begun.append(pool.submit(change, item))
                if len(begun) >= count:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
