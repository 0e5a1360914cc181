"""Worker processes of this machine."""

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

TRIES = 10  # at removing what an orphan has written


class Pool(Protocol):
    """Workers that each paint one item at a time."""

    def idle(self) -> bool:
        """Whether a worker has nothing to do."""

    def busy(self) -> bool:
        """Whether an item is being painted."""

    def submit(self, item: Item) -> None:
        """Gives an item to an idle worker."""

    def outcomes(self) -> Iterator[tuple[Item, Outcome | None]]:
        """Waits a while for what is done; None of an item whose worker was lost, in whose place there is another."""

    def close(self) -> None:
        """Ends the workers, whatever they are at."""


class ProcessPool:
    """Processes of this machine, one thread each.

    Args:
        order: for each of them.
        count: how many; by default one for each core that this process may use.
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
        there.close()  # so that its end is seen here
        here.send(self._order)
        self._idle.append((process, here))

    def idle(self) -> bool:
        """As `Pool` tells."""
        return bool(self._idle)

    def busy(self) -> bool:
        """As `Pool` tells."""
        return bool(self._busy)

    def submit(self, item: Item) -> None:
        """As `Pool` tells."""
        process, pipe = self._idle.pop()
        self._busy[pipe] = process, item
        with suppress(OSError):  # if it has just ended, which is seen when its outcome is read
            pipe.send(item)

    def outcomes(self) -> Iterator[tuple[Item, Outcome | None]]:
        """As `Pool` tells."""
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
        """As `Pool` tells."""
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
    """Paints what comes through the pipe, until nothing can come any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that has the pipe's other end
    Thread(target=_end_with_parent, args=(scratch,), daemon=True).start()
    worker = None
    try:
        worker = Worker(pipe.recv(), scratch)
        while True:
            pipe.send(worker.paint(pipe.recv()))
    except (EOFError, OSError):  # that process has ended, or closed its end
        if worker is not None:
            worker.close()
        with suppress(OSError):  # if the others have left theirs, too
            scratch.rmdir()


def _end_with_parent(scratch: Path) -> None:
    """Ends this process, whatever it is at, once the one that started it has ended, killed perhaps."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    for _ in range(TRIES):  # the other thread, and other workers, may still be writing
        shutil.rmtree(scratch, ignore_errors=True)
        if not scratch.exists():
            break
        time.sleep(0.1)
    os._exit(1)
