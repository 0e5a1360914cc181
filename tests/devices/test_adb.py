import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import phone
from conftest import MANY, Exported
from mobile_style.cli import app
from mobile_style.devices import adb
from mobile_style.errors import DeviceError
from mobile_style.network.styles import trial_mixes

runner = CliRunner()
real = pytest.mark.skipif(bool(phone.missing()), reason=phone.missing() or "it is there")
STYLE = f"{sys.executable} -c 'from mobile_style.cli import app; app()'"


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts an adb on the path that lists certain phones."""

    def script(lines: str) -> None:
        text = f"List of devices attached\n{lines}\n"
        program = tmp_path / "adb"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return script


@pytest.mark.parametrize(
    ("lines", "serial", "says"),
    [
        ("", "", "no phone is connected"),
        ("", "A1", "`device=adb:A1` is not connected; nothing is"),
        ("A1\tdevice\nB2\tunauthorized", "", "several phones are connected.*adb:A1 .*adb:B2"),
        ("A1\tdevice", "C3", "`device=adb:C3` is not connected; connected: A1"),
        ("A1\tunauthorized", "", "does not trust this computer yet"),
        ("A1\toffline", "", "is offline"),
        ("A1\tdevice\nB2\toffline", "B2", "phone B2 is offline"),
        ("A1\tno permissions (user in plugdev group; are your udev rules wrong?)", "", "udev rule"),
        ("A1\trecovery", "", "is in recovery"),
    ],
)
def test_every_state_of_a_phone_has_its_message(lines: str, serial: str, says: str, listed) -> None:
    listed(lines)
    with pytest.raises(DeviceError, match=says) as caught:
        adb.find_phone(serial)
    assert "\n" not in str(caught.value)


def test_the_phone_that_is_meant(listed) -> None:
    listed("* daemon started successfully\nA1\tdevice\nB2\toffline")
    assert adb.find_phone("A1") == "A1"
    listed("A1\tdevice")
    assert adb.find_phone() == "A1"
    listed("adb-A1-x (2)._adb-tls-connect._tcp\tdevice")  # by Wi-Fi
    assert adb.find_phone() == "adb-A1-x (2)._adb-tls-connect._tcp"


def test_without_adb_or_a_phone(listed, monkeypatch: pytest.MonkeyPatch) -> None:
    listed("")
    result = runner.invoke(app, ["benchmark", "a.tflite", "--device", "adb"])
    assert result.exit_code == 9 and "no phone is connected" in result.stderr
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DeviceError, match="there is no adb; install"):
        adb.find_phone()


@pytest.fixture
def work(exported: Exported, tmp_path: Path) -> Path:
    for suffix in ("tflite", "json"):
        shutil.copy(exported("int8").with_suffix(f".{suffix}"), tmp_path / f"small.{suffix}")
    phone.benchmark_binary(tmp_path)
    return tmp_path


BENCHMARK = f"{STYLE} benchmark small.tflite --device adb --benchmark-binary benchmark_model --runs 30"


@pytest.mark.slow
@real
def test_a_benchmark_over_a_real_adbd(work: Path) -> None:
    done = phone.with_phone(f"{BENCHMARK} --threads 1,2 --json r.json; ls -A /data/local/tmp", work)
    assert done.returncode == 0 and done.stdout.strip().endswith("exceed.\nr.json"), (
        done.stdout + done.stderr
    )  # nothing is left
    report = json.loads((work / "r.json").read_text())
    assert report["device"]["name"] == "Stand-in Phone" and report["device"]["system"].startswith("Android 15 (API 35)")
    assert [(row["accelerator"], row["threads"]) for row in report["rows"]] == [("cpu", 1), ("cpu", 2), ("gpu", 1)]
    for row in report["rows"]:
        assert len(row["rounds"]) == 3 and row["latency"]["tail"] == "p95" and row["latency"]["runs"] >= 30
        assert row["loaded"]["nodes"] - row["loaded"]["delegated"] == 2 and row["loaded"]["note"] == ""
        skin = [state["skin"] for state in row["states"]]
        assert skin == sorted(skin) and skin[0] < skin[-1] and row["states"][0]["battery"] == 31.2


@pytest.mark.slow
@real
def test_a_gpu_that_falls_back_is_noticed(work: Path) -> None:
    done = phone.with_phone(f"{BENCHMARK} --sustained 3", work, behavior="gpu=refused")
    assert done.returncode == 0 and "runs nothing of it; these are times of the CPU" in done.stdout
    assert re.search(r"small, cpu x1: [\d.]+ ms in the first quarter, .* skin 3\d.5 to \d\d.5", done.stdout), (
        done.stdout
    )


@pytest.mark.slow
@real
def test_a_phone_that_comes_back_is_gone_on_with(work: Path) -> None:
    back = "(until [ -e /data/vanished ]; do sleep 0.2; done; sleep 1; adbd) &"
    done = phone.with_phone(f"{back} {BENCHMARK} --json r.json", work, behavior="vanish=5")
    assert done.returncode == 0 and "is away; waiting" in done.stderr, done.stdout + done.stderr
    assert all(len(row["rounds"]) == 3 for row in json.loads((work / "r.json").read_text())["rows"])


@pytest.mark.slow
@real
@pytest.mark.parametrize(("when", "kept"), [(4, False), (12, True)])
def test_a_phone_that_stays_away(when: int, kept: bool, work: Path) -> None:
    short = f"""{sys.executable} -c '
