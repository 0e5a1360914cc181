from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from known_device import Known
from mobile_style.benchmarking import budget, roofline
from mobile_style.benchmarking.exports import export_to_time, names_of
from mobile_style.benchmarking.measure import Conditions
from mobile_style.benchmarking.report import STOPPED
from mobile_style.cli import app
from mobile_style.devices.protocol import Round
from mobile_style.errors import DeviceError, UsageError
from mobile_style.exporting import runtimes
from mobile_style.progress import silent

PER_SIDE = 0.1  # milliseconds that the stand-in takes for each pixel of a side


class Timed(Known):
    """25.6 ms at 256x256."""

    def start(self, path: Path, accelerator: str, threads: int) -> "Timed":
        self.ms = PER_SIDE * int(path.stem.rpartition("x")[2]) / threads
        return self

    def round(self, runs: int) -> Round:
        return Round((self.ms,) * runs, runs)


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a device the one that is opened; exports are probes, which carry their size in their name."""

    def probe(model: str, name: str, size: tuple[int, int], folder: Path, *_: object) -> Any:
        path = folder / f"{name}-{size[1]}x{size[0]}.tflite"
        roofline.write_probe(path, "int8")
        return SimpleNamespace(path=path)

    def opened(device: Known) -> None:
        monkeypatch.setattr(budget, "open_device", lambda *_: device)
        monkeypatch.setattr(budget, "export_to_time", probe)

    return opened


@pytest.mark.parametrize(
    ("fps", "threads", "holds", "fails"),
    [
        (30, (1,), "320x320", "384x384"),
        (30, (1, 2), "640x640", "768x768"),
        (1000, (1,), None, "96x96"),
        (1, (1,), "768x768", None),
    ],
)
def test_the_largest_that_holds_and_the_next_are_both_measured(
    fps: float, threads: tuple[int, ...], holds: str | None, fails: str | None, on: Any
) -> None:
    on(Timed())
    found = budget.find_size(["starry_night"], fps, conditions=Conditions("adb", threads=threads, runs=15))
    (answer,) = found.answers
    for row, size in ((answer.holds, holds), (answer.fails, fails)):
        assert (row and row.model) == (size and f"starry_night-{size}")
    assert len(found.report.rows) <= 4 * len(threads)  # it halves
    assert answer.sentence(fps).startswith("starry_night: ")


def test_the_sizes_that_are_given_are_tried(on: Any) -> None:
    on(Timed())
    found = budget.find_size(["udnie"], 30, [(400, 300), (200, 320), (100, 100)], Conditions("adb", runs=15))
    assert [answer.holds and answer.holds.model for answer in found.answers] == ["udnie-320x200"]


def test_a_file_has_one_size() -> None:
    with pytest.raises(UsageError, match=r"that of m\.tflite is fixed"):
        budget.find_size(["m.tflite"], 30)
    result = CliRunner().invoke(app, ["find-size", "--fps", "30", "udnie", "--threads", "two"])
    assert result.exit_code == 2 and "--threads takes numbers such as 1,2,4" in result.stderr


def test_too_few_runs_are_refused_before_anything_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "open_device", lambda *_: Timed())
    monkeypatch.setattr(budget, "export_to_time", lambda *_: pytest.fail("it was exported"))
    with pytest.raises(UsageError, match="`runs` must be at least 15, not 3"):
        budget.find_size(["starry_night"], 30, conditions=Conditions(runs=3))


def test_the_exports_of_untrained_presets_run(tmp_path: Path) -> None:
    """Without offsets other operators come one after the other than in a trained network."""
    model = str(budget.untrained("nano", tmp_path))
    path = export_to_time(model, "nano", (48, 64), tmp_path, silent).path
    assert path.name == "nano-64x48.tflite"
    assert runtimes.load(path)(np.zeros((48, 64, 3), np.uint8)).shape == (48, 64, 3)


def test_models_that_are_called_alike_keep_their_own_exports(tmp_path: Path) -> None:
    names = []
    for place in ("a/wave/model.safetensors", "b/wave/model.safetensors", "wave.safetensors"):
        names.append(str(tmp_path / place))
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    folder = str(tmp_path / "a" / "wave")
    assert list(names_of([*names, folder, names[0]]).values()) == ["wave", "wave-2", "wave-3", "wave"]


@pytest.mark.parametrize(("end", "told"), [(DeviceError("gone"), "gone"), (KeyboardInterrupt(), STOPPED)])
def test_what_was_found_before_a_phone_left_or_ctrl_c_is_kept(end: BaseException, told: str, on: Any) -> None:
    class Leaving(Timed):
        rounds = 0

        def round(self, runs: int) -> Round:
            self.rounds += 1
            if self.rounds > 13:  # four sizes take three rounds each
                raise end
            return super().round(runs)

    on(Leaving())
    found = budget.find_size(["starry_night", "udnie"], 30, conditions=Conditions("adb", runs=15))
    assert found.report.interrupted == told and len(found.report.rows) >= 3
    assert [answer.name for answer in found.answers] == ["starry_night"]
