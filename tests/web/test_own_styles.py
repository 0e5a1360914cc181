"""The page in a real browser: style files that are dropped on it, or chosen."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import (
    SLIDE,
    STARTED,
    at_once,
    canvas,
    drop,
    frames,
    in_a_browser,
    opened,
    photo,
    png,
    saved,
    serving,
    until,
)
from conftest import Exported
from mobile_style.exporting.runtimes import load
from mobile_style.inference.network import Network
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network.card import MODEL
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.styles import shares_of
from mobile_style.painting.stylize import stylize_image
from mobile_style.training.config import TrainConfig
from mobile_style.training.style_files import StyleFile, style_file, with_style
from mobile_style.web.models import known_frame
from mobile_style.web.site import build_site

pytestmark = [in_a_browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def with_dawn(many_styles: Path, dawn: Path) -> Checkpoint:
    return with_style(Checkpoint.read(many_styles / MODEL), StyleFile.read(dawn))


def network(checkpoint: Checkpoint, mix: str) -> Network:
    return Network(checkpoint.architecture(), checkpoint.mixed(mix).weights)


def wait_for(page: Any, paint: Callable[[np.ndarray], np.ndarray], least: float) -> None:
    """Until the page shows what `paint` makes of its input: a picture that was asked for before may come first."""

    def is_shown() -> bool:
        painted, given = canvas(page)
        return given is not None and psnr(paint(given), painted) > least

    until(is_shown)


@pytest.mark.parametrize(("recipe", "least"), [("int8", 36), ("dynamic_int8", 36), ("float16", 50)])
def test_a_style_is_added_to_the_file_that_the_page_has(
    context: Any, exported_many: Exported, with_dawn: Checkpoint, dawn: Path, recipe: str, least: float
) -> None:
    errors: list[str] = []
    with serving(at_once(build_site([exported_many(recipe)])[0])) as url:
        page = opened(context, url, errors)
        page.wait_for_selector(STARTED)
        drop(page, "Any Name.STYLE", dawn.read_bytes(), "")
        until(lambda: page.locator(".style img").last.get_attribute("src").startswith("data:"))  # the last that is run
        page.click("#mirror")
        wait_for(page, network(with_dawn, "dawn"), least)
        painted, given = canvas(page)
        assert psnr(network(with_dawn, "night")(given), painted) < 25
        assert page.locator(".style span").all_text_contents() == ["Night", "Noon", "Dusk", "Dawn"]
        assert page.get_by_label("Dawn", exact=True).is_checked() and page.text_content("#message") == ""
        assert page.text_content("#painting-title") == "The painting: Dawn"

        page.select_option("#other", label="Noon")
        page.evaluate(SLIDE, 40)
        wait_for(page, network(with_dawn, "dawn=0.6,noon=0.4"), least)
        page.get_by_label("Night", exact=True).check(force=True)
        native, night = load(exported_many(recipe)), shares_of("night", ["night", "noon", "dusk"])
        wait_for(page, lambda given: native(given, night), 38)
        page.select_option("#other", label="Dawn")
        page.evaluate(SLIDE, 100)
        wait_for(page, network(with_dawn, "dawn"), least)

        shown = page.locator(".style img").last.get_attribute("src").partition(",")[2]
        thumbnail = images.load(base64.b64decode(shown)).astype(int)
        assert np.abs(thumbnail - network(with_dawn, "dawn")(known_frame(64, 64))).mean() < 16
    assert errors == []


def test_two_styles_are_added_while_the_camera_runs_and_mixed(
    context: Any, exported_many: Exported, many_styles: Path, with_dawn: Checkpoint, dawn: Path, tmp_path: Path
) -> None:
    many = Checkpoint.read(many_styles / MODEL)
    noon = style_file(many, TrainConfig.from_card(many.card).styles[1], np.zeros((64, 64, 3), np.uint8))
    late = replace(noon, card=replace(noon.card, style=replace(noon.card.style, name="late")))
    late.write(tmp_path / "late.style")
    errors: list[str] = []
    with serving(at_once(build_site([exported_many("int8")])[0])) as url:
        page = opened(context, url, errors)
        page.wait_for_selector(STARTED)
        page.click("#camera")
        page.wait_for_selector("#camera[aria-pressed=true]")
        for count, file in enumerate((tmp_path / "late.style", dawn), 1):
            drop(page, file.name, file.read_bytes(), "")
            until(lambda count=count: page.locator(".style img[src^='data:']").count() == count)
        before = frames(page)
        until(lambda: frames(page) > before + 3)
        assert page.text_content("#message") == ""
        page.click("#sample")
        page.wait_for_selector("#camera[aria-pressed=false]")
        page.select_option("#other", label="Late")
        page.evaluate(SLIDE, 50)
        wait_for(page, network(with_dawn, "dawn=0.5,noon=0.5"), 36)
        page.get_by_label("Late", exact=True).check(force=True)
        wait_for(page, network(with_dawn, "noon"), 36)
    assert errors == []


def test_an_added_style_paints_photos_at_their_own_size(
    context: Any, exported_many: Exported, with_dawn: Checkpoint, dawn: Path
) -> None:
    picture = images.with_shorter_side(photo("roman_colosseum"), 400)[:398, :598]
    with serving(build_site([exported_many("int8")])[0]) as url:
        page = opened(context, url)
        page.wait_for_selector(STARTED)
        drop(page, "a.png", png(picture), "image/png")
        until(lambda: page.get_attribute("#still", "data-painted") == "598x398")  # by the files without the style
        before = frames(page)
        drop(page, "dawn.style", dawn.read_bytes(), "")
        until(lambda: frames(page) > before and page.get_attribute("#still", "data-painted") == "598x398")
        taken = saved(page)
        assert psnr(stylize_image(network(with_dawn, "dawn"), picture), taken) > 31
        assert psnr(stylize_image(network(with_dawn, "night"), picture), taken) < 25


def test_what_is_wrong_with_a_file_is_said_in_a_line(
    context: Any, exported_many: Exported, exported: Exported, dawn: Path
) -> None:
    content, errors = dawn.read_bytes(), list[str]()
    changed = bytearray(content)
    changed[-100] ^= 1
    with serving(at_once(build_site([exported("int8"), exported_many("int8")])[0])) as url:
        page = opened(context, url, errors)
        page.wait_for_selector(STARTED)

        def refused(name: str, given: bytes, words: str) -> None:
            drop(page, name, given, "")
            until(lambda: page.text_content("#message") == words)
            assert page.get_attribute("#message", "class") == "error"

        refused("a.style", b"", "a.style is no style file that this page can read.")
        refused("<b>.style", b"\x05" * 3000, "<b>.style is no style file that this page can read.")
        refused("cut.style", content[:-9], "cut.style is damaged: use another copy of it.")
        refused("bad.style", bytes(changed), "bad.style is damaged: use another copy of it.")
        assert page.locator(".style").count() == 4
        drop(page, "dawn.style", content, "")  # while a style of another file is shown
        until(lambda: page.text_content("#message") == "" and page.get_by_label("Dawn", exact=True).is_checked())
        refused("dawn.style", content, "There is a style called Dawn already.")
        assert page.locator(".style").count() == 5 and errors == []
    with serving(at_once(build_site([exported("int8")])[0])) as url:
        page.goto(url)
        page.wait_for_selector(STARTED)
        refused("dawn.style", content, "Dawn belongs to a network that is not on this page.")


def test_a_style_that_no_engine_can_use_leaves_the_list(context: Any, exported_many: Exported, dawn: Path) -> None:
    with serving(at_once(build_site([exported_many("int8")])[0])) as url:
        page = opened(context, url)
        page.wait_for_selector(STARTED)
        lost = [True]
        page.route("**/models/0/0.tflite", lambda route: route.abort() if lost else route.continue_())
        drop(page, "dawn.style", dawn.read_bytes(), "")
        until(lambda: "Dawn cannot be used" in page.text_content("#message"))
        lost.clear()
        until(lambda: page.locator(".style").count() == 3 and page.get_by_label("Night", exact=True).is_checked())
        before = frames(page)
        page.click("#sample")
        until(lambda: frames(page) > before)
        assert page.locator("#other option").all_text_contents() == ["Noon", "Dusk"]
        before = frames(page)
        drop(page, "dawn.style", dawn.read_bytes(), "")
        until(lambda: page.get_by_label("Dawn", exact=True).is_checked() and frames(page) > before)


def test_an_added_style_is_there_at_the_next_visit_until_it_is_removed(
    context: Any, exported_many: Exported, with_dawn: Checkpoint, dawn: Path
) -> None:
    errors: list[str] = []

    def names() -> list[str]:
        found: list[str] = page.locator(".style span").all_text_contents()
        return found

    with serving(at_once(build_site([exported_many("int8")])[0])) as url:
        page = opened(context, url, errors)
        page.wait_for_selector(STARTED)
        assert page.is_hidden("#forget")
        drop(page, "dawn.style", dawn.read_bytes(), "")
        until(lambda: page.get_by_label("Dawn", exact=True).is_checked() and page.is_visible("#forget"))
        until(lambda: page.evaluate("Object.keys(localStorage).length") == 1)
        page.reload()
        page.wait_for_selector(STARTED)
        assert names() == ["Night", "Noon", "Dusk", "Dawn"]
        assert page.get_by_label("Night", exact=True).is_checked() and page.is_hidden("#forget")
        until(lambda: page.locator(".style img").last.get_attribute("src").startswith("data:"))
        page.get_by_label("Dawn", exact=True).check(force=True)
        wait_for(page, network(with_dawn, "dawn"), 36)
        page.select_option("#other", label="Noon")
        page.evaluate(SLIDE, 40)
        wait_for(page, network(with_dawn, "dawn=0.6,noon=0.4"), 36)
        page.get_by_role("button", name="Remove this style").click()
        until(lambda: len(names()) == 3)
        page.reload()
        page.wait_for_selector(STARTED)
        assert names() == ["Night", "Noon", "Dusk"] and page.is_hidden("#forget")

        # What is stored of another network, or is nothing that this page wrote, does not keep the page from starting.
        for stored in ('[{"key": "a b", "name": "a.style", "text": "AAAA"}]', "[", "7"):
            page.evaluate(
                "(text) => localStorage.setItem(`mobile-style styles ${new URL('.', document.baseURI)}`, text)", stored
            )
            page.reload()
            page.wait_for_selector(STARTED)
            assert len(names()) == 3
    assert errors == []


def test_a_style_is_chosen_with_the_keyboard(context: Any, exported_many: Exported, dawn: Path) -> None:
    with serving(at_once(build_site([exported_many("int8")])[0])) as url:
        page = opened(context, url)
        page.set_viewport_size({"width": 390, "height": 500})
        page.wait_for_selector(STARTED)
        page.evaluate(
            """() => document.getElementById("style-file").addEventListener("click", (event) => {
                 event.preventDefault();  // no dialog, which headless Chromium lacks
                 window.asked = true;
               })"""
        )
        page.get_by_role("button", name="Add a style…").focus()
        page.keyboard.press("Enter")
        until(lambda: page.evaluate("window.asked"))
        page.set_input_files("#style-file", dawn)
        until(lambda: page.locator(".style").count() == 4 and page.get_by_label("Dawn", exact=True).is_checked())
        assert page.locator("#message").bounding_box()["y"] < 500 and page.evaluate("scrollY") < 100
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
