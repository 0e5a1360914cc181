"""The page in a real browser, on the bundled models."""

import base64
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browsing import (
    STARTED,
    THREADS,
    at_once,
    camera_file,
    canvas,
    choose_engine,
    chromium,
    drop,
    frames,
    in_a_browser,
    native,
    opened,
    serving,
    sync_playwright,
    until,
)
from conftest import Exported
from mobile_style.exporting.card import digest
from mobile_style.exporting.runtimes import load
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network.catalog import BUNDLED, bundled_photos
from mobile_style.painting.grain import grained
from mobile_style.painting.stylize import stylize_image
from mobile_style.web.answers import HEADERS
from mobile_style.web.models import OPENING, known_frame
from mobile_style.web.site import build_site

pytestmark = in_a_browser
INT8 = BUNDLED / OPENING / "int8.tflite"
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


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
    assert "median" in page.text_content("#timings")
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
    page.wait_for_timeout(2000)  # on a slow machine, a frame is still under way
    before = frames(page)
    page.wait_for_timeout(1000)
    assert frames(page) == before  # its last picture is not painted over and over
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


def test_each_engine_paints_and_says_why_it_is_used(context: Any, url: str) -> None:
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    assert "WebGPU" in page.text_content("#reasons")
    for engine, words in (("single", "CPU, 1 thread, int8"), ("threads", f"CPU, {THREADS}, int8")):
        choose_engine(page, engine)
        page.wait_for_selector(f"html[data-engine={engine}]")
        until(lambda words=words: words in page.text_content("#used"))
    choose_engine(page, "webgpu")
    until(lambda: "WebGPU" in page.text_content("#reasons") and f"CPU, {THREADS}" in page.text_content("#used"))


