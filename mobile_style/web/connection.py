"""One connection to the page's server, which is closed where nothing happens on it.

uvicorn itself waits forever for a request that is never finished, and for a reader who takes nothing.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

IDLE = 20.0  # seconds


class Connection(H11Protocol):
    """Ends after `IDLE` seconds without a request, after as long in which none is finished or nothing is read."""

    _request: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None
    _last: Any = None  # the request that was there when it was looked at last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to watch."""
        super().connection_made(transport)
        self._request = self.loop.call_later(IDLE, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Watches no more."""
        for timer in (self._request, self._reader):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader is slower than the answer."""
        super().pause_writing()
        self._reader = self.loop.call_later(IDLE, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader took some of it."""
        if self._reader is not None:
            self._reader.cancel()
        super().resume_writing()

    def _look(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.cycle is self._last:
            self.transport.abort()
            return
        self._last = self.cycle
        self._request = self.loop.call_later(IDLE, self._look)
