import os
import signal
from collections.abc import Iterator

import pytest

from mobile_style.interrupts import ended_by_signals, interruptible
from mobile_style.progress import Note, Step, silent

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The usual ones, but where one is not put back, pytest would not end."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_body(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        os.kill(os.getpid(), number)
    assert [signal.getsignal(each) for each in SIGNALS] == [signal.SIG_DFL] * 3


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_second_ends_the_body(number: signal.Signals) -> None:
    events: list[Note | Step] = []
    with pytest.raises(KeyboardInterrupt), interruptible(events.append) as received:
        assert not received
        os.kill(os.getpid(), number)
        assert received == [number] and "stopping after this step" in str(events[0])
        os.kill(os.getpid(), number)
    assert received == [number] and signal.getsignal(number) == signal.SIG_DFL


@pytest.mark.parametrize("handled", [ended_by_signals, lambda: interruptible(silent)])
def test_a_signal_that_nohup_ignores_stays_ignored(handled: object) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with handled():
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
