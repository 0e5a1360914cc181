import functools
import http.server
import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from browsing import (
    STARTED,
    THREADS,
    TooLate,
    at_once,
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
from conftest import Exported, run
from mobile_style.errors import CheckpointError, OutputError
from mobile_style.network.catalog import BUNDLED, DEFAULT
from mobile_style.web.bundle import bundle_web
from mobile_style.web.site import build_site, resource

UDNIE = '.style span:text-is("Udnie")'

pytestmark = [in_a_browser, pytest.mark.slow]


@contextmanager
def plain_host(folder: Path) -> Iterator[str]:
    """A web host that knows nothing of threads."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=folder))
    thread = threading.Thread(target=host.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{host.server_port}/"
    finally:
        host.shutdown()
        thread.join()
        host.server_close()


def bundle_at_once(models: list[str], out: Path) -> None:
    """A bundle without what it paints photos at their own size with, which takes long."""
    bundle_web(models, out)
    site = at_once({"site.json": resource("site.json", (out / "site.json").read_bytes)})
    (out / "site.json").write_bytes(site["site.json"].content())


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "deep" / "site"
    bundle_at_once([DEFAULT, str(BUNDLED / "udnie" / "int8.tflite")], out)
    return out


def test_it_holds_all_it_needs(bundled: Path) -> None:
    about = json.loads((bundled / "site.json").read_text())
    assert [style["title"] for style in about["styles"]] == ["Starry Night", "Udnie"] and about["offline"] is True
    shell = json.loads(re.search(r'"shell": (\[.*?\])', (bundled / "sw.js").read_text())[1])
    assert {"index.html", "page.js", "site.json"} <= set(shell) and all((bundled / name).is_file() for name in shell)
    assert "Apache License" in (bundled / "engine" / "LICENSE").read_text()
    manifest = json.loads((bundled / "manifest.webmanifest").read_text())
    assert all((bundled / icon["src"]).is_file() for icon in manifest["icons"])
    own = [path for path in bundled.iterdir() if path.suffix in (".js", ".html", ".css")]
    assert not [path.name for path in own if "http://" in path.read_text() or "https://" in path.read_text()]


def test_it_is_written_whole_or_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no wave: neither a bundled style"):
        bundle_web(["wave"], tmp_path / "site")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "kept").touch()
    with pytest.raises(OutputError, match="exists and is left as it is"):
        bundle_web([DEFAULT], tmp_path / "site")
    done = run("bundle", DEFAULT, cwd=tmp_path)
    assert done.returncode == 2 and "--web DIR" in done.stderr


def test_it_has_threads_on_a_plain_host_and_works_offline(bundled: Path) -> None:
    with sync_playwright() as playwright, chromium(playwright) as browser, plain_host(bundled.parent) as address:
        context = browser.new_context()
        page = opened(context, address + "site/")
        page.wait_for_selector(STARTED)
        assert page.evaluate("crossOriginIsolated") and f"CPU, {THREADS}" in page.text_content("#used")
        context.set_offline(True)
        page.reload()
        page.wait_for_selector(STARTED)
        before = frames(page)
        page.get_by_label("Udnie").check(force=True)
        until(lambda: frames(page) > before)
        painted, given = canvas(page)
        np.testing.assert_array_equal(painted, native(BUNDLED / "udnie" / "int8.tflite", given))
        choose_engine(page, "single")  # a program of its own, which was never fetched
        page.wait_for_selector("#message.error")
        message = page.text_content("#message")
        assert message.endswith("its program cannot be loaded; is there a network?")
        before = frames(page)
        page.click("#sample")  # what worked is back
        until(lambda: frames(page) > before and page.text_content("#message") == "")
        assert page.input_value("#engine") == "auto"


def test_a_style_file_is_added_offline(exported_many: Exported, dawn: Path, tmp_path: Path) -> None:
    bundle_at_once([str(exported_many("int8"))], tmp_path / "site")
    with sync_playwright() as playwright, chromium(playwright) as browser, plain_host(tmp_path) as address:
        context = browser.new_context()
        page = opened(context, address + "site/")
        page.wait_for_selector(STARTED)
        context.set_offline(True)
        before = frames(page)
        drop(page, "dawn.style", dawn.read_bytes(), "")
        until(lambda: frames(page) > before and page.text_content("#message") == "")
        assert page.get_by_label("Dawn", exact=True).is_checked()


def test_a_new_bundle_takes_the_old_ones_place(tmp_path: Path) -> None:
    """At the visit after the next; what other pages of the host keep stays."""
    bundle_at_once([DEFAULT], tmp_path / "site")
    with sync_playwright() as playwright, chromium(playwright) as browser, plain_host(tmp_path) as address:
        context = browser.new_context()
        page = opened(context, address + "site/")
        page.wait_for_selector(STARTED)
        (before,) = page.evaluate("caches.open('of another page').then(() => caches.keys())")[:1]
        shutil.rmtree(tmp_path / "site")
        bundle_at_once([str(BUNDLED / "udnie" / "int8.tflite")], tmp_path / "site")
        page.reload()
        page.wait_for_selector(STARTED)
        assert page.locator(".style span").all_text_contents() == ["Starry Night"]  # with its own list of models

        def kept() -> list[str]:
            return page.evaluate("caches.keys()")

        until(lambda: page.evaluate("navigator.serviceWorker.getRegistration().then(({waiting}) => !!waiting)"))
        assert len(kept()) == 3
        page.close()
        page = opened(context, address + "site/")
        page.wait_for_selector(STARTED)
        until(lambda: before not in kept())
        context.set_offline(True)  # the engine is here, too
        page.reload()
        page.wait_for_selector(STARTED)
        assert page.locator(".style span").all_text_contents() == ["Udnie"]
        assert len(kept()) == 2 and "of another page" in kept()


def test_its_worker_leaves_the_hosts_other_pages_alone_and_ends_where_serve_takes_over(tmp_path: Path) -> None:
    bundle_at_once([DEFAULT], tmp_path / "site")
    with sync_playwright() as playwright, chromium(playwright) as browser:
        context = browser.new_context()
        with plain_host(tmp_path / "site") as address:
            page = opened(context, address)
            page.wait_for_selector(STARTED)
            read = """() => fetch("blog.txt", {cache: "no-store"})
                             .then(async (it) => [await it.text(), it.headers.get("cross-origin-opener-policy")])"""
            for text in ("first", "second"):
                (tmp_path / "site" / "blog.txt").write_text(text)
                assert page.evaluate(read) == [text, None]
            page.close()
        with serving(at_once(build_site([BUNDLED / "udnie" / "int8.tflite"])[0]), urlsplit(address).port) as again:
            assert again == address
            page = opened(context, address)  # goes to what is served now by itself
            try:
                page.wait_for_selector(UDNIE, timeout=10_000)
            except TooLate:  # a busy Chromium may end the worker only once its page is closed
                page.close()
                page = opened(context, address)
            page.wait_for_selector(UDNIE)
            page.wait_for_selector(STARTED)
            assert page.locator(".style span").all_text_contents() == ["Udnie"]
            assert page.evaluate("caches.keys()") == []
            assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


def test_a_host_that_lacks_a_file_still_shows_the_page(bundled: Path, tmp_path: Path) -> None:
    shutil.copytree(bundled, tmp_path / "site")
    (tmp_path / "site" / "photos" / "SOURCES.md").unlink()
    with sync_playwright() as playwright, chromium(playwright) as browser, plain_host(tmp_path) as address:
        page = opened(browser.new_context(), address + "site/")
        page.wait_for_selector(STARTED)
        assert "CPU, 1 thread" in page.text_content("#used")