from mobile_style.devices import adb
from mobile_style.cli import app
adb.RETURN_SECONDS = 2
app()'"""
    command = f"{BENCHMARK} --runs 60 --json r.json --html r.html".replace(STYLE, short)
    done = phone.with_phone(command, work, behavior=f"vanish={when}")
    assert done.returncode == 9, done.stdout + done.stderr
    (error,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "left on phone" in done.stderr and "went away; connect it again" in error
    assert (work / "r.json").exists() == kept  # what was measured before, if it says anything
    if kept:
        assert "went away" in json.loads((work / "r.json").read_text())["interrupted"]


@real
def test_bad_binaries_and_models(work: Path) -> None:
    (work / "not_a_program").write_text("hello")
    (work / "custom.tflite").write_bytes((work / "small.tflite").read_bytes()[:-4000])
    script = "\n".join(
        [
            f"{STYLE} benchmark small.tflite --device adb --benchmark-binary not_a_program",
            f"{STYLE} benchmark small.tflite --device adb --benchmark-binary none",
            f"XDG_CACHE_HOME=/data {STYLE} benchmark small.tflite --device adb",
            f"{STYLE} benchmark small.tflite --device adb:elsewhere",
            "ls -A /data/local/tmp",
        ]
    )
    done = phone.with_phone(script, work)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4, done.stderr
    assert "cannot be run on the phone (cpu)" in errors[0] and "none is not a file" in errors[1]
    assert "there is no benchmark_model for this phone" in errors[2] and "/data/mobile-style" in errors[2]
    assert "--device adb:elsewhere is not connected; connected: 127.0.0.1" in errors[3] and done.stdout.strip() == ""


@real
def test_a_file_that_arrives_damaged_is_not_run(work: Path) -> None:
    done = phone.with_phone(f"{BENCHMARK}; ls -A /data/local/tmp", work, behavior="corrupt")
    assert "arrived damaged (sha256 0123456789ab, not" in done.stderr and done.stdout.strip() == "", done.stderr


@real
def test_validate_what_the_phone_computes(work: Path, exported: Exported) -> None:
    command = f"{STYLE} validate small.tflite --limit 1 --device adb --benchmark-binary benchmark_model --report r"
    done = phone.with_phone(f"{command}; ls -A /data/local/tmp", work)
    there = json.loads((work / "r" / "report.json").read_text())
    here = runner.invoke(app, ["validate", str(exported("int8")), "--limit", "1", "--report", str(work / "h")])
    assert here.exit_code in (0, 8) and "Stand-in Phone, Android 15" in there["runtime"], done.stdout + done.stderr
    assert json.loads((work / "h" / "report.json").read_text())["photos"] == there["photos"]


@pytest.mark.slow
@real
def test_validate_styles_that_the_phone_mixes(
    work: Path, exported_many: Exported, many_styles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each style, and each half and half with the next."""
    shutil.copy(exported_many("int8"), work / "many.tflite")
    shutil.copy(exported_many("int8").with_suffix(".json"), work / "many.json")
    shared_flags = f"many.tflite --reference {many_styles} --limit 1 --report"
    command = f"{STYLE} validate {shared_flags} r --device adb --benchmark-binary benchmark_model"
    done = phone.with_phone(f"{command}; ls -A /data/local/tmp", work)
    there = json.loads((work / "r" / "report.json").read_text())
    monkeypatch.chdir(work)
    here = runner.invoke(app, ["validate", *shared_flags.split(), "h"])
    assert here.exit_code in (0, 8), done.stdout + done.stderr
    photos = json.loads((work / "h" / "report.json").read_text())["photos"]
    assert photos == there["photos"] and len(photos) == 6
    assert {each["photo"].partition(", ")[2] for each in photos} == set(trial_mixes(MANY))
