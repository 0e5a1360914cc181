"""The page in a real browser: what paints, and what does when that cannot."""

from typing import Any

import numpy as np
import pytest

from browsing import (
    STARTED,
    THREADS,
    at_once,
    canvas,
    choose_engine,
    chromium,
    first_file,
    frames,
    in_a_browser,
    native,
    opened,
    serving,
    until,
)
from conftest import Exported
from mobile_style.exporting.runtimes import load
from mobile_style.network.catalog import BUNDLED
from mobile_style.web.answers import HEADERS
from mobile_style.web.models import OPENING
from mobile_style.web.site import build_site

pytestmark = [in_a_browser, pytest.mark.slow]
INT8 = BUNDLED / OPENING / "int8.tflite"


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
