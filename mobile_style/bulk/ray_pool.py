"""Workers on a Ray cluster: one actor per core."""

import logging
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

from ..errors import UsageError
from .plan import Item
from .worker import Order, Outcome, Worker

LOCAL = "local"
GROW = 5.0  # seconds between checks of the cluster's number of cores
WAIT = 1.0  # seconds to wait for an outcome, at most
LEAVE = 5.0  # seconds that actors have to remove their files


class RayPool:
    """Actors that each hold the network, one per core of the cluster; more are started as machines join.

    Args:
        order: what each actor gets.
        address: of a cluster, or "local" for one on this machine.
        most: largest number of actors; None for no limit.

    Raises:
        UsageError: there is no cluster at that address.
    """

    def __init__(self, order: Order, address: str, most: int | None) -> None:
        import ray

        self._ray, self._most = ray, most
        self._started = not ray.is_initialized()
        if self._started:
            place = None if address == LOCAL else address
            try:
                _check_listening(address)
                ray.init(place, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
            except (OSError, RuntimeError, ValueError) as error:
                first = str(error).strip().split("\n", 1)[0]
                raise UsageError(f"there is no Ray cluster at `ray={address}` ({first}); local starts one") from None
        self._order = ray.put(order)
        # The items of lost actors are submitted again, so Ray itself must not restart anything.
        self._kind = ray.remote(num_cpus=1, max_restarts=0)(Worker)
        self._new: dict[Any, Any] = {}  # actors that are loading the network, by the pending answer of `ready`
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Item]] = {}  # by the pending answer of `paint`
        self._checked = 0.0
        self._grow()

    def _grow(self) -> None:
        """Starts actors until there is one per core; an actor that finds no free core waits for one."""
        if time.monotonic() - self._checked < GROW:
            return
        self._checked = time.monotonic()
        count = int(self._ray.cluster_resources().get("CPU", 0))
        for _ in range(min(count, self._most or count) - len(self._new) - len(self._idle) - len(self._busy)):
            actor = self._kind.remote(self._order)
            self._new[actor.ready.remote()] = actor

    def idle(self) -> bool:
        """See `Pool`."""
        return bool(self._idle)

    def busy(self) -> bool:
        """See `Pool`."""
        return bool(self._busy)

    def submit(self, item: Item) -> None:
        """See `Pool`."""
        actor = self._idle.pop()
        self._busy[actor.paint.remote(item)] = actor, item

    def outcomes(self) -> Iterator[tuple[Item, Outcome | None]]:
        """See `Pool`."""
        answers = [*self._busy, *self._new]
        if answers:
            answers, _ = self._ray.wait(answers, num_returns=len(answers), timeout=0)
            answers = answers or self._ray.wait([*self._busy, *self._new], timeout=WAIT)[0]
        for answer in answers:
            actor, item = self._busy.pop(answer, None) or (self._new.pop(answer), None)
            try:
                outcome = self._ray.get(answer)
                self._idle.append(actor)
            except self._ray.exceptions.RayError:  # its machine or its process is gone, or cannot be reached
                self._ray.kill(actor)
                outcome, self._checked = None, 0.0
            if item is not None:
                yield item, outcome
        self._grow()

    def close(self) -> None:
        """See `Pool`."""
        left = [actor.close.remote() for actor in self._idle]
        if left:
            self._ray.wait(left, num_returns=len(left), timeout=LEAVE)
        for actor in (*self._new.values(), *self._idle, *(actor for actor, _ in self._busy.values())):
            self._ray.kill(actor)
        if self._started:
            self._ray.shutdown()


def _check_listening(address: str) -> None:
    """Raises OSError if nothing listens at HOST:PORT; Ray itself would keep trying for minutes."""
    if named := re.fullmatch(r"(?:ray://)?(.+):(\d+)", address):
        socket.create_connection((named[1], int(named[2])), timeout=10).close()
