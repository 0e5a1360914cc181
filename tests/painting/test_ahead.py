import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from mobile_style.painting.ahead import WAITING, ahead, side_by_side


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


def test_items_are_changed_side_by_side_and_stay_in_order() -> None:
    meeting = threading.Barrier(2, timeout=20)  # broken, unless two are worked on at once

    def change(number: int) -> int:
        meeting.wait()
        time.sleep(0.01 * (number % 2 == 0))  # the later one is done first
        return -number

    assert list(side_by_side(change, ahead(range(10)), 2)) == [-number for number in range(10)]


def test_what_fails_side_by_side_is_raised_in_its_place_and_ends_the_rest() -> None:
    made: list[int] = []

    def change(number: int) -> int:
        if number == 3:
            raise ValueError("not this one")
        return number

    taken: list[int] = []
    with pytest.raises(ValueError, match="not this one"):
        for number in side_by_side(change, ahead(numbers(made)), 2):
            taken.append(number)
    assert taken == [0, 1, 2] and len(made) < 100
