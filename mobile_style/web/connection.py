"""One connection to the page's server, closed when it stalls.

uvicorn alone waits forever for a request that is never finished, and for a client that reads nothing.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

IDLE = 20.0  # seconds


class Connection(H11Protocol):
    """Aborts after `IDLE` to 2 `IDLE` seconds without a request, or `IDLE` in which the client reads nothing."""

    _idle_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _last: Any = None  # the request at the last check

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the idle timer."""
        super().connection_made(transport)
        self._idle_timer = self.loop.call_later(IDLE, self._check_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancels the timers."""
        for timer in (self._idle_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Starts a timer, because the client reads more slowly than the answer is written."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(IDLE, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancels that timer, because the client has read on."""
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().resume_writing()

    def _check_idle(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.cycle is self._last:
            self.transport.abort()
            return
        self._last = self.cycle
        self._idle_timer = self.loop.call_later(IDLE, self._check_idle)