def test_without_webgpu_and_threads_it_says_so_and_paints(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy"):
        monkeypatch.delitem(HEADERS, name)
    context.add_init_script("delete Navigator.prototype.gpu")
    with serving(at_once(build_site()[0])) as address:
        page = opened(context, address)
        page.wait_for_selector(STARTED)
        reasons = page.text_content("#reasons")
        assert "this browser has no WebGPU" in reasons and "no isolation headers" in reasons
        painted, given = canvas(page)
        np.testing.assert_array_equal(painted, native(INT8, given))
        assert "CPU, 1 thread, int8" in page.text_content("#used")


def test_without_relaxed_simd_and_network_int8_paints(context: Any, url: str) -> None:
    """As of a bundle on an older iPhone: the float file, which is faster there, is not among what is kept."""
    context.add_init_script("WebAssembly.validate = () => false; delete Navigator.prototype.gpu")
    context.route(f"**/{first_file('float32')}", lambda route: route.abort())
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    assert "lacks relaxed SIMD" in page.text_content("#reasons") and "1 thread, int8" in page.text_content("#used")


def test_while_it_loads_it_says_so_and_there_is_nothing_to_keep(context: Any, url: str) -> None:
    held: list[Any] = []
    context.route(f"**/{first_file('uint8')}", lambda route: held.append(route))
    context.add_init_script("delete Navigator.prototype.gpu")
    page = opened(context, url)
    until(lambda: page.text_content("#message") and held)
    page.wait_for_timeout(500)  # the sample photo is open by now
    assert page.text_content("#message") == "Loading Great Wave…" and page.is_disabled("#shot")
    held[0].continue_()
    page.wait_for_selector(STARTED)
    assert page.text_content("#message") == "" and not page.is_disabled("#shot")


def test_a_download_that_stalls_gives_way_to_another_style(context: Any, url: str) -> None:
    held: list[Any] = []
    context.route(f"**/{first_file('uint8')}", lambda route: held.append(route))
    context.add_init_script("delete Navigator.prototype.gpu")
    page = opened(context, url)
    until(lambda: held or page.wait_for_timeout(50))
    page.get_by_label("Starry Night").check(force=True)
    page.wait_for_selector(STARTED)
    painted, given = canvas(page)
    np.testing.assert_array_equal(painted, native(BUNDLED / "starry_night" / "int8.tflite", given))
    assert page.text_content("#message") == ""


def test_an_engine_that_computes_another_picture_is_refused(context: Any, url: str) -> None:
    context.route("**/models/*/*.rgb", lambda route: route.fulfill(body=bytes(256 * 256 * 3)))
    page = opened(context, url)
    page.wait_for_selector("#message.error")
    assert "it computes another picture than it should" in page.text_content("#message")
    assert frames(page) == 0


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


def test_what_shines_through_is_white(context: Any, url: str) -> None:
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    clear, before = np.zeros((256, 256, 4), np.uint8), frames(page)
    drop(page, "a.png", png(clear), "image/png")
    until(lambda: frames(page) > before)
    np.testing.assert_array_equal(canvas(page)[1], grained(np.full((256, 256, 3), 255, np.uint8)))


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


def test_broken_and_hostile_models(context: Any, tmp_path: Path) -> None:
    hostile = '<img src=x onerror="document.title=1">'
    names = {"good": "good_one", "cut": "cut", "hostile": hostile}
    for folder, name in names.items():
        place = tmp_path / (folder if folder != "hostile" else "a'\"<b>&?#%2e%2e")
        place.mkdir()
        shutil.copy(INT8, place)
        if folder == "cut":
            (place / "int8.tflite").write_bytes(INT8.read_bytes()[:100_000])
        card = json.loads(INT8.with_suffix(".json").read_text()) | {"name": name, "style": hostile}
        card["file"]["sha256"] = digest(place / "int8.tflite")
        (place / "int8.json").write_text(json.dumps(card))
    (tmp_path / "no_card.tflite").write_bytes(b"TFL3")
    card = json.loads(INT8.with_suffix(".json").read_text())
    huge = card["input"] | {"shape": [1, 100_000, 100_000, 3]}
    for folder, change in {
        "no_mean": {"fidelity": {"mean": []}},
        "no_recipe": {"recipe": ["int8"]},
        "huge": {"input": huge},
    }.items():
        (tmp_path / folder).mkdir()
        shutil.copy(INT8, tmp_path / folder)
        (tmp_path / folder / "int8.json").write_text(json.dumps(card | change))
    site, left_out = build_site([tmp_path])
    assert [sum(name in each for each in left_out) for name in ("no_card", "no_mean", "no_recipe", "huge")] == [1] * 4
    assert len(left_out) == 4
    with serving(at_once(site)) as address:
        errors: list[str] = []
        page = opened(context, address, errors)
        page.wait_for_selector(STARTED)
        shown = page.locator(".style span").all_text_contents()
        assert sorted(shown) == sorted([hostile, "Good One", "Cut"])
        page.get_by_label("Cut", exact=True).check(force=True)
        page.wait_for_selector("#message.error")
        assert "Cut cannot be used" in page.text_content("#message")
        before = frames(page)
        page.get_by_label("Good One").check(force=True)
        until(lambda: frames(page) > before and page.text_content("#message") == "")
        drop(page, hostile + ".tflite", b"no model at all", "")
        page.wait_for_selector("#message.error")
        assert hostile in page.text_content("#message") and "Failed to fetch" not in page.text_content("#message")
        until(lambda: page.locator(".style").count() == 3 and page.get_by_label("Good One").is_checked())
        until(lambda: "Good One" not in page.text_content("#message") and hostile in page.text_content("#message"))
        drop(page, hostile + ".jpg", b"no photo", "image/jpeg")
        until(lambda: "is no photo that this browser can read" in page.text_content("#message"))
        assert page.locator("img[onerror]").count() == 0 and page.title() == "mobile-style"
        assert errors == []


def test_an_own_file_shows_its_cards_name_and_a_thumbnail(context: Any, url: str) -> None:
    errors: list[str] = []
    page = opened(context, url, errors)
    page.wait_for_selector(STARTED)
    content = (BUNDLED / "udnie" / "float16.tflite").read_bytes()
    drop(page, "own.tflite", content, "")
    until(lambda: page.locator(".style").last.locator("img").count())
    assert page.locator(".style span").last.text_content() == "Udnie" and "float16" in page.text_content("#used")
    shown = page.locator(".style img").last.get_attribute("src").partition(",")[2]
    thumbnail = images.load(base64.b64decode(shown)).astype(int)
    frame = known_frame(256, 256)
    assert np.abs(thumbnail - load(BUNDLED / "udnie" / "float16.tflite")(frame)).mean() < 16
    drop(page, "no_card.tflite", content.replace(b"mobile_style", b"another_tool"), "")
    until(lambda: page.locator(".style span").last.text_content() == "no_card.tflite")
    assert errors == []


def test_a_photo_is_painted_at_its_own_size(context: Any) -> None:
    """By tiles, without seams, and as the command paints it."""
    picture = images.with_shorter_side(photo("roman_colosseum"), 400)[:398, :598]
    with serving(build_site([BUNDLED / OPENING])[0]) as url:
        page = opened(context, url)
        page.wait_for_selector(STARTED)
        drop(page, "a.png", png(picture), "image/png")
        assert page.text_content("#shot span") == "Save"
        until(lambda: page.get_attribute("#still", "data-painted") == "598x398", 240)
        assert "398 pixels, painted in" in page.text_content("#stats") and page.text_content("#message") == ""
        page.click("#shot")
        with page.expect_download() as download:
            page.click("#download")
        taken = images.load(Path(download.value.path()).read_bytes())
        page.click("#close")
        assert taken.shape == picture.shape
        network, _ = load_network(BUNDLED / OPENING / "model.safetensors")
        assert psnr(stylize_image(network, picture), taken) > 31
        drop(page, "b.png", png(picture[:100]), "image/png")  # lower than a tile
        until(lambda: page.get_attribute("#still", "data-painted") == "598x100", 240)
        page.click("#mirror")
        until(lambda: page.get_attribute("#still", "data-painted") is None)
        page.click("#sample")  # stops it
        until(lambda: page.get_attribute("#still", "data-painted") == "576x384", 240)


def test_a_photo_is_shown_enlarged_where_it_cannot_be_painted_at_its_own_size(context: Any) -> None:
    with serving(build_site([BUNDLED / OPENING])[0]) as url:
        context.route("**/models/0/tile.tflite", lambda route: route.abort())
        page = opened(context, url)
        until(lambda: "cannot be painted at its own size" in page.text_content("#message"))
        assert page.get_attribute("#still", "data-painted") is None and not page.is_disabled("#shot")


def test_the_painting_can_be_seen(context: Any, url: str) -> None:
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    assert not page.is_visible("#painting")  # the package does not have this one
    page.get_by_label("Starry Night").check(force=True)
    page.click("#painting-title")
    until(lambda: page.evaluate("document.getElementById('painting-picture').naturalWidth") > 300)


def test_the_sources_are_a_page(context: Any, url: str) -> None:
    page = opened(context, f"{url}sources.html")
    page.wait_for_selector("td")
    assert page.locator("td code").filter(has_text="held_out/river_otters.jpg").count() == 1
    assert "|" not in page.text_content("#sources")


def test_keyboard_and_names(context: Any, url: str) -> None:
    """Everything can be reached and pressed without a mouse, and has a name."""
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input:not([hidden]), select, a")]
          .filter((it) => !(it.textContent.trim() || it.ariaLabel || it.labels?.[0]?.textContent.trim()))
          .map((it) => it.id)"""
    )
    assert unnamed == []
    page.focus("#split")
    page.keyboard.press("End")
    assert page.evaluate("document.getElementById('stage').style.getPropertyValue('--split')") == "100%"
    page.locator(".style input").first.focus()
    before = frames(page)
    page.keyboard.press("ArrowRight")
    until(lambda: frames(page) > before)
    assert page.locator(".style input").nth(1).is_checked()
    page.focus("#shot")
    page.keyboard.press("Enter")
    page.wait_for_selector("#taken img")
    page.keyboard.press("Escape")
    assert not page.is_visible("#taken img")


@pytest.mark.parametrize("size", [(360, 740), (390, 844), (768, 1024), (1440, 900)])
def test_nothing_sticks_out(browser: Any, url: str, size: tuple[int, int]) -> None:
    made = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = opened(made, url)
    page.wait_for_selector(STARTED)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    box = page.locator("#stage").bounding_box()
    assert box["width"] > 250 and box["y"] + box["height"] < size[1]
    assert page.evaluate(
        """() => [...document.querySelectorAll(".style")].every((style) => {
          const ring = 4, box = style.getBoundingClientRect();
          let parent = style;
          while ((parent = parent.parentElement)) {
            if (getComputedStyle(parent).overflow !== "visible" && parent !== document.documentElement) return false;
          }
          return box.left >= ring && box.right <= innerWidth - ring;
        })"""
    )
    named = page.locator("#view button:visible span")
    assert all(named.nth(number).bounding_box()["width"] > 10 for number in range(named.count()))
    made.close()


def test_the_self_test_passes_and_can_fail(context: Any, exported: Exported) -> None:
    with serving(build_site([exported("int8"), exported("float16")])[0]) as address:
        page = opened(context, f"{address}selftest.html")
        until(lambda: page.text_content("#verdict") != "Running…")
        assert page.text_content("#verdict") == "2 passed, 0 failed"
        assert page.locator("#rows").inner_text().count("identical") == 2
        known = page.evaluate("fetch('site.json').then((it) => it.json())")["styles"][0]["files"]
        url = next(file["known"]["output"] for file in known if file["type"] == "uint8")
        answer = bytearray(
            page.evaluate("(url) => fetch(url).then(async (it) => [...new Uint8Array(await it.arrayBuffer())])", url)
        )
        answer[0] ^= 4  # one byte is another
        page.route(f"**/{url}", lambda route: route.fulfill(body=bytes(answer)))
        page.reload()
        until(lambda: page.text_content("#verdict") != "Running…")
        assert page.text_content("#verdict") == "0 passed, 2 failed"
        page.unroute(f"**/{url}")
        page.route(f"**/{url}", lambda route: route.fulfill(body=bytes(answer[::-1])), times=1)
        page.reload()  # the threads compute another picture, the single one then does not
        until(lambda: page.text_content("#verdict") != "Running…")
        assert page.text_content("#verdict") == "1 passed, 1 failed"
        assert "it computes another picture than it should" in page.locator("#rows").inner_text()


def test_webgpu_paints_the_float_file_and_gives_way_when_it_is_slow(playwright: Any, exported: Exported) -> None:
    """By a graphics processor in software, which is right but slow."""
    files = [exported(recipe, 128) for recipe in ("int8", "float16")]
    software = ("--use-webgpu-adapter=swiftshader", "--use-angle=swiftshader", "--enable-features=Vulkan")
    flags = ("--enable-unsafe-webgpu", "--ignore-gpu-blocklist", *software)
    with chromium(playwright, *flags) as running, serving(at_once(build_site(files)[0])) as url:
        page = opened(running.new_context(), url)
        page.wait_for_selector(STARTED)
        assert "WebGPU works, but takes" in page.text_content("#reasons")
        choose_engine(page, "webgpu")
        page.wait_for_selector("html[data-engine=webgpu]")
        before = frames(page)
        until(lambda: frames(page) > before)
        painted, given = canvas(page)
        wanted = load(files[1])(given)
        assert np.abs(painted.astype(int) - wanted).max() <= 2
        assert "float16" in page.text_content("#used")
