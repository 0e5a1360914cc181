import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import Exported
from mobile_style import images
from mobile_style.cli import app
from mobile_style.devices import arm64
from mobile_style.devices.arm64 import Emulator, emulate, installation
from mobile_style.devices.opening import open_runner
from mobile_style.errors import DeviceError, MobileStyleError
from mobile_style.exporting.android import bundle_android
from mobile_style.exporting.recipes import find_recipe
from mobile_style.metrics import psnr
from mobile_style.network.catalog import DEFAULT

runner = CliRunner()


def reason() -> str:
    try:
        installation()
    except MobileStyleError as error:
        return str(error)
    return ""


emulated = pytest.mark.skipif(bool(reason()), reason=reason() or "it is set up")


@emulated
def test_arm_kernels_compute_the_same_pictures(exported: Exported, tmp_path: Path) -> None:
    small = tmp_path / "float32.tflite"  # floats take three times as many instructions
    write(DEFAULT, find_recipe("tflite", "float32"), [(24, 24)], out=small)
    report = emulate([exported("int8"), small])
    int8, float32 = (row.emulated for row in report.rows)
    assert int8.identical and int8.wanted == "identical" and int8.db is None
    assert float32.wanted == "100 dB" and (float32.identical or float32.db > 100)
    assert int8.kept() and float32.kept()
    assert all(row.latency is None and row.rounds == () for row in report.rows)
    assert report.rows[0].loaded.delegated > 200
    if int8.instructions is not None:
        for each in (int8, float32):
            low, high = each.instructions
            assert 0 <= high / low - 1 < 1e-4
        macs = sum(report.rows[1].macs.values())
        assert 0.05 < float32.instructions[0] / macs < 5  # four multiplications an instruction, and what goes with them
        work = [sum(row.macs.values()) / row.emulated.instructions[0] for row in report.rows]
        assert work[0] > work[1]  # integers do more at a time


@emulated
def test_another_output_is_noticed(exported: Exported, rng: np.random.Generator) -> None:
    """Of the same emulator for other pictures."""
    emulator = Emulator(exported("int8"))
    try:
        pictures = rng.integers(0, 256, (2, 1, 64, 64, 3), np.uint8)
        first, second = emulator.worker.compute(pictures[0]), emulator.worker.compute(pictures[1])
        assert first.dtype == np.uint8 and not np.array_equal(first, second)
        assert arm64._decibels(first, second) < 40 and arm64._decibels(first, first) is None
    finally:
        emulator.close()


@emulated
def test_validate_on_the_emulated_processor(exported: Exported) -> None:
    arguments = ["validate", str(exported("int8")), "--limit", "1", "--device", "arm64-emulated"]
    result = runner.invoke(app, arguments)
    assert "on an emulated cortex-a76" in result.stdout and result.exit_code in (0, 8), result.output


@emulated
def test_what_the_app_carries_paints_its_golden_picture(tmp_path: Path) -> None:
    """As the APK holds it, and to the last digit of the PSNR that the app's self-test expects."""
    manifest = tmp_path / "app/src/main/AndroidManifest.xml"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    folders = bundle_android([], tmp_path)
    assert len(folders) == 6
    (photo,) = (manifest.parent / "assets/golden").iterdir()
    for folder in folders:
        golden = json.loads((folder / "golden.json").read_text())
        with open_runner(folder / "model.tflite", "arm64-emulated") as runner:
            assert psnr(images.load(folder / "reference.png"), runner(images.load(photo))) == golden["psnr"]


def test_without_a_set_up_it_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm64, "FOLDER", tmp_path)
    with pytest.raises(DeviceError, match=r"is not set up; run: python -m mobile_style.devices.arm64_setup"):
        installation()
    (tmp_path / "installed.json").write_text('{"setup": "of before", "python": "python3", "counts": true}')
    result = runner.invoke(app, ["benchmark", "a.tflite", "--device", "arm64-emulated"])
    assert result.exit_code == 9 and "run again: python -m mobile_style.devices.arm64_setup" in result.stderr
