import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from mobile_style.painting.ahead import WAITING, ahead


def numbers(made: list[int], fail_at: int = -1) -> Iterator[int]:
    for number in range(100):
        if number == fail_at:
            raise ValueError("no more")
        made.append(number)
        yield number


def test_items_are_made_ahead_in_another_thread_in_their_order() -> None:
    made: list[int] = []
    threads = set()

    def items() -> Iterator[int]:
        for number in numbers(made):
            threads.add(threading.get_ident())
            yield number

    taken = ahead(items())
    assert next(taken) == 0
    deadline = time.monotonic() + 5
    while len(made) < WAITING + 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert len(made) == WAITING + 2  # those that wait, and the one for which there is no room
    assert [0, *taken] == list(range(100)) and threads.isdisjoint({threading.get_ident()})


def test_an_error_comes_after_the_items_before_it() -> None:
    taken: list[int] = []
    with pytest.raises(ValueError, match="no more"):
        taken.extend(ahead(numbers([], fail_at=7)))
    assert taken == list(range(7))


def test_who_stops_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with closing(ahead(ahead(numbers([])))) as taken:
        next(taken)
        assert threading.active_count() == before + 2
    assert threading.active_count() == before
