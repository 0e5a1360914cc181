"""Accessibility: axe's rules on the page and on what commands write as HTML."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from browsing import STARTED, in_a_browser, opened
from mobile_style.cli import app
from mobile_style.network.catalog import BUNDLED

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
WIDTHS = (390, 768, 1280)
SPACED = "* { letter-spacing: .12em !important; word-spacing: .16em !important; line-height: 1.5 !important }"

pytestmark = [
    in_a_browser,
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: npm install"),
]


def faults(browser: Any, address: str, scheme: str, started: str = "h1") -> list[str]:
    """What axe finds, and what is wider than the window, at three widths; also with text spaced as by WCAG 1.4.12."""
    found = []
    context = browser.new_context(color_scheme=scheme)
    page = opened(context, address)
    page.wait_for_selector(started)
    page.evaluate(AXE.read_text())
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [f"{width}: {each['id']}: {each['nodes'][0]['html']}" for each in result["violations"]]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{width}: the page is wider than the window")
    page.set_viewport_size({"width": WIDTHS[0], "height": 844})
    page.evaluate("css => new CSSStyleSheet().replace(css).then(s => { document.adoptedStyleSheets = [s]; })", SPACED)
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > WIDTHS[0]:
        found.append(f"{WIDTHS[0]}: with spaced text the page is {wide} pixels wide")
    context.close()
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page(browser: Any, url: str, scheme: str) -> None:
    assert not faults(browser, url, scheme, STARTED)
    assert not faults(browser, url + "sources.html", scheme)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The report of a validation and the page of a benchmark."""
    folder = tmp_path_factory.mktemp("written")
    models = [str(BUNDLED / name) for name in ("udnie/int8.tflite", "udnie/float16.tflite", "great_wave/int8.tflite")]
    for command in (
        ["validate", models[0], "--limit", "1", "--report", str(folder / "report")],
        ["benchmark", *models, "--runs", "15", "--html", str(folder / "latency.html")],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
    return [folder / "report" / "report.html", folder / "latency.html"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_commands_write(browser: Any, written: list[Path], scheme: str) -> None:
    for path in written:
        assert not faults(browser, path.as_uri(), scheme)


def test_a_laptops_window_shows_every_column_of_a_benchmark(browser: Any, written: list[Path]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(written[-1].as_uri())
    assert page.locator("tr").first.inner_text().split("\t")[-1] == "PSNR dB"
    table = "document.querySelector('.wide')"
    assert page.evaluate(f"{table}.scrollWidth <= {table}.clientWidth")
    page.close()
