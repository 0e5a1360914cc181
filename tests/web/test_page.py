"""The page in a real browser: words, sizes, keyboard."""

import re
from typing import Any

import pytest

from browsing import (
    STARTED,
    frames,
    in_a_browser,
    opened,
    until,
)

pytestmark = [in_a_browser, pytest.mark.slow]


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
    page.set_viewport_size({"width": 390, "height": 844})
    box = page.locator("tbody tr").first.bounding_box()
    assert page.locator("thead").bounding_box() is None  # and no empty row
    assert box["height"] > 100  # one cell stands below the other
    assert page.evaluate("getComputedStyle(document.querySelectorAll('td')[3], '::before').content") == '"License: "'


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


def test_a_single_picture_has_no_percentiles(context: Any, url: str) -> None:
    page = opened(context, url)
    page.wait_for_selector(STARTED)
    page.evaluate("document.getElementById('advanced').open = true")
    until(lambda: re.fullmatch(r"\d+ ms for a picture", page.text_content("#timings")))
