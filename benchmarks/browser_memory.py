"""Two minutes of camera in headless Chromium: does memory stay flat, and does the rate hold?

    python benchmarks/browser_memory.py [SECONDS [SECONDS OF WARMING UP]]

Needs `make web` and playwright. Prints the memory of all of Chromium's processes over time, and
ends with an error if the last third needs over a tenth more than the first. Chromium keeps some hundred frames of a
camera, whoever draws them, before it frees any; so the first two minutes do not count.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browsing import STARTED, camera_file, chromium, frames, opened, serving, sync_playwright
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.web.site import build_site

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def chromium_bytes() -> int:
    """Memory of this process's descendants (proportional set size where the system tells)."""
    parents, sizes = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            number = int(folder.name)
            parents[number] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            rollup = (folder / "smaps_rollup").read_text()
            sizes[number] = 1024 * int(rollup.partition("\nPss:")[2].split()[0])
        except (OSError, IndexError, ValueError):
            continue
    children = {os.getpid()}
    while more := {number for number, parent in parents.items() if parent in children} - children:
        children |= more
    return sum(sizes.get(number, 0) for number in children - {os.getpid()})


def main() -> None:
    seconds, warming = (float(text) for text in [*sys.argv[1:], *("120", "120")[len(sys.argv) - 1 :]])
    with tempfile.TemporaryDirectory() as folder, serving(build_site()[0]) as url, sync_playwright() as playwright:
        pictures = [images.load(path) for path in sorted(bundled_photos("held_out").glob("*.jpg"))]
        film = camera_file(Path(folder) / "camera.mjpeg", pictures)
        with chromium(playwright, *CAMERA, f"--use-file-for-fake-video-capture={film}") as browser:
            page = opened(browser.new_context(), url)
            page.wait_for_selector(STARTED)
            page.click("#camera")
            page.wait_for_selector("#camera[aria-pressed=true]")
            began, first, sizes = time.monotonic() + warming, frames(page), []
            while (now := time.monotonic() - began) < seconds:
                sizes = [*sizes, chromium_bytes()] if now > 0 else [chromium_bytes()]
                if int(now) % 10 == 0:
                    print(f"{now:5.0f} s  {sizes[-1] / 1e6:7.1f} MB  {frames(page) - first} frames", flush=True)
                time.sleep(1)
            print(page.text_content("#stats"))
    third = len(sizes) // 3
    start, end = statistics.median(sizes[:third]), statistics.median(sizes[-third:])
    print(f"first third {start / 1e6:.1f} MB, last third {end / 1e6:.1f} MB")
    if end > 1.1 * start:
        sys.exit("error: memory grows")


if __name__ == "__main__":
    main()
