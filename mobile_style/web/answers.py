"""The responses of the page's server: the files of a table, for requests to one of the server's own host names."""

import asyncio
import gzip
import hashlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import MobileStyleError
from .site import Resource, Site

HEADERS = {
    # Threads need a page that is isolated from others.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The page can reach nothing but this server, so nothing can be sent elsewhere.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
PART = 1 << 16  # bytes sent at a time: limits what is buffered for a slow client
READERS = 4  # files that are read, decompressed or computed at the same time


def application(site: Site, host: str, more: Sequence[BaseRoute] = ()) -> Starlette:
    """An application that answers GET and HEAD with the files of the table only; `more` routes take precedence.

    `host` is the name or address that the server listens on.
    """
    contents = _Contents()

    async def answer(request: Request) -> Response:
        resource = site.get(request.path_params["name"] or "index.html")
        if resource is None:
            return PlainTextResponse("not found", 404, HEADERS)
        gzipped = resource.gzipped and "gzip" in request.headers.get("accept-encoding", "")
        try:
            content = await contents.of(resource, gzipped)
        except (MobileStyleError, OSError, EOFError):  # whose message may contain a path of this machine
            text = "this file is damaged, or was changed or removed since the page was started; start it again"
            return PlainTextResponse(text, 500, HEADERS)
        headers = HEADERS | {"ETag": content.etag, "Content-Type": resource.kind}
        if resource.gzipped:
            headers["Vary"] = "Accept-Encoding"
        if content.etag in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        headers["Content-Length"] = str(len(content.data))
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        return StreamingResponse(content.parts(), 200, headers)

    own_names = Middleware(_OwnNames, host=host)
    return Starlette(routes=[*more, Route("/{name:path}", answer)], middleware=[own_names])


@dataclass(frozen=True, eq=False)
class _Content:
    data: bytes
    etag: str

    async def parts(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), PART):
            yield self.data[start : start + PART]


class _Contents:
    """Files that are being sent: simultaneous requests for a file share one copy in memory."""

    def __init__(self) -> None:
        self._sent: WeakValueDictionary[tuple[Resource, bool], _Content] = WeakValueDictionary()
        self._locks: WeakValueDictionary[tuple[Resource, bool], asyncio.Lock] = WeakValueDictionary()
        self._readers = asyncio.Semaphore(READERS)

    async def of(self, resource: Resource, gzipped: bool) -> _Content:
        key = resource, gzipped
        if (lock := self._locks.get(key)) is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            if (content := self._sent.get(key)) is None:
                async with self._readers:
                    content = await run_in_threadpool(_read, resource, gzipped)
                self._sent[key] = content
        return content


def _read(resource: Resource, gzipped: bool) -> _Content:
    data = resource.read()
    if resource.gzipped and not gzipped:
        data = gzip.decompress(data)
    return _Content(data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')


class _OwnNames:
    """Refuses requests for other hosts, such as a site whose name resolves to this machine (DNS rebinding)."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        machine = socket.gethostname().lower()
        self._app = app
        self._names = {host.lower(), "localhost", machine, machine.split(".")[0], f"{machine.split('.')[0]}.local"}
        # An IP address cannot be rebound. Behind a router or in a container, clients may use any address.
        self._any_address = False
        with suppress(ValueError):
            self._any_address = ipaddress.ip_address(host).is_unspecified

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope["type"] == "http" and not self._own(scope)
        app = PlainTextResponse("this server has another name", 421, HEADERS) if refused else self._app
        await app(scope, receive, send)

    def _own(self, scope: Scope) -> bool:
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if set(given) & set("/?#@\\"):  # these separate a host from the rest of a URL, and are invalid here
            return False
        try:
            name = urlsplit(f"//{given}").hostname or ""
        except ValueError:
            return False
        if name in self._names or name == (scope.get("server") or ("",))[0]:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address
