from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mobile_style.benchmarking import budget, roofline
from mobile_style.devices.host import Host
from mobile_style.devices.protocol import Loaded, Round
from mobile_style.errors import DeviceError
from mobile_style.exporting import runtimes

PER_SIDE = 0.1  # milliseconds that the stand-in takes for each pixel of a side


class Timed:
    """A device whose times are known: 25.6 ms at 256x256."""

    facts = replace(Host().facts, kind="adb")
    round_runs, loads_each_round, accelerators = 5, False, ("cpu",)
    loaded = Loaded((1.0,), (1.0,), None, None, None, None, "")

    def start(self, path: Path, accelerator: str, threads: int) -> "Timed":
        self.ms = PER_SIDE * int(path.stem.rpartition("x")[2]) / threads
        return self

    def round(self, runs: int) -> Round:
        return Round((self.ms,) * runs, runs)

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        return {}

    def state(self) -> dict[str, float]:
        return {}

    def close(self) -> None:
        pass


def exported(model: str, name: str, size: tuple[int, int], folder: Path) -> Path:
    path = folder / f"{name}-{size[1]}x{size[0]}.tflite"
    roofline.write_probe(path, "int8")
    return path


@pytest.mark.parametrize(
    ("fps", "threads", "holds", "fails"),
    [
        (30, [1], "320x320", "384x384"),
        (30, [1, 2], "640x640", "768x768"),
        (1000, [1], None, "96x96"),
        (1, [1], "768x768", None),
    ],
)
def test_the_largest_that_holds_and_the_next_are_both_measured(
    fps: float, threads: list[int], holds: str | None, fails: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "_exported", exported)
    found = budget.find_budget(["starry_night"], Timed(), fps, threads=threads, runs=15)
    (answer,) = found.answers
    for row, size in ((answer.holds, holds), (answer.fails, fails)):
        assert (row and row.model) == (size and f"starry_night-{size}")
    assert len(found.report.rows) <= 4 * len(threads)  # it halves
    assert answer.sentence(fps).startswith("starry_night: ")


def test_the_exports_of_untrained_presets_run(tmp_path: Path) -> None:
    """Without offsets other operators come one after the other than in a trained network."""
    path = budget._exported(str(budget.untrained("nano", tmp_path)), "nano", (48, 64), tmp_path)
    output = runtimes.load(path)(np.zeros((48, 64, 3), np.uint8))
    assert output.shape == (48, 64, 3)


def test_models_that_are_called_alike_keep_their_own_exports(tmp_path: Path) -> None:
    names = []
    for place in ("a/wave/model.safetensors", "b/wave/model.safetensors", "wave.safetensors"):
        names.append(str(tmp_path / place))
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    folder = str(tmp_path / "a" / "wave")
    assert list(budget._names([*names, folder, names[0]]).values()) == ["wave", "wave-2", "wave-3", "wave"]


def test_what_was_found_before_a_phone_left_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Leaving(Timed):
        rounds = 0

        def round(self, runs: int) -> Round:
            self.rounds += 1
            if self.rounds > 13:  # four sizes take three rounds each
                raise DeviceError("gone")
            return super().round(runs)

    monkeypatch.setattr(budget, "_exported", exported)
    found = budget.find_budget(["starry_night", "udnie"], Leaving(), 30, runs=15)
    assert found.report.interrupted == "gone" and len(found.report.rows) >= 3
    assert [answer.name for answer in found.answers] == ["starry_night"]
