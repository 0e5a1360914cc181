"""The page in a real browser: photos."""

from typing import Any

import numpy as np
import pytest

from browsing import (
    STARTED,
    canvas,
    drop,
    frames,
    in_a_browser,
    native,
    opened,
    photo,
    png,
    saved,
    serving,
    until,
    with_small_samples,
)
from mobile_style import stylize
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network.catalog import BUNDLED
from mobile_style.painting.grain import grained
from mobile_style.painting.stylize import stylize_image
from mobile_style.web.models import OPENING
from mobile_style.web.site import build_site

pytestmark = [in_a_browser, pytest.mark.slow]
INT8 = BUNDLED / OPENING / "int8.tflite"


def test_photos_are_painted_as_native_litert_does(context: Any, url: str) -> None:
    errors: list[str] = []
    page = opened(context, url, errors)
    page.wait_for_selector(STARTED)
    assert "exactly what native LiteRT does" in page.text_content("#used")
    for event, name in (("drop", "astronaut_portrait"), ("paste", "espresso_cup")):
        picture, before = images.center_square(photo(name), 256), frames(page)
        drop(page, f"{name}.png", png(picture), "image/png", event)
        until(lambda before=before: frames(page) > before)
        painted, given = canvas(page)
        np.testing.assert_array_equal(given, grained(picture))
        np.testing.assert_array_equal(painted, native(INT8, grained(picture)))
    before = frames(page)
    page.get_by_label("Starry Night").check(force=True)
    until(lambda: frames(page) > before)
    np.testing.assert_array_equal(canvas(page)[0], native(BUNDLED / "starry_night" / "int8.tflite", grained(picture)))
    assert errors == []


def test_what_shines_through_is_white(context: Any, url: str) -> None:
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    clear, before = np.zeros((256, 256, 4), np.uint8), frames(page)
    drop(page, "a.png", png(clear), "image/png")
    until(lambda: frames(page) > before)
    np.testing.assert_array_equal(canvas(page)[1], grained(np.full((256, 256, 3), 255, np.uint8)))


def test_a_photo_is_painted_at_its_own_size(context: Any) -> None:
    """By tiles, without seams, and as the command paints it."""
    picture = images.with_shorter_side(photo("roman_colosseum"), 400)[:398, :598]
    with serving(with_small_samples(build_site([BUNDLED / OPENING])[0])) as url:
        page = opened(context, url)
        page.wait_for_selector(STARTED)
        drop(page, "a.png", png(picture), "image/png")
        assert page.text_content("#shot span") == "Save"
        until(lambda: page.get_attribute("#still", "data-painted") == "598x398", 240)
        assert "398 pixels, painted in" in page.text_content("#stats") and page.text_content("#message") == ""
        taken = saved(page)
        assert taken.shape == picture.shape
        network, _ = load_network(BUNDLED / OPENING / "model.safetensors")
        assert psnr(stylize_image(network, picture), taken) > 31
        drop(page, "b.png", png(picture[:100]), "image/png")  # lower than a tile
        until(lambda: page.get_attribute("#still", "data-painted") == "598x100", 240)
        page.click("#mirror")
        until(lambda: page.get_attribute("#still", "data-painted") is None)
        page.click("#sample")  # stops it
        until(lambda: page.get_attribute("#still", "data-painted") == "288x192", 240)
        page.click("#sample")
        until(lambda: "at full size…" in page.text_content("#message"))
        page.click("#camera")  # so does this, and it is no failure
        page.wait_for_selector("#camera[aria-pressed=true]")
        page.wait_for_timeout(1000)
        assert "cannot be painted" not in page.text_content("#message")


def test_strokes_are_broader_in_large_photos_and_where_one_asks_for_it(context: Any) -> None:
    picture = images.with_shorter_side(photo("roman_colosseum"), 400)[:398, :598]
    with serving(build_site([BUNDLED / OPENING])[0]) as url:
        page = opened(context, url)
        page.wait_for_selector(STARTED)
        drop(page, "a.png", png(picture), "image/png")
        until(lambda: page.get_attribute("#still", "data-painted") == "598x398", 240)
        assert page.is_visible("#strokes") and page.text_content("#times") == "1.0 times"
        page.evaluate("document.getElementById('still').removeAttribute('data-painted')")
        page.fill("#strokes", "2")
        assert page.text_content("#times") == "2.0 times"
        until(lambda: page.get_attribute("#still", "data-painted") == "598x398", 240)
        taken = saved(page)
        painted = {times: stylize(picture, OPENING, stroke_width=times) for times in (1, 2)}
        # Smaller than a tile, and so with other gains than the command's.
        assert psnr(painted[2], taken) > 22 > psnr(painted[1], taken) + 4
        page.fill("#strength", "90")
        large = images.with_shorter_side(picture, 1080)
        drop(page, "b.png", png(large), "image/png")
        until(lambda: page.text_content("#times") == "2.0 times", 240)


