"""Signals that ask a process to stop: Ctrl-C, SIGTERM, and SIGHUP when its terminal is closed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .progress import Note, Progress


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt in the body, as Ctrl-C does, so that it leaves nothing half done."""
    with _handled(signal.default_int_handler):
        yield


@contextmanager
def interruptible(progress: Progress) -> Iterator[list[int]]:
    """Gives a list that Ctrl-C, SIGTERM and SIGHUP fill; a second one raises KeyboardInterrupt."""
    received: list[int] = []

    def note(number: int, _frame: Any) -> None:
        received.append(number)
        signal.signal(number, signal.default_int_handler)
        progress(Note("stopping after this step; press Ctrl-C again to stop at once"))

    with _handled(note):
        yield received


@contextmanager
def _handled(handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # Python allows no handlers there
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: old for number, old in before.items() if old != signal.SIG_IGN}  # as nohup has it stay
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
