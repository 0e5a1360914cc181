"""The page in a real browser: one file that mixes styles."""

from collections.abc import Iterator
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
from conftest import MANY, Exported
from mobile_style.exporting.runtimes import Runner, load
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network.styles import shares_of
from mobile_style.painting.stylize import stylize_image
from mobile_style.web.site import build_site

pytestmark = [in_a_browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def many(exported_many: Exported) -> Path:
    return exported_many("int8")


@pytest.fixture(scope="module")
def native(many: Path) -> Runner:
    return load(many)


@pytest.fixture(scope="module")
def address(many: Path) -> Iterator[str]:
    with serving(at_once(build_site([many])[0])) as url:
        yield url


def test_styles_of_one_file_are_switched_and_mixed_without_another_download(
    context: Any, address: str, native: Runner
) -> None:
    errors: list[str] = []
    page, asked = opened(context, address, errors), []
    page.wait_for_selector(STARTED)
    page.on("request", lambda request: asked.append(request.url))

    def painted_after(action: Any, mix: str) -> np.ndarray:
        before = frames(page)
        action()
        until(lambda: frames(page) > before)
        painted, given = canvas(page)
        np.testing.assert_array_equal(painted, native(given, shares_of(mix, MANY)), mix)
        return painted

    assert page.locator(".style span").all_text_contents() == ["Night", "Noon", "Dusk"]
    assert "exactly what native LiteRT does" in page.text_content("#used")
    one = painted_after(lambda: page.get_by_label("Noon").check(force=True), "noon")
    other = painted_after(lambda: page.get_by_label("Night").check(force=True), "night")
    assert psnr(one, other) < 25
    assert page.locator("#other option").all_text_contents() == ["Noon", "Dusk"]
    painted_after(lambda: page.evaluate(SLIDE, 30), "night=0.7,noon=0.3")
    assert page.text_content("#blended") == "30%"
    painted_after(lambda: page.select_option("#other", label="Dusk"), "night=0.7,dusk=0.3")
    painted_after(lambda: page.evaluate(SLIDE, 100), "dusk")
    painted_after(lambda: page.get_by_label("Noon").check(force=True), "noon")
    assert page.text_content("#blended") == "0%" and page.input_value("#blending") == "0"
    assert not [url for url in asked if ".tflite" in url] and errors == []


def test_an_engine_that_is_lost_comes_back_with_the_mix(context: Any, address: str, native: Runner) -> None:
    page = opened(context, address)
    page.wait_for_selector(STARTED)
    before = frames(page)
    page.evaluate(SLIDE, 50)
    until(lambda: frames(page) > before)
    page.evaluate("document.getElementById('advanced').open = true")
    before = frames(page)
    page.select_option("#engine", "single")
    until(lambda: frames(page) > before and "1 thread," in page.text_content("#used"))
    painted, given = canvas(page)
    assert page.input_value("#blending") == "50"
    np.testing.assert_array_equal(painted, native(given, shares_of("night=0.5,noon=0.5", MANY)))


def test_a_file_of_one_style_shows_no_mix(context: Any, url: str, many: Path) -> None:
    errors: list[str] = []
    page = opened(context, url, errors)
    page.wait_for_selector(STARTED)
    bundled = page.locator(".style").count()
    assert not page.is_visible("#blend")
    drop(page, "own.tflite", many.read_bytes(), "")  # of the visitor's own
    until(lambda: page.locator(".style img[src^='data:']").count() == 3)
    assert page.locator(".style span").all_text_contents()[bundled:] == ["Night", "Noon", "Dusk"]
    assert page.is_visible("#blend")
    sources = [page.locator(".style img").nth(bundled + index).get_attribute("src") for index in range(3)]
    assert len(set(sources)) == 3
    page.locator(".style input").first.check(force=True)
    until(lambda: not page.is_visible("#blend"))
    assert errors == []


def test_a_mix_is_painted_at_the_photos_own_size(context: Any, many: Path, many_styles: Path) -> None:
    picture = images.with_shorter_side(photo("roman_colosseum"), 400)[:398, :598]
    with serving(build_site([many])[0]) as url:
        page = opened(context, url)
        page.wait_for_selector(STARTED)
        page.evaluate(SLIDE, 50)
        drop(page, "a.png", png(picture), "image/png")
        until(lambda: page.get_attribute("#still", "data-painted") == "598x398", 240)
        taken = saved(page)
        network, _ = load_network(f"{many_styles}:night=0.5,noon=0.5")
        other, _ = load_network(f"{many_styles}:night")
        assert psnr(stylize_image(network, picture), taken) > 31
        assert psnr(stylize_image(other, picture), taken) < 29
