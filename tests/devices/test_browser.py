import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from browsing import in_a_browser
from conftest import MANY, Exported
from mobile_style.cli import app
from mobile_style.devices import browser as browsers
from mobile_style.devices.browser import Browser
from mobile_style.devices.registry import open_device
from mobile_style.errors import CheckpointError, DeviceError, UsageError
from mobile_style.exporting.card import digest
from mobile_style.exporting.runtimes import load
from mobile_style.network.catalog import BUNDLED, DEFAULT
from mobile_style.network.styles import shares_of
from mobile_style.validation.validate import validate

pytestmark = pytest.mark.slow

runner = CliRunner()


@in_a_browser
def test_sessions_compute_what_native_litert_does(exported: Exported, rng: np.random.Generator, tmp_path: Path) -> None:
    picture = rng.integers(0, 256, (64, 64, 3), np.uint8)
    browser = Browser()
    try:
        for recipe, threads in (("int8", 1), ("int8", 2), ("float32", 2), ("float16", 1)):
            session = browser.start(exported(recipe), "cpu", threads)
            painted, wanted = session.stylize(picture), load(exported(recipe))(picture)
            assert session.size == (64, 64)
            if recipe == "int8":
                np.testing.assert_array_equal(painted, wanted)
            else:  # a sum in another order may round to the next byte
                assert np.abs(painted.astype(int) - wanted).max() <= 1
            each = session.round(3)
            assert len(each.times_ms) == 3 and min(each.times_ms) > 0
            session.close()
        (tmp_path / "cut.tflite").write_bytes(exported("int8").read_bytes()[:5000])
        with pytest.raises(CheckpointError, match="the browser cannot run it"):
            browser.start(tmp_path / "cut.tflite", "cpu", 1)
        assert browser.start(exported("int8"), "cpu", 1).size == (64, 64)  # it goes on after that
        browser._process.kill()
        with pytest.raises(DeviceError, match="the browser ended"):
            browser.start(exported("int8"), "cpu", 1)
    finally:
        browser.close()


@in_a_browser
def test_the_browser_mixes_styles_to_the_same_bytes(exported_many: Exported, rng: np.random.Generator) -> None:
    path, picture = exported_many("int8"), rng.integers(0, 256, (64, 64, 3), np.uint8)
    browser, here = Browser(), load(path)
    try:
        there = browser.runner(path)
        assert there.styles == 3
        for mix in (*MANY, "night=0.5,noon=0.5", "night=0.2,noon=0.3,dusk=0.5", "night=1,noon=1,dusk=1"):
            shares = shares_of(mix, MANY)
            np.testing.assert_array_equal(there(picture, shares), here(picture, shares), mix)
        session = browser.start(path, "cpu", 1)
        assert len(session.round(2).times_ms) == 2
    finally:
        browser.close()


@in_a_browser
def test_validate_by_the_browser_passes_and_can_fail(tmp_path: Path) -> None:
    good = validate(BUNDLED / DEFAULT / "int8.tflite", device="browser", limit=4)
    assert good.failures == () and "LiteRT.js" in good.runtime
    other = tmp_path / "int8.tflite"
    shutil.copy(BUNDLED / "udnie" / "int8.tflite", other)
    card = json.loads((BUNDLED / DEFAULT / "int8.json").read_text())
    card["file"]["sha256"] = digest(other)
    other.with_suffix(".json").write_text(json.dumps(card))
    assert {failure.metric for failure in validate(other, device="browser", limit=1).failures} >= {"PSNR"}


@in_a_browser
def test_benchmark_by_the_browser(exported: Exported, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ["benchmark", str(exported("int8")), "--device", "browser", "--runs", "15", "--threads", "1,2"]
    result = runner.invoke(app, [*arguments, "--json", str(report)])
    assert result.exit_code == 0, result.output
    figures = json.loads(report.read_text())
    assert figures["device"]["kind"] == "browser" and "Chrome/" in figures["device"]["runtime"]
    assert [row["threads"] for row in figures["rows"]] == [1, 2]
    assert all(row["latency"]["runs"] == 15 for row in figures["rows"])


def test_without_a_browser_it_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browsers.VARIABLE, "no such program")
    with pytest.raises(DeviceError, match="no Chromium was found; apt-get install chromium"):
        open_device("browser")


@in_a_browser
def test_a_program_that_is_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browsers.VARIABLE, "false")
    with pytest.raises(DeviceError, match="the browser ended with code 1"):
        open_device("browser")


def test_it_takes_no_other_runtime() -> None:
    with pytest.raises(UsageError, match="`runtime` applies to `device=host`, not to browser"):
        open_device("browser", "tensorflow")


@in_a_browser
def test_it_runs_tflite_files_only() -> None:
    with pytest.raises(UsageError, match=r"`device=browser` runs .tflite files"):
        validate(BUNDLED / DEFAULT / "coreml.mlpackage", device="browser")
