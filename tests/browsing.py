"""What the tests of the browser page share: a server, a Chromium, and what was painted on its canvas."""

import base64
import gzip
import io
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from mobile_style.devices.browser import find_browser
from mobile_style.errors import DeviceError
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.web import litertjs
from mobile_style.web.serve import listen, server
from mobile_style.web.site import Site, build_site, resource

try:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
    from playwright.sync_api import TimeoutError as TooLate
except ImportError:
    sync_playwright = TooLate = None

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
SLIDE = """(percent) => {
  const slider = document.getElementById("blending");
  slider.value = percent;
  slider.dispatchEvent(new Event("input"));
}"""
STARTED = "#after[data-frames]"
THREADS = f"{min(os.cpu_count() or 1, 4)} threads"  # that the page uses
# Keeps the input of the newest inference with what was then put on the canvas.
SPY = """
const post = Worker.prototype.postMessage, put = CanvasRenderingContext2D.prototype.putImageData;
let given = null;
Worker.prototype.postMessage = function (message, ...rest) {
  if (message?.order === "run") given = new Uint8Array(message.pixels.slice(0));
  return post.call(this, message, ...rest);
};
CanvasRenderingContext2D.prototype.putImageData = function (image, ...rest) {
  put.call(this, image, ...rest);
  window.painted = [...window.painted ?? [], {given}].slice(-1);
};
"""
READ = """() => {
  const canvas = document.getElementById("after");
  const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const given = window.painted?.at(-1)?.given;
  return [canvas.height, canvas.width, text(data), given ? text(given) : ""];
}"""


def reason() -> str:
    """Why there can be no browser tests here; empty if there can."""
    if sync_playwright is None:
        return "playwright is not installed"
    if find_browser() is None:
        return "there is no Chromium; python -m mobile_style.devices.browser_setup"
    try:
        litertjs.folder()
    except DeviceError as error:
        return str(error)
    return ""


in_a_browser = pytest.mark.skipif(bool(reason()), reason=reason() or "it is set up")


@contextmanager
def some_engine(folder: Path) -> Iterator[None]:
    """Where LiteRT.js is not set up, files of its names stand in: for tests that do not run them."""
    with pytest.MonkeyPatch.context() as patch:
        try:
            litertjs.folder()
        except DeviceError:
            (folder / "LICENSE").write_text("license")
            for name in litertjs.FILES:
                (folder / f"{name}.gz").write_bytes(gzip.compress(name.encode()))
            patch.setattr(litertjs, "FETCHED", folder)
        yield


@contextmanager
def serving(site: Site, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """The address of a running server."""
    listening = listen("127.0.0.1", port)
    running = server(site, host=host)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        running.should_exit = True
        thread.join(10)
        listening.close()


def at_once(site: Site) -> Site:
    """The page without what paints photos at their own size, which takes long, for tests of everything else."""
    about = json.loads(site["site.json"].content())
    for style in about["styles"]:
        style.pop("still", None)
    return site | {"site.json": resource("site.json", json.dumps(about).encode)}


def with_small_samples(site: Site) -> Site:
    """The page with sample photos of 288 x 192 pixels, which are soon painted at their own size."""
    small = {}
    for url in json.loads(site["site.json"].content())["photos"]:
        picture = images.center_crop(photo(Path(url).stem), 192, 288)
        small[url] = resource(url, partial(images.encode, picture, "JPEG"))
    return site | small


@contextmanager
def chromium(playwright: "Playwright", *flags: str) -> Iterator["Browser"]:
    browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", *flags])
    try:
        yield browser
    finally:
        browser.close()


def camera_file(path: Path, pictures: Sequence[np.ndarray]) -> Path:
    """A film for Chromium's fake camera."""
    film = io.BytesIO()
    for picture in pictures:
        Image.fromarray(picture).resize((640, 480)).save(film, "JPEG", quality=92)
    path.write_bytes(film.getvalue())
    return path


def opened(context: "BrowserContext", url: str, errors: list[str] | None = None) -> "Page":
    """A page whose uncaught errors are collected."""
    page = context.new_page()
    page.set_default_timeout(240_000)
    page.add_init_script(SPY)
    if errors is not None:
        page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    return page


def canvas(page: "Page") -> tuple[np.ndarray, np.ndarray | None]:
    """(painted, given to the engine), (H, W, 3) uint8 each."""
    height, width, painted, given = page.evaluate(READ)

    def picture(text: str) -> np.ndarray:
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]

    return picture(painted), picture(given) if given else None


def choose_engine(page: "Page", engine: str) -> None:
    page.evaluate("document.getElementById('advanced').open = true")
    page.select_option("#engine", engine)


def frames(page: "Page") -> int:
    return int(page.get_attribute("#after", "data-frames") or 0)


def until(condition: Callable[[], Any], seconds: float = 240) -> Any:
    """The first value of `condition` that is true."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
    return value


def native(path: Path, picture: np.ndarray) -> np.ndarray:
    """What native LiteRT makes of a picture."""
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def drop(page: "Page", name: str, content: bytes, kind: str, event: str = "drop") -> None:
    """Drops a file onto the page, or pastes it."""
    page.evaluate(
        """([name, text, kind, event]) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], name, {type: kind}));
          const made = event === "drop" ? new DragEvent("drop", {dataTransfer: data, bubbles: true})
            : new ClipboardEvent("paste", {clipboardData: data, bubbles: true});
          document.body.dispatchEvent(made);
        }""",
        [name, base64.b64encode(content).decode(), kind, event],
    )


def photo(name: str) -> np.ndarray:
    return images.load(bundled_photos("held_out") / f"{name}.jpg")


def png(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def first_file(kind: str) -> str:
    """The first style's file that takes and gives this type."""
    files = json.loads(build_site()[0]["site.json"].content())["styles"][0]["files"]
    return next(file["url"] for file in files if file["type"] == kind)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(at_once(build_site()[0])) as address:
        yield address


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    film = camera_file(
        tmp_path_factory.mktemp("film") / "camera.mjpeg",
        [photo("roman_colosseum"), photo("river_otters"), photo("forest_stream")],
    )
    with chromium(playwright, *CAMERA, f"--use-file-for-fake-video-capture={film}") as running:
        yield running


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    made = browser.new_context(accept_downloads=True)
    yield made
    made.close()


def saved(page: Any) -> np.ndarray:
    """The picture that the page's "Save" gives: (H, W, 3) uint8."""
    page.click("#shot")
    with page.expect_download() as download:
        page.click("#download")
    taken = images.load(Path(download.value.path()).read_bytes())
    page.click("#close")
    return taken
