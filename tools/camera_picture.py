"""Makes docs/camera.webp: what the page's camera shows, the original beside it, in headless Chromium.

A film of a bundled photo, over which the view wanders, stands in for the camera. The page painted every frame, which is
read from its canvases; they are played at `RATE`, whatever rate this machine reached.

python tools/camera_picture.py
"""

import base64
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pictures import ROOT, record

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browsing import CAMERA, STARTED, at_once, camera_file, chromium, opened, serving, sync_playwright, until
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.web.site import build_site

PHOTO, STYLES = "river_otters", ("Great Wave", "Starry Night")
FILM = 300  # frames; Chromium plays thirty a second
SIDE, GAP = 240, 4  # pixels
SHOWN, RATE = 18, 9  # frames of each style; a second
# Keeps what the page puts on its two canvases, for each frame.
KEEP = """(side) => {
  const small = new OffscreenCanvas(side, side).getContext("2d", {willReadFrequently: true});
  small.imageSmoothingQuality = "high";
  const put = CanvasRenderingContext2D.prototype.putImageData;
  const pixels = (canvas) => {
    small.drawImage(canvas, 0, 0, side, side);
    return small.getImageData(0, 0, side, side).data;
  };
  window.kept = [];
  CanvasRenderingContext2D.prototype.putImageData = function (...what) {
    put.apply(this, what);
    if (this.canvas.id === "after") window.kept.push([pixels(document.getElementById("before")), pixels(this.canvas)]);
  };
}"""
READ = """() => window.kept.map((pair) => pair.map(
  (data) => btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""))))"""


def film() -> list[np.ndarray]:
    """A view that goes round over the photo and comes nearer and back, as a hand holds a camera; it has no end."""
    photo = Image.fromarray(images.load(bundled_photos("held_out") / f"{PHOTO}.jpg"))
    views = []
    for angle in np.linspace(0, 2 * np.pi, FILM, endpoint=False):
        height = photo.height * (0.8 + 0.1 * np.cos(angle))
        width = height * 4 / 3
        left = (photo.width - width) / 2 * (1 + 0.9 * np.sin(angle))
        top = (photo.height - height) / 2 * (1 + 0.9 * np.cos(2 * angle))
        view = photo.resize((640, 480), Image.Resampling.BICUBIC, (left, top, left + width, top + height))
        views.append(np.asarray(view))
    return views


def shots(page: Any) -> list[Image.Image]:
    """The newest frames, each beside its original."""
    page.evaluate("window.kept.length = 0")
    until(lambda: page.evaluate("window.kept.length") >= SHOWN + 3)
    sheets = []
    for pair in page.evaluate(READ)[3 : SHOWN + 3]:  # the first may still be mirrored
        sheet = Image.new("RGB", (2 * SIDE + GAP, SIDE), "white")
        for number, text in enumerate(pair):
            pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(SIDE, SIDE, 4)[..., :3]
            sheet.paste(Image.fromarray(pixels), (number * (SIDE + GAP), 0))
        sheets.append(sheet)
    return sheets


def main() -> None:
    found = []
    with tempfile.TemporaryDirectory() as folder, serving(at_once(build_site()[0])) as url:
        moving = camera_file(Path(folder) / "camera.mjpeg", film())
        with (
            sync_playwright() as playwright,
            chromium(playwright, *CAMERA, f"--use-file-for-fake-video-capture={moving}") as browser,
        ):
            page = opened(browser.new_context(), url)
            page.wait_for_selector(STARTED)
            page.click("#camera")
            page.wait_for_selector("#camera[aria-pressed=true]")
            page.click("#mirror")  # a film needs no mirror
            page.evaluate(KEEP, SIDE)
            for style in STYLES:
                page.get_by_label(style).check(force=True)
                until(lambda style=style: page.text_content("#message") == "")
                found += shots(page)
    found[0].save(
        ROOT / "docs" / "camera.webp", save_all=True, append_images=found[1:], duration=1000 // RATE, loop=0, quality=72
    )
    record("camera.webp")


if __name__ == "__main__":
    main()
