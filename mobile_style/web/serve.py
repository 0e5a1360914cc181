"""The browser page from a small server on this machine."""

import io
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import segno
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..errors import DeviceError, MobileStyleError, UsageError
from .certificate import certificate
from .site import Site, build_site, etag

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


def application(site: Site, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Answers GET and HEAD with the files of the table, and nothing else; `more` routes come first."""

    async def answer(request: Request) -> Response:
        resource = site.get(request.path_params["name"] or "index.html")
        if resource is None:
            return PlainTextResponse("not found", 404, HEADERS)
        gzipped = resource.gzipped and "gzip" in request.headers.get("accept-encoding", "")
        try:
            content = await run_in_threadpool(resource.read if gzipped else resource.content)
        except (MobileStyleError, OSError) as error:  # a file that has gone or is damaged; the page says so
            return PlainTextResponse(f"{error}", 500, HEADERS)
        headers = HEADERS | {"ETag": f'"{etag(content)}"', "Content-Type": resource.kind}
        if resource.gzipped:
            headers["Vary"] = "Accept-Encoding"
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        return Response(content, 200, headers)

    return Starlette(routes=[*more, Route("/{name:path}", answer)])


@dataclass(frozen=True)
class Serving:
    """A server that listens.

    Attributes:
        url: of the page; local: whether only this machine reaches it.
        left_out: files that are no usable models, a sentence each.
        run: answers until Ctrl-C.
    """

    url: str
    local: bool
    left_out: tuple[str, ...]
    run: Callable[[], None]


def open_server(models: Path | None = None, port: int = 8000, host: str = "127.0.0.1", https: bool = False) -> Serving:
    """Prepares a server of the page; its `run` answers.

    Args:
        models: a folder of .tflite files with their cards, in place of the bundled ones.
        port: 0 for any free one.
        host: address of this machine to listen on; 0.0.0.0 for all.
        https: encrypt with a certificate made here, without which a phone gives the page no camera.

    Raises:
        CheckpointError: there are no models.
        UsageError: the address cannot be listened on.
        DeviceError: LiteRT.js is not set up.
    """
    if models is not None and not models.is_dir():
        raise UsageError(f"`models={models}` is not a folder")
    site, left_out = build_site() if models is None else build_site([models])
    listening = listen(host, port)
    address = reachable(host)
    name = f"[{address}]" if ":" in address else address
    url = f"{'https' if https else 'http'}://{name}:{listening.getsockname()[1]}/"
    key, chain = certificate(address) if https else (None, None)
    made = server(site, key=key, certificate=chain)
    local = ipaddress.ip_address(address).is_loopback
    return Serving(url, local, tuple(left_out), partial(made.run, sockets=[listening]))


def server(
    site: Site, more: Sequence[BaseRoute] = (), key: Path | None = None, certificate: Path | None = None
) -> uvicorn.Server:
    """A server that is not started yet."""
    config = uvicorn.Config(
        application(site, more),
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        lifespan="off",
        ssl_keyfile=key,
        ssl_certfile=certificate,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        UsageError: there is no such address here, or the port is taken.
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"`port` must be from 0 to 65535, not {port}")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"`host={host}` is not an address of this machine ({error.strerror or error})") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(128)
    except OSError as error:
        made.close()
        reason = error.strerror or error
        raise UsageError(f"cannot listen on `host={host}` `port={port}` ({reason}); choose others") from None
    return made


def reachable(host: str) -> str:
    """The address under which others reach a server that listens on `host`."""
    found: str = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0][4][0]  # type: ignore[assignment]
    if not ipaddress.ip_address(found).is_unspecified:
        return found
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of no one (RFC 5737); connecting a datagram sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            raise DeviceError("this machine is in no network; leave `host` out") from None


def qr_code(text: str) -> str:
    """A QR code for a terminal."""
    out = io.StringIO()
    segno.make(text, error="l").terminal(out, compact=True)
    return out.getvalue().rstrip("\n")
