"""The command that serves the browser page."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from .terminal import say


def serve(
    models: Annotated[
        Path | None,
        typer.Option(
            help="Folder of .tflite files that `export` wrote, shown before the bundled styles.", show_default="none"
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="0 for any free port.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Address of this machine to listen on; 0.0.0.0 for phones on the same network.")
    ] = "127.0.0.1",
    https: Annotated[
        bool,
        typer.Option("--https", help="Encrypt with a certificate made here; a phone's camera needs it."),
    ] = False,
) -> None:
    """Open a page that paints the camera and photos in the browser, with the exported files themselves.

    Nothing is uploaded: the models run on the visitor's own device.

    Examples:

    - `mobile-style serve`
    - `mobile-style serve --models exports`
    - `mobile-style serve --host 0.0.0.0 --https` (shows a QR code for a phone)
    """
    from ..web.serve import open_server, qr_code

    serving = open_server(models, port, host, https)
    for sentence in serving.left_out:
        say(f"left out: {sentence}", "yellow")
    if not serving.local:
        trust = (
            "The certificate is made here, so the browser warns once: choose to go on."
            if https
            else "Without --https, browsers give the page neither camera nor threads."
        )
        print(f"{qr_code(serving.url)}\nAny device on your network can open this page. {trust}", flush=True)
    print(f"{serving.url}\nNothing is uploaded: the models run in the browser. Press Ctrl-C to stop.", flush=True)
    with suppress(KeyboardInterrupt):
        serving.run()
