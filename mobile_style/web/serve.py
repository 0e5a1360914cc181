"""Serves the browser page from this machine."""

import io
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import segno
import uvicorn
from starlette.routing import BaseRoute

from ..errors import DeviceError, UsageError
from ..network.catalog import BUNDLED
from .answers import application
from .certificate import certificate
from .connection import Connection
from .site import Site, build_site

CONNECTIONS = 500  # at the same time; more are refused


@dataclass(frozen=True)
class Serving:
    """A server that is listening.

    Attributes:
        url: of the page.
        local: whether only this machine can reach it.
        left_out: a sentence for each file that is not a usable model.
        run: serves the page until Ctrl-C.
    """

    url: str
    local: bool
    left_out: tuple[str, ...]
    run: Callable[[], None]


def open_server(models: Path | None = None, port: int = 8000, host: str = "127.0.0.1", https: bool = False) -> Serving:
    """Prepares a server for the page; its `run` serves it.

    Args:
        models: a folder of .tflite files with their cards, shown before the bundled ones.
        port: 0 for any free port.
        host: address of this machine to listen on; 0.0.0.0 for all.
        https: encrypt with a self-signed certificate; phones give a page without encryption no camera.

    Raises:
        CheckpointError: there are no usable models.
        UsageError: `models` is not a folder, or the server cannot listen on `host` and `port`.
        DeviceError: LiteRT.js is not set up, or `host` is 0.0.0.0 and this machine has no network.
        OutputError: the certificate cannot be written.
    """
    if models is not None and not models.is_dir():
        raise UsageError(f"`models={models}` is not a folder; name one with .tflite files")
    site, left_out = build_site([BUNDLED] if models is None else [models, BUNDLED])
    listening = listen(host, port)
    address = reachable(host)
    name = f"[{address}]" if ":" in address else address
    url = f"{'https' if https else 'http'}://{name}:{listening.getsockname()[1]}/"
    key, chain = certificate(address) if https else (None, None)
    made = server(site, host=host, key=key, certificate=chain)
    local = ipaddress.ip_address(address).is_loopback
    return Serving(url, local, tuple(left_out), partial(made.run, sockets=[listening]))


def server(
    site: Site,
    more: Sequence[BaseRoute] = (),
    host: str = "127.0.0.1",
    key: Path | None = None,
    certificate: Path | None = None,
) -> uvicorn.Server:
    """A server of `site` and the `more` routes, not started yet, for requests to the name or address `host`."""
    config = uvicorn.Config(
        application(site, host, more),
        http=Connection,
        ws="none",
        limit_concurrency=CONNECTIONS,
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
    """A listening TCP socket.

    Raises:
        UsageError: `host` is not an address of this machine, or `port` is taken or not from 0 to 65535.
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
    """The IP address at which other machines reach a server that listens on `host`.

    Raises:
        DeviceError: `host` means every address, and this machine has no network.
    """
    found: str = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0][4][0]  # type: ignore[assignment]
    if not ipaddress.ip_address(found).is_unspecified:
        return found
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation (RFC 5737); connecting UDP sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            raise DeviceError("this machine is in no network; leave `host` out") from None


def qr_code(text: str) -> str:
    """A QR code of `text`, as characters for a terminal."""
    out = io.StringIO()
    segno.make(text, error="l").terminal(out, compact=True)
    return out.getvalue().rstrip("\n")
