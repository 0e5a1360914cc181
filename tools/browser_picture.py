"""Makes docs/browser.jpg: the page at the sizes of a laptop and of a phone, in headless Chromium.

python tools/browser_picture.py
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from pictures import ROOT, record

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browsing import CAMERA, STARTED, camera_file, chromium, frames, opened, serving, sync_playwright, until
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.web.site import build_site

HEIGHT = 620


def main() -> None:
    shots = []
    with tempfile.TemporaryDirectory() as folder, serving(build_site()[0]) as url, sync_playwright() as playwright:
        film = camera_file(
            Path(folder) / "camera.mjpeg", [images.load(bundled_photos("held_out") / "astronaut_portrait.jpg")]
        )
        with chromium(playwright, *CAMERA, f"--use-file-for-fake-video-capture={film}") as browser:
            for size, scheme, style in (((1280, 800), "light", "Starry Night"), ((390, 800), "dark", "Great Wave")):
                context = browser.new_context(
                    viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, device_scale_factor=1
                )
                page = opened(context, url)
                page.wait_for_selector(STARTED)
                page.get_by_label(style).check(force=True)
                if size[0] < 500:
                    page.click("#camera")
                    page.wait_for_selector("#camera[aria-pressed=true]")
                before = frames(page)
                until(lambda page=page, before=before, live=size[0] < 500: frames(page) > before + 20 * live)
                if size[0] > 500:  # a photo, painted at its own size
                    page.wait_for_selector("#still[data-painted]", state="attached", timeout=120_000)
                page.wait_for_timeout(1500)
                shots.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    shots = [shot.resize((shot.width * HEIGHT // shot.height, HEIGHT), Image.Resampling.LANCZOS) for shot in shots]
    sheet = Image.new("RGB", (sum(shot.width for shot in shots) + 16, HEIGHT), "white")
    left = 0
    for shot in shots:
        sheet.paste(shot, (left, 0))
        left += shot.width + 16
    sheet.save(ROOT / "docs" / "browser.jpg", quality=82)
    record("browser.jpg")


if __name__ == "__main__":
    main()
