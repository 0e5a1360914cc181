"""Steps of a stream that work at the same time, each in a thread of its own."""

from collections.abc import Generator, Iterable
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")

WAITING = 2  # items that are made before they are asked for


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The items, made in a thread that is up to `WAITING` of them ahead.

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
