"""What the Android demo measures on a phone, read over adb; test_android_bundle.py tests that it writes such a file."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import phone
from mobile_style.benchmarking import phone_app
from mobile_style.cli import app
from mobile_style.errors import DeviceError

runner = CliRunner()
real = pytest.mark.skipif(bool(phone.missing()), reason=phone.missing() or "it is there")
STYLE = f"{sys.executable} -c 'from mobile_style.cli import app; app()'"


def app_rows() -> dict[str, Any]:
    row = {"sha256": "0" * 64, "width": 256, "height": 256, "recipe": "int8", "bytes": 495000, "load_ms": 50.0}
    row |= {"nodes": 245, "delegated": 243, "first_ms": 30.0, "psnr": 42.0, "golden_passed": True, "thermal_status": 1}
    timed = {name: [base + 0.1 * (n % 7) for n in range(50)] for name, base in {"udnie": 20, "scream": 40}.items()}
    rows = [
        row | {"model": name, "accelerator": kind, "threads": 2, "times_ms": times}
        for name, times in timed.items()
        for kind in ("xnnpack", "plain")
    ]
    failed = {name: row[name] for name in ("sha256", "width", "height", "recipe", "bytes")}
    rows.append(failed | {"model": "udnie", "accelerator": "gpu", "threads": 1, "failure": "no GPU delegate"})
    return {"schema": 1, "device": {}, "runtime": "tensorflow-lite 2.16.1", "rows": rows}


@pytest.fixture
def phone_with_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of Android's programs, for an adb that runs them here; the app writes what `report` holds."""
    programs, result = tmp_path / "bin", tmp_path / "result.json"
    programs.mkdir()
    scripts = {
        "adb": f'[ "$1" = devices ] && printf "List\\nA1\\tdevice\\n" && exit; PATH={programs}:$PATH sh -c "$4"',
        "pm": "echo package:/data/app/base.apk",
        "am": f"(sleep 1; cp {tmp_path}/report {result}) > /dev/null 2>&1 & echo Starting",
        "pidof": "echo 4711",
        "input": "true",
        "nproc": "echo sh: nproc: not found >&2; exit 127",  # as before Android 10
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    shutil.copy(Path(phone.HERE) / "getprop", programs)
    (programs / "getprop").chmod(0o755)
    (tmp_path / "report").write_text(json.dumps(app_rows()))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(phone_app, "RESULT", result)
    monkeypatch.setattr(phone_app, "PAUSE", 0.2)
    return tmp_path


def test_what_the_app_measures_is_a_benchmark(phone_with_app: Path) -> None:
    (phone_with_app / "result.json").write_text("of an earlier time")
    command = ["benchmark", "--device", "app", "--json", str(phone_with_app / "r.json")]
    result = runner.invoke(app, [*command, "--html", str(phone_with_app / "r.html")])
    assert result.exit_code == 0, result.output
    assert "Left out: udnie on gpu x1: no GPU delegate" in result.stdout
    report = json.loads((phone_with_app / "r.json").read_text())
    assert report["left_out"] == ["udnie on gpu x1: no GPU delegate"]
    assert report["device"]["kind"] == "app" and "tensorflow-lite 2.16.1" in report["device"]["runtime"]
    assert [(row["model"], row["accelerator"]) for row in report["rows"]] == [
        (f"{name} 256x256", kind) for name in ("udnie", "scream") for kind in ("cpu", "cpu without XNNPACK")
    ]
    slower = report["rows"][2]
    assert slower["latency"]["median"]["value"] == pytest.approx(40.3) and slower["latency"]["runs"] == 50
    assert slower["relative"]["value"] == pytest.approx(40.3 / 20.3)
    assert "scream 256x256" in (phone_with_app / "r.html").read_text()


@pytest.mark.slow
@real
def test_what_the_app_measures_over_a_real_adbd(tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text(json.dumps(app_rows()))
    done = phone.with_phone(f"{STYLE} benchmark --device app --json r.json", tmp_path)
    assert done.returncode == 0 and "Stand-in Phone" in done.stdout, done.stdout + done.stderr
    assert len(json.loads((tmp_path / "r.json").read_text())["rows"]) == 4


@pytest.mark.parametrize(
    ("name", "script", "says"),
    [
        ("pm", "true", "not on phone A1: make android"),
        ("pidof", "true", "ended before it had measured"),
        ("am", "echo Error: Activity class does not exist", "does not start: Error: Activity class"),
        ("am", "echo {} > RESULT", "'schema' is missing); build and install the app anew"),
        ("am", 'echo \'{"schema": 1, "rows": 5}\' > RESULT', "build and install the app anew"),
        ("am", "echo '{\"schema\": 2}' > RESULT", "of schema 2, this version reads 1"),
        (
            "am",
            'echo \'{"schema": 1, "device": {}, "runtime": "", "rows": []}\' > RESULT',
            "could run no model on anything (it holds none)",
        ),
    ],
)
def test_an_app_that_is_not_there_or_ends_early(name: str, script: str, says: str, phone_with_app: Path) -> None:
    (phone_with_app / "bin" / name).write_text(
        f"#!/bin/sh\n{script}\n".replace("RESULT", f"{phone_with_app}/result.json")
    )
    result = runner.invoke(app, ["benchmark", "--device", "app"])
    assert result.exit_code == 9 and says in result.stderr.replace("\n", " "), result.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"times_ms": [1.0] * 9}, "udnie has 9 times"),
        ({"times_ms": [-1.0] * 50}, r"rows\[0\].times_ms\[0\]: Expected `float` >= 0"),
        ({"threads": "2"}, r"rows\[0\].threads: Expected `int`, got `str`"),
        ({"accelerator": "tpu"}, "rows\\[0\\].accelerator"),
        ({"more": 1}, "rows.0.more"),
    ],
)
def test_a_report_that_no_app_writes(change: dict[str, Any], says: str) -> None:
    told = app_rows()
    told["rows"][0] |= change
    with pytest.raises(DeviceError, match=says):
        phone_app.read_app_report(json.dumps(told).encode())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["benchmark", "udnie", "--device", "app"], "--device app measures the styles inside the app"),
        (["benchmark", "--device", "app", "--size", "64"], "--device app measures the styles inside the app"),
        (["benchmark", "--device", "app:A1", "--runs", "50"], "--device app measures the styles inside the app"),
        (["benchmark", "--device", "app", "--sustained", "5"], "--device app measures the styles inside the app"),
        (["find-size", "--fps", "30", "--device", "app"], "--device app is unknown; choose from host, adb"),
    ],
)
def test_the_app_takes_no_models_and_no_settings(arguments: list[str], says: str) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2 and says in result.stderr, result.stderr