WATCH = """() => {
  const get = (id) => document.getElementById(id);
  const clear = (canvas) => !canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3];
  window.empty = 0;
  const look = () => {
    const {classList} = get("stage");
    const painted = classList.contains("own-size") ? "still" : "after";
    window.empty += clear(get("before")) || (!classList.contains("unpainted") && clear(get(painted)));
    requestAnimationFrame(look);
  };
  look();
}"""


def test_what_was_painted_before_is_not_told_of_what_is_chosen_now(context: Any) -> None:
    """And until it is painted, the former picture or the photo itself is seen, and cannot be saved."""
    with serving(with_small_samples(build_site([BUNDLED / OPENING, BUNDLED / "udnie"])[0])) as url:
        page = opened(context, url)
        until(lambda: "painted in" in page.text_content("#stats") and page.text_content("#message") == "", 240)
        page.evaluate(WATCH)
        told, message, kept = page.evaluate(
            """() => {
              [...document.querySelectorAll(".style input")].at(-1).click();
              const [stats, message, shot] = ["stats", "message", "shot"].map((id) => document.getElementById(id));
              return [stats.textContent, message.textContent, !shot.disabled];
            }"""
        )
        assert (told, message, kept) == ("", "Loading Udnie…", False)
        until(lambda: "Painting Udnie at full size…" in page.text_content("#message"))
        assert page.text_content("#stats") == ""
        until(lambda: "painted in" in page.text_content("#stats"), 240)
        drop(page, "a.png", png(photo("astronaut_portrait")[:300, :200]), "image/png")
        until(lambda: page.text_content("#stats") == "")
        until(lambda: "painted in" in page.text_content("#stats"), 240)
        assert page.evaluate("window.empty") == 0


def test_a_complaint_stays_while_the_photo_is_painted_again(context: Any) -> None:
    with serving(with_small_samples(build_site([BUNDLED / OPENING])[0])) as url:
        page = opened(context, url)
        until(lambda: "painted in" in page.text_content("#stats") and page.text_content("#message") == "", 240)
        drop(page, "bad.tflite", b"no model at all", "")
        until(lambda: page.get_attribute("#still", "data-painted") is None)
        until(lambda: page.get_attribute("#still", "data-painted"), 240)
        assert "bad.tflite cannot be used" in page.text_content("#message")


def test_a_photo_is_shown_enlarged_where_it_cannot_be_painted_at_its_own_size(context: Any) -> None:
    with serving(build_site([BUNDLED / OPENING])[0]) as url:
        context.route("**/models/0/tile.tflite", lambda route: route.abort())
        page = opened(context, url)
        until(lambda: "cannot be painted at its own size" in page.text_content("#message"))
        assert page.get_attribute("#still", "data-painted") is None and not page.is_disabled("#shot")


def test_a_picture_that_no_engine_can_paint_is_given_up(context: Any, url: str) -> None:
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    page.evaluate(
        """() => { const post = Worker.prototype.postMessage, read = CanvasRenderingContext2D.prototype.getImageData;
                   let photo = false;  // what is posted next is the photo, not the engine's known answer
                   CanvasRenderingContext2D.prototype.getImageData = function (...where) {
                     photo = true;
                     return read.apply(this, where);
                   };
                   Worker.prototype.postMessage = function (message, ...rest) {
                     const sent = photo && !window.fine ? {...message, pixels: new ArrayBuffer(4)} : message;
                     photo = false;
                     return post.call(this, sent, ...rest);
                   }; }"""
    )
    page.click("#sample")
    page.wait_for_selector("#message.error")
    message = page.text_content("#message")
    page.wait_for_timeout(1000)
    assert page.text_content("#message") == message != ""
    page.evaluate("window.fine = true")
    before = frames(page)
    page.click("#sample")
    until(lambda: frames(page) > before and page.text_content("#message") == "")
