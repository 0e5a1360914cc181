from pathlib import Path

import numpy as np
import pytest

from conftest import run
from mobile_style.errors import ImageError, UsageError
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.write import write
from mobile_style.inference.interpreter import Loaded
from mobile_style.media.images import load
from mobile_style.metrics import psnr
from mobile_style.painting import precision, stylize
from mobile_style.painting.files import stylize_files
from mobile_style.painting.grain import grained
from mobile_style.painting.precision import PSNR_MEAN, PSNR_WORST, fastest
from mobile_style.painting.stylize import Painter
from mobile_style.progress import Note
from video_files import write_video


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter("udnie", precision="int8")


def test_the_gate_is_that_of_exports() -> None:
    gate = find_recipe("tflite", "int8").gate
    assert (gate.psnr_mean, gate.psnr_worst) == (PSNR_MEAN, PSNR_WORST)


@pytest.mark.slow
def test_int8_is_what_the_export_paints(painter: Painter, astronaut: np.ndarray, tmp_path: Path) -> None:
    photo = astronaut[:256, 100:356]
    write("udnie", find_recipe("tflite", "int8"), [(256, 256)], out=tmp_path / "a.tflite")
    (expected,) = Loaded((tmp_path / "a.tflite").read_bytes())(grained(photo)[None])
    np.testing.assert_array_equal(painter(photo), expected[0])


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width", "least"), [(3, 5, 25), (70, 131, 30), (300, 384, 35)])
def test_int8_paints_any_size_like_float(
    painter: Painter, height: int, width: int, least: float, astronaut: np.ndarray
) -> None:
    photo = astronaut[:height, :width]
    painted, exact = painter(photo), Painter("udnie")(photo)
    assert painted.shape == photo.shape and psnr(exact, painted) > least and (painted != exact).any()


def test_bounds(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylize, "LARGEST_INT8", 99)
    with pytest.raises(ImageError, match="`precision=float`"):
        painter(np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(UsageError, match="`precision` is float or int8, not int4"):
        Painter("udnie", precision="int4")


@pytest.mark.slow
@pytest.mark.parametrize(("faster", "same", "chosen"), [(2, True, "int8"), (2, False, "float"), (1, True, "float")])
def test_a_video_is_painted_in_int8_where_that_is_faster_and_passes(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faster: float, same: bool, chosen: str
) -> None:
    write_video(tmp_path / "a.mp4", sound=False)
    monkeypatch.setattr(precision, "FEWEST", 8)
    monkeypatch.setattr(precision, "APART", 2)
    paint = precision._painted

    def timed(painter: Painter, frames: list[np.ndarray]) -> tuple[list[np.ndarray], float]:
        return paint(painter, frames)[0], 1.0 if painter.precision == "int8" else faster

    monkeypatch.setattr(precision, "_painted", timed)
    monkeypatch.setattr(precision, "PSNR_MEAN", 10.0 if same else 101.0)
    monkeypatch.setattr(precision, "PSNR_WORST", 10.0)
    said: list[str] = []

    def note(event: object) -> None:
        said.extend([event.text] if isinstance(event, Note) else [])

    (by_itself,) = stylize_files([tmp_path / "a.mp4"], str(trained_run), tmp_path / "1.mp4", progress=note)
    (asked,) = stylize_files([tmp_path / "a.mp4"], str(trained_run), tmp_path / "2.mp4", precision=chosen)
    assert by_itself.read_bytes() == asked.read_bytes()
    assert bool(said) == (faster > 1) and all(f"painted in {chosen}" in text for text in said)


def test_short_videos_are_painted_in_float(trained_run: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", sound=False)
    painter = Painter(str(trained_run))
    assert fastest(painter, tmp_path / "a.mp4", None) == (painter, None)


@pytest.mark.slow
def test_the_command_takes_the_precision(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    for name in ("float", "int8"):
        out = tmp_path / f"{name}.png"
        run("stylize", photos / "1.png", "--model", trained_run, "--precision", name, "--out", out, cwd=tmp_path)
        expected = Painter(str(trained_run), precision=name)(load(photos / "1.png"))
        np.testing.assert_array_equal(load(out), expected)
