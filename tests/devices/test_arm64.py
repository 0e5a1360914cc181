import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import MANY, Exported
from mobile_style.benchmarking.emulation import emulate
from mobile_style.cli import app
from mobile_style.devices import arm64
from mobile_style.devices.arm64 import Emulator, installation
from mobile_style.devices.host import Host
from mobile_style.errors import CheckpointError, DeviceError, MobileStyleError
from mobile_style.exporting.android_bundle import bundle_android
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.write import write
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network.catalog import DEFAULT
from mobile_style.network.styles import shares_of

pytestmark = pytest.mark.slow

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
    report = emulate([exported("int8"), small], Emulator())
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
def test_arm_kernels_mix_styles_to_the_same_bytes(exported_many: Exported, astronaut: np.ndarray) -> None:
    path, picture = exported_many("int8"), images.center_square(astronaut, 64)
    (row,) = emulate([path], Emulator()).rows
    assert row.emulated.identical and row.emulated.wanted == "identical"
    with closing(Emulator().runner(path)) as there, closing(Host().runner(path)) as here:
        pictures = []
        for mix in (*MANY, "night=0.5,noon=0.5", "night=0.2,noon=0.3,dusk=0.5"):
            pictures.append(there(picture, shares_of(mix, MANY)))
            np.testing.assert_array_equal(pictures[-1], here(picture, shares_of(mix, MANY)), mix)
    assert psnr(*pictures[:2]) < 25


@emulated
def test_another_output_is_noticed(exported: Exported, rng: np.random.Generator) -> None:
    """Of the same emulator for other pictures."""
    with closing(Emulator().start(exported("int8"), "cpu", 1)) as session:
        first, second = (session.worker.compute(each) for each in rng.integers(0, 256, (2, 1, 64, 64, 3), np.uint8))
    assert first.dtype == np.uint8 and not np.array_equal(first, second)
    assert psnr(first, second) < 40


@emulated
def test_validate_on_the_emulated_processor(exported: Exported) -> None:
    arguments = ["validate", str(exported("int8")), "--limit", "1", "--device", "arm64-emulated"]
    result = runner.invoke(app, arguments)
    assert "on an emulated cortex-a76" in result.stdout and result.exit_code in (0, 8), result.output


@emulated
@pytest.mark.parametrize("flags", [["--sustained", "5"], ["--threads", "2"], ["--runs", "50"]])
def test_what_times_nothing_takes_no_numbers_of_runs(flags: list[str], exported: Exported) -> None:
    result = runner.invoke(app, ["benchmark", str(exported("int8")), "--device", "arm64-emulated", *flags])
    assert result.exit_code == 2 and "--device arm64-emulated reports no timings" in result.stderr


@emulated
def test_no_size_is_found_without_timings() -> None:
    result = runner.invoke(app, ["find-size", "udnie", "--fps", "30", "--device", "arm64-emulated"])
    assert result.exit_code == 2 and "--device arm64-emulated reports no timings, so no size" in result.stderr


@emulated
def test_what_the_app_carries_paints_its_golden_picture(tmp_path: Path) -> None:
    """As the APK holds it, and to the last digit of the PSNR that the app's self-test expects."""
    manifest = tmp_path / "app/src/main/AndroidManifest.xml"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    folders = bundle_android([DEFAULT, "water_lilies"], tmp_path)  # each takes twenty seconds to emulate
    (photo,) = (manifest.parent / "assets/golden").iterdir()
    for folder in folders:
        golden = json.loads((folder / "golden.json").read_text())
        with closing(Emulator().runner(folder / "model.tflite")) as runner:
            assert psnr(images.load(folder / "reference.png"), runner(images.load(photo))) == golden["psnr"]


@emulated
def test_a_damaged_file_leaves_nothing_behind(tmp_path: Path) -> None:
    """Of the emulated process and its folder, which a warning would tell of."""
    (tmp_path / "cut.tflite").write_bytes(b"TFL3")
    with pytest.raises(CheckpointError, match="is damaged or no TensorFlow Lite model"):
        Emulator().start(tmp_path / "cut.tflite", "cpu", 1)


def test_without_a_set_up_it_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm64, "FOLDER", tmp_path)
    with pytest.raises(DeviceError, match=r"is not set up; run: python -m mobile_style.devices.arm64_setup"):
        installation()
    (tmp_path / "installed.json").write_text('{"setup": "of before", "python": "python3", "counts": true}')
    result = runner.invoke(app, ["benchmark", "a.tflite", "--device", "arm64-emulated"])
    assert result.exit_code == 9 and "run again: python -m mobile_style.devices.arm64_setup" in result.stderr
