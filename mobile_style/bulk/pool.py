"""Worker processes on this machine."""

import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Protocol

from ..inference.interpreter import cores
from .plan import Item
from .worker import Order, Outcome, Worker

TRIES = 10  # attempts to remove an orphan's files


class Pool(Protocol):
    """Workers that each paint one item at a time."""

    def idle(self) -> bool:
        """Whether a worker is free."""

    def busy(self) -> bool:
        """Whether an item is being painted."""

    def submit(self, item: Item) -> None:
        """Gives an item to a free worker."""

    def outcomes(self) -> Iterator[tuple[Item, Outcome | None]]:
        """Waits briefly, and yields finished items; the outcome is None if the worker was lost (it is replaced)."""

    def close(self) -> None:
        """Ends the workers, even in the middle of an item."""


class ProcessPool:
    """Processes on this machine, one thread each.

    Args:
        order: what each process gets.
        count: number of processes; None for one per core that this process may use.
    """

    def __init__(self, order: Order, count: int | None) -> None:
        self._order = order
        self._scratch = TemporaryDirectory(prefix="mobile-style-bulk-", ignore_cleanup_errors=True)
        self._context = multiprocessing.get_context("spawn")  # a fork would share LiteRT's threads
        self._idle: list[tuple[BaseProcess, Connection]] = []
        self._busy: dict[Connection, tuple[BaseProcess, Item]] = {}
        for _ in range(count or cores()):
            self._start()

    def _start(self) -> None:
        here, there = self._context.Pipe()
        process = self._context.Process(target=_work, args=(there, Path(self._scratch.name)), daemon=True)
        process.start()
        there.close()  # so that reading here fails once the process has ended
        here.send(self._order)
        self._idle.append((process, here))

    def idle(self) -> bool:
        """See `Pool`."""
        return bool(self._idle)

    def busy(self) -> bool:
        """See `Pool`."""
        return bool(self._busy)

    def submit(self, item: Item) -> None:
        """See `Pool`."""
        process, pipe = self._idle.pop()
        self._busy[pipe] = process, item
        with suppress(OSError):  # if the process has just ended, which `outcomes` notices
            pipe.send(item)

    def outcomes(self) -> Iterator[tuple[Item, Outcome | None]]:
        """See `Pool`."""
        for pipe in wait(list(self._busy), timeout=1.0):
            assert isinstance(pipe, Connection)
            process, item = self._busy.pop(pipe)
            try:
                outcome: Outcome | None = pipe.recv()
                self._idle.append((process, pipe))
            except (EOFError, OSError):
                outcome = None
                pipe.close()
                self._start()
            yield item, outcome

    def close(self) -> None:
        """See `Pool`."""
        for process, _ in self._busy.values():
            process.terminate()
        every = [*self._idle, *((process, pipe) for pipe, (process, _) in self._busy.items())]
        for _, pipe in every:
            pipe.close()
        for process, _ in every:
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()
        self._scratch.cleanup()


def _work(pipe: Connection, scratch: Path) -> None:
    """Paints the items that come through the pipe until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    Thread(target=_end_with_parent, args=(scratch,), daemon=True).start()
    worker = None
    try:
        worker = Worker(pipe.recv(), scratch)
        while True:
            pipe.send(worker.paint(pipe.recv()))
    except (EOFError, OSError):  # the parent has ended, or has closed the pipe
        if worker is not None:
            worker.close()
        with suppress(OSError):  # unless other workers' files are still there
            scratch.rmdir()


def _end_with_parent(scratch: Path) -> None:
    """Ends this process at once when its parent has ended, even if the parent was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    for _ in range(TRIES):  # the other thread, and other workers, may still be writing
        shutil.rmtree(scratch, ignore_errors=True)
        if not scratch.exists():
            break
        time.sleep(0.1)
    os._exit(1)
