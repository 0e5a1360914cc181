"""Runs exported models in a headless Chromium, in the same worker that the browser page uses.

A server on this machine gives orders to the page web/drive.html, one after the other, and takes its answers. Both
addresses contain a secret, so that no other page can impersonate it.
"""

import json
import os
import platform
import queue
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import CheckpointError, DeviceError, MobileStyleError, UsageError
from ..exporting.runtimes import Runner
from ..web import litertjs
from ..web.serve import listen, server
from ..web.site import page_files, resource
from .host import governor, processor
from .protocol import Facts, Loaded, Round

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
VARIABLE = "MOBILE_STYLE_BROWSER"
FLAGS = (
    "--headless=new",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-gpu",
)
LONGEST = 300.0  # seconds for one order, at most
POLL = 10.0  # seconds that the page waits for an order in one request
PAGE_THREADS = 4  # at most


def find_browser() -> str | None:
    """The path of Chromium or a related browser, from the variable MOBILE_STYLE_BROWSER or PATH; None without one."""
    given = os.environ.get(VARIABLE)
    if given:
        return shutil.which(given)
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """Runs .tflite files in a browser on this machine's processor.

    Raises:
        DeviceError: there is no browser, it does not start, or LiteRT.js is not set up.
    """

    reports_timings, round_runs, loads_each_round = True, 5, False
    measures_peak = False
    accelerators: tuple[str, ...] = ("cpu",)

    def __init__(self) -> None:
        program = find_browser()
        if program is None:
            raise DeviceError(f"no Chromium was found; apt-get install chromium, or name one in {VARIABLE}")
        self._orders: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any] | bytes] = queue.Queue()
        self._site, self._sessions = page_files(), 0
        self.gone = False  # it no longer answers
        self._secret = secrets.token_urlsafe(16)
        routes = [
            Route(f"/{self._secret}/order", self._order),
            Route(f"/{self._secret}/answer", self._answer, methods=["POST"]),
        ]
        listening = listen("127.0.0.1", 0)
        self._server = server(self._site, routes)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        self._profile = TemporaryDirectory(ignore_cleanup_errors=True)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/drive.html#{self._secret}"
        # Chromium cannot sandbox what root runs.
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [program, *FLAGS, *root, f"--user-data-dir={self._profile.name}", url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that Ctrl-C reaches only this program, which then ends the browser
        )
        try:
            greeting = self._wait(60)
        except BaseException:
            self.close()
            raise
        assert isinstance(greeting, dict)
        self.cores = int(greeting["cores"])
        self.facts = Facts(
            kind="browser",
            name=processor(),
            cores=self.cores,
            system=platform.platform(),
            governor=governor(),
            runtime=f"LiteRT.js {litertjs.VERSION} in {greeting['browser']}",
        )

    async def _order(self, request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(self._orders.get, True, POLL))
        except queue.Empty:
            return JSONResponse({"do": "nothing"})

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        binary = request.headers.get("content-type") == "application/octet-stream"
        self._answers.put(body if binary else json.loads(body))
        return Response(status_code=204)

    def _wait(self, longest: float) -> dict[str, Any] | bytes:
        end = time.monotonic() + longest
        while True:
            try:
                answer = self._answers.get(timeout=0.5)
            except queue.Empty:
                if self._process.poll() is not None:
                    self.gone = True
                    raise DeviceError(f"the browser ended with code {self._process.returncode}") from None
                if time.monotonic() > end:
                    self.gone = True
                    raise DeviceError(f"the browser gave no answer within {longest:g} seconds") from None
                continue
            if isinstance(answer, dict) and "error" in answer:
                error = str(answer["error"])
                if "not finite" in error:
                    raise MobileStyleError(f"{error}; export it again")
                raise CheckpointError(f"the browser cannot run it: {' '.join(error.split())[:300]}")
            return answer

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any] | bytes:
        """Gives one of the orders that drive.js knows, and returns its answer.

        Raises:
            CheckpointError: the browser cannot run the model.
            MobileStyleError: the model's output is not finite.
            DeviceError: the browser ended, or did not answer within `LONGEST` seconds.
        """
        self._orders.put(dict(order))
        return self._wait(LONGEST)

    def runner(self, path: Path) -> Runner:
        """Loads a .tflite file with as many threads as the page uses.

        Raises:
            UsageError: it is no .tflite file.
        """
        if path.suffix != ".tflite":
            raise UsageError(f"`device=browser` runs .tflite files, not {path}")
        session = self.start(path, "cpu", min(self.cores, PAGE_THREADS))
        return Runner((session.size,), self.facts.runtime, session.stylize, session.close, session.styles)

    def start(self, path: Path, accelerator: str, threads: int) -> "BrowserSession":
        """Loads a file in its own worker."""
        self._sessions += 1
        url = f"models/{self._sessions}.tflite"
        self._site[url] = resource(url, path.read_bytes)
        answer = self.ask({"do": "load", "session": self._sessions, "url": url, "threads": threads})
        assert isinstance(answer, dict)
        return BrowserSession(self, self._sessions, answer)

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Empty: LiteRT.js does not report it."""
        return {}

    def state(self) -> dict[str, float]:
        """Empty: a page cannot read temperatures."""
        return {}

    def give(self, content: bytes) -> str:
        """Makes bytes available to the page; returns their address."""
        self._site["input"] = resource("", lambda: content)
        return "input"

    def close(self) -> None:
        """Ends the browser and the server."""
        self._orders.put({"do": "nothing"})
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._server.should_exit = True
        self._thread.join(10)
        self._profile.cleanup()


class BrowserSession:
    """One loaded model."""

    def __init__(self, browser: Browser, number: int, loaded: Mapping[str, Any]) -> None:
        self._browser, self._number = browser, number
        self.size, self.styles = (int(loaded["height"]), int(loaded["width"])), int(loaded["styles"])
        self.loaded = Loaded(
            load_ms=(loaded["load_ms"],),
            first_ms=(loaded["first_ms"],),
            memory_bytes=None,
            delegated=None,
            nodes=None,
            kernels=None,
            note="",
        )

    def round(self, runs: int) -> Round:
        """Times `runs` inferences."""
        answer = self._browser.ask({"do": "run", "session": self._number, "runs": runs})
        assert isinstance(answer, dict)
        return Round(tuple(answer["times_ms"]), runs)

    def stylize(self, picture: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
        """Paints a picture of the model's size, (H, W, 3) uint8 to the same.

        A model of many styles also needs their shares, (styles,).
        """
        height, width = picture.shape[:2]
        rgba = np.concatenate([picture, np.full((height, width, 1), 255, np.uint8)], axis=-1)
        url = self._browser.give(rgba.tobytes())
        mix = {} if shares is None else {"shares": shares.tolist()}
        painted = self._browser.ask({"do": "stylize", "session": self._number, "url": url} | mix)
        assert isinstance(painted, bytes)
        return np.frombuffer(painted, np.uint8).reshape(height, width, 4)[..., :3]

    def close(self) -> None:
        """Ends the model's worker, if the browser still answers."""
        with suppress(DeviceError):
            if not self._browser.gone:
                self._browser.ask({"do": "end", "session": self._number})
