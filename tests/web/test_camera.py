"""The page in a real browser: what the camera shows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import (
    CAMERA,
    STARTED,
    canvas,
    choose_engine,
    chromium,
    drop,
    frames,
    in_a_browser,
    native,
    opened,
    photo,
    png,
    until,
)
from mobile_style.media import images
from mobile_style.network.catalog import BUNDLED
from mobile_style.painting.grain import grained
from mobile_style.web.models import OPENING

pytestmark = [in_a_browser, pytest.mark.slow]
INT8 = BUNDLED / OPENING / "int8.tflite"


def test_the_camera_is_painted_live(context: Any, url: str) -> None:
    errors: list[str] = []
    page = opened(context, url, errors)
    page.wait_for_selector(STARTED)
    page.click("#camera")
    page.wait_for_selector("#camera[aria-pressed=true]")

    def shot() -> np.ndarray:
        before = frames(page)
        until(lambda: frames(page) > before + 2)
        painted, given = canvas(page)
        assert given is not None
        np.testing.assert_array_equal(painted, native(INT8, given))
        return given

    first = shot()
    until(lambda: (shot() != first).any())  # the film goes on
    for engine in ("single", "threads", "single", "threads"):  # chosen while a frame is being painted
        choose_engine(page, engine)
        page.wait_for_selector(f"html[data-engine={engine}]")
        before = frames(page)
        until(lambda before=before: frames(page) > before)
    assert page.text_content("#reasons") == ""
    until(lambda: "frames per second" in page.text_content("#stats"))
    until(lambda: "median; 90th percentile" in page.text_content("#timings"))
    assert page.get_attribute("#mirror", "aria-pressed") == "true"
    page.click("#record")
    page.wait_for_selector("#record[aria-pressed=true]")
    before = frames(page)
    until(lambda: frames(page) > before + 4)
    page.click("#record")
    page.wait_for_selector("#taken video")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename.endswith((".mp4", ".webm"))
    assert Path(download.value.path()).stat().st_size > 1000
    page.click("#close")
    page.click("#camera")  # off again
    page.wait_for_selector("#camera[aria-pressed=false]")
    assert errors == []


def test_what_comes_after_the_camera_is_painted(context: Any, url: str) -> None:
    """Another source, the other camera, or the same one again; also where a recording still runs."""
    page = opened(context, url)
    page.wait_for_selector(STARTED)

    def camera() -> None:
        page.click("#camera")
        page.wait_for_selector("#camera[aria-pressed=true]")
        before = frames(page)
        until(lambda: frames(page) > before + 2)

    picture = images.center_square(photo("astronaut_portrait"), 256)
    for pause in (0, 35, 150):  # milliseconds: the page waits for a frame, paints one, or is between the two
        camera()
        page.wait_for_timeout(pause)
        drop(page, "a.png", png(picture), "image/png")
        until(lambda: np.array_equal(canvas(page)[1], grained(picture)))
        assert page.get_attribute("#open", "aria-current") == "true"
        np.testing.assert_array_equal(canvas(page)[0], native(INT8, grained(picture)))
        camera()
        page.wait_for_timeout(pause)
        page.evaluate("document.getElementById('flip').click()")  # hidden, as there is one camera only
        before = frames(page)
        until(lambda before=before: frames(page) > before + 2)
        page.click("#camera")
        page.wait_for_selector("#camera[aria-pressed=false]")
    camera()
    page.click("#record")
    page.wait_for_selector("#record[aria-pressed=true]")
    page.click("#sample")
    page.wait_for_selector("#taken video")
    page.click("#close")
    assert page.get_attribute("#record", "aria-pressed") == "false"
    assert [page.get_attribute(each, "aria-current") for each in ("#sample", "#open")] == ["true", "false"]


def test_two_cameras_of_a_desktop_take_rounds(playwright: Any, url: str) -> None:
    with chromium(playwright, "--use-fake-device-for-media-stream=device-count=2", CAMERA[1]) as running:
        page = opened(running.new_context(), url)
        page.wait_for_selector(STARTED)
        page.evaluate(
            """() => { const media = navigator.mediaDevices, open = media.getUserMedia.bind(media);
                       window.opened = [];
                       media.getUserMedia = async (wanted) => {
                         const stream = await open(wanted);
                         window.opened.push(stream.getVideoTracks()[0].getSettings().deviceId);
                         return stream;
                       }; }"""
        )
        page.click("#camera")
        for count in (1, 2, 3):
            until(lambda count=count: page.evaluate("window.opened.length") == count and page.is_visible("#flip"))
            before = frames(page)
            until(lambda before=before: frames(page) > before + 2)
            if count < 3:
                page.click("#flip")
        first, second, third = page.evaluate("window.opened")
        assert first == third != second
        page.evaluate(
            """(first) => { const media = navigator.mediaDevices, open = media.getUserMedia.bind(media);
                            media.getUserMedia = (wanted) => wanted.video.deviceId?.exact === first ? open(wanted)
                              : Promise.reject(new DOMException("", "NotReadableError")); }""",
            first,
        )
        page.click("#flip")
        page.wait_for_selector("#message.error")
        assert "used by another program" in page.text_content("#message")
        before = frames(page)
        page.click("#camera")  # the one that worked
        until(lambda: frames(page) > before + 2 and page.text_content("#message") == "")


def test_a_camera_that_goes(context: Any, url: str) -> None:
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    page.evaluate(
        """() => { const media = navigator.mediaDevices, open = media.getUserMedia.bind(media);
                   media.getUserMedia = async (wanted) => (window.stream = await open(wanted)); }"""
    )
    page.click("#camera")
    page.wait_for_selector("#camera[aria-pressed=true]")
    before = frames(page)
    until(lambda: frames(page) > before)
    drop(page, "a.jpg", b"no photo", "image/jpeg")  # the camera goes on
    page.wait_for_selector("#message.error")
    page.evaluate(
        "() => { const [it] = stream.getVideoTracks(); it.stop(); it.dispatchEvent(new Event('ended')); }"
    )  # as an unplugged one does
    page.wait_for_selector("#camera[aria-pressed=false]")
    assert "camera has gone" in page.text_content("#message") and page.is_disabled("#record")

    def is_still() -> bool:
        before = frames(page)
        page.wait_for_timeout(1000)
        return frames(page) == before

    until(is_still)  # its last picture is not painted over and over, but a frame may be under way
    before = frames(page)
    page.click("#camera")  # once is enough
    until(lambda: frames(page) > before)


def test_a_taken_picture_is_the_blend_that_is_shown(context: Any, url: str) -> None:
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    picture, before = images.center_square(photo("astronaut_portrait"), 256), frames(page)
    drop(page, "a.png", png(picture), "image/png")
    until(lambda: frames(page) > before)
    for strength in (100, 40):
        page.evaluate(
            """(value) => { const it = document.getElementById("strength"); it.value = value;
                            it.dispatchEvent(new Event("input")); }""",
            strength,
        )
        page.click("#shot")
        with page.expect_download() as download:
            page.click("#download")
        taken = images.load(Path(download.value.path()).read_bytes()).astype(float)
        wanted = picture + strength / 100 * (native(INT8, grained(picture)).astype(float) - picture)
        assert download.value.suggested_filename.startswith("Great-Wave")
        assert np.abs(taken - wanted).max() <= (0 if strength == 100 else 2)
        page.click("#close")
    page.click("#mirror")
    until(lambda: (canvas(page)[1] == grained(picture[:, ::-1])).all())


def test_a_refused_camera_leaves_the_photo(playwright: Any, url: str) -> None:
    with chromium(playwright, "--use-fake-device-for-media-stream", "--deny-permission-prompts") as running:
        page = opened(running.new_context(), url)
        page.wait_for_selector(STARTED)
        page.click("#camera")
        page.wait_for_selector("#message.error")
        assert "The camera is not allowed" in page.text_content("#message")
        before = frames(page)
        page.click("#sample")
        until(lambda: frames(page) > before and page.text_content("#message") == "")
