"""The page in a real browser: models that are dropped on it, or that it tests."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import (
    STARTED,
    at_once,
    drop,
    frames,
    in_a_browser,
    opened,
    serving,
    until,
)
from conftest import Exported
from mobile_style.exporting.card import digest
from mobile_style.exporting.runtimes import load
from mobile_style.media import images
from mobile_style.network.catalog import BUNDLED
from mobile_style.web.models import OPENING, known_frame
from mobile_style.web.site import build_site

pytestmark = [in_a_browser, pytest.mark.slow]
INT8 = BUNDLED / OPENING / "int8.tflite"


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
    content, bundled = (BUNDLED / "udnie" / "float16.tflite").read_bytes(), page.locator(".style img").count()
    drop(page, "own.tflite", content, "")
    until(lambda: page.locator(".style").count() > bundled)
    assert page.locator(".style img").count() > bundled  # the photo that all show, until it is painted
    until(lambda: page.locator(".style img").last.get_attribute("src").startswith("data:"))
    assert "float16" in page.text_content("#used")
    assert page.locator(".style span").last.text_content() == "Udnie"
    until(lambda: "pixels and enlarged: this file has no float" in page.text_content("#stats"))
    page.click("#camera")
    until(lambda: "enlarged" not in page.text_content("#stats"))
    shown = page.locator(".style img").last.get_attribute("src").partition(",")[2]
    thumbnail = images.load(base64.b64decode(shown)).astype(int)
    frame = known_frame(256, 256)
    assert np.abs(thumbnail - load(BUNDLED / "udnie" / "float16.tflite")(frame)).mean() < 16
    drop(page, "no_card.tflite", content.replace(b"mobile_style", b"another_tool"), "")
    until(lambda: page.locator(".style span").last.text_content() == "no_card.tflite")
    assert errors == []


def test_the_self_test_passes_and_can_fail(context: Any, exported: Exported) -> None:
    with serving(build_site([exported("int8"), exported("float16")])[0]) as address:
        page = opened(context, f"{address}selftest.html")
        until(lambda: "Running" not in page.text_content("#verdict"))
        assert page.text_content("#verdict") == "2 passed, 0 failed"
        assert page.locator("#rows").inner_text().count("identical") == 2
        page.set_viewport_size({"width": 390, "height": 844})
        verdicts = page.locator("td[data-column=Verdict]")
        assert verdicts.count() == 3
        for verdict in (verdicts.nth(number) for number in range(3)):
            assert verdict.text_content() == "passed" or verdict.text_content().startswith("not run: ")
            box = verdict.bounding_box()
            assert box["x"] + box["width"] <= 390
        known = page.evaluate("fetch('site.json').then((it) => it.json())")["styles"][0]["files"]
        url = next(file["known"]["output"] for file in known if file["type"] == "uint8")
        answer = bytearray(
            page.evaluate("(url) => fetch(url).then(async (it) => [...new Uint8Array(await it.arrayBuffer())])", url)
        )
        answer[0] ^= 4  # one byte is another
        wrong = [bytes(answer)] * 2
        page.route(f"**/{url}", lambda route: route.fulfill(body=wrong.pop()) if wrong else route.continue_())
        page.reload()
        until(lambda: "Running" not in page.text_content("#verdict"))
        assert page.text_content("#verdict") == "0 passed, 2 failed"
        wrong.append(bytes(answer[::-1]))
        page.reload()  # the threads compute another picture, the single one then does not
        until(lambda: "Running" not in page.text_content("#verdict"))
        assert page.text_content("#verdict") == "1 passed, 1 failed"
        assert "failed: CPU with threads: it computes another" in page.locator("#rows").inner_text()
