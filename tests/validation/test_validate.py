import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import Exported, run
from mobile_style.cli import app
from mobile_style.errors import CheckpointError, MobileStyleError
from mobile_style.exporting.card import digest, read_export_card, write_card
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.write import write
from mobile_style.inference.tflite_reader import schema
from mobile_style.network.catalog import DEFAULT, bundled_photos, model_path
from mobile_style.painting import stylize
from mobile_style.progress import Note, Step
from mobile_style.validation import report
from mobile_style.validation.gate import failures
from mobile_style.validation.validate import validate

SIZE = (128, 128)


@pytest.fixture
def files(exported: Exported) -> dict[str, Path]:
    """The bundled model by the two recipes that the spoiled copies are made of."""
    return {name: exported(name, 128) for name in ("int8", "float32")}


@pytest.fixture
def spoil(files: dict[str, Path], tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy with its graph changed, under a card that owns up to nothing."""

    def spoiled(recipe: str, change: Callable[[Any], None]) -> Path:
        path = tmp_path / "m.tflite"
        model = schema.ModelT.InitFromPackedBuf(files[recipe].read_bytes(), 0)
        change(model)
        builder = flatbuffers.Builder(0)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))
        card = json.loads(files[recipe].with_suffix(".json").read_text())
        write_card(path, card | {"file": card["file"] | {"sha256": digest(path)}})
        return path

    return spoiled


@pytest.mark.slow
def test_a_photo_that_cannot_be_read_is_skipped(files: dict[str, Path], photos: Path) -> None:
    (photos / "0.jpg").write_text("no photo")
    said: list[Note | Step] = []
    validation = validate(files["float32"], images=photos, limit=2, progress=said.append)
    assert sorted(row.photo for row in validation.rows) == ["1.png", "10.png"]
    assert ["0.jpg is not an image" in str(note) for note in said if isinstance(note, Note)] == [True]


def constant(model: Any, layer: str, kind: int) -> tuple[Any, Any]:
    """The tensor, and its buffer, of a layer's kernel (kind 1) or bias (kind 2)."""
    graph = model.subgraphs[0]
    (operator,) = (
        o
        for o in graph.operators
        if graph.tensors[o.outputs[0]].name.decode().split("/")[0] == layer and len(o.inputs) == 3
    )
    tensor = graph.tensors[operator.inputs[kind]]
    return tensor, model.buffers[tensor.buffer]


def shuffle_weights(model: Any) -> None:
    _, buffer = constant(model, "block3a_linear", 1)
    buffer.data = np.random.default_rng(0).permutation(buffer.data)


def change_one_bias(model: Any) -> None:
    """By as much as makes one of 64 channels always bright."""
    tensor, buffer = constant(model, "block2a_linear", 2)
    values = np.frombuffer(bytes(buffer.data), np.int32).copy()
    values[5] += int(8 / tensor.quantization.scale[5])
    buffer.data = values.view(np.uint8)


def swap_channels(model: Any) -> None:
    tensor, buffer = constant(model, "stem", 1)
    buffer.data = buffer.data.reshape(tensor.shape)[..., ::-1].copy().reshape(-1)


def widen_a_range(model: Any) -> None:
    """Of a kernel whose output nothing normalizes."""
    tensor, _ = constant(model, "up2", 1)
    tensor.quantization.scale = tensor.quantization.scale * np.float32(1.5)


def poison(model: Any) -> None:
    _, buffer = constant(model, "stem", 1)
    values = np.frombuffer(bytes(buffer.data), np.float32).copy()
    values[0] = np.nan
    buffer.data = values.view(np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        change_one_bias,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (shuffle_weights, swap_channels, widen_a_range)),
    ],
)
def test_a_spoiled_int8_model_fails(change: Callable[[Any], None], spoil: Callable[..., Path]) -> None:
    validation = validate(spoil("int8", change), limit=2)
    assert {"PSNR"} <= {failure.metric for failure in validation.failures}, validation.mean


@pytest.mark.slow
def test_an_unspoiled_copy_passes(spoil: Callable[..., Path]) -> None:
    """So that it is the change that fails above, not the copying."""
    assert not validate(spoil("float32", lambda model: None), limit=2).failures


def test_numbers_that_are_not_finite_fail(spoil: Callable[..., Path]) -> None:
    with pytest.raises(MobileStyleError, match="not finite"):
        validate(spoil("float32", poison), limit=1)


@pytest.mark.slow
def test_another_network_fails(files: dict[str, Path], trained_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "m.tflite"
    write(str(trained_run), find_recipe("tflite", "float32"), [SIZE], out=other)
    validation = validate(other, reference=DEFAULT, limit=2)
    assert validation.failures and validation.mean.psnr < 20


@pytest.mark.parametrize("length", [0, 1000, -1000])
def test_a_cut_file_fails(length: int, files: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(files["int8"], tmp_path))
    shutil.copy(files["int8"].with_suffix(".json"), tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CheckpointError, match=r"is not the file that .* describes"):
        validate(path)
    card = json.loads(path.with_suffix(".json").read_text())
    write_card(path, card | {"file": card["file"] | {"sha256": digest(path)}})
    with pytest.raises(CheckpointError, match="damaged or no TensorFlow Lite model"):
        validate(path)


@pytest.mark.slow
def test_the_reference_is_painted_whole(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the export does; stylize cuts large photos into tiles, which share magnitudes that are estimated."""
    for limit in ("WHOLE", "TILE"):
        monkeypatch.setattr(stylize, limit, 64)
    assert validate(files["float32"], limit=1).mean.psnr > 58


@pytest.mark.slow
def test_the_card_and_the_reference_must_fit(files: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(files["int8"], tmp_path))
    with pytest.raises(CheckpointError, match="no card"):
        (tmp_path / "x.tflite").write_bytes(b"TFL3")
        read_export_card(tmp_path / "x.tflite")
    card = json.loads(files["int8"].with_suffix(".json").read_text())
    write_card(path, card | {"source": card["source"] | {"sha256": "0" * 64}})
    with pytest.raises(CheckpointError, match=r"is not what .*model\.tflite was exported from"):
        validate(path)
    write_card(path, card | {"source": card["source"] | {"checkpoint": "gone"}})
    with pytest.raises(CheckpointError, match="name it with `reference`"):
        validate(path)
    beside = Path(shutil.copy(model_path(DEFAULT), tmp_path))  # both were moved here together
    assert validate(path, limit=1).reference == str(beside)
    write_card(path, card | {"more": 1})
    with pytest.raises(CheckpointError, match=r"unknown key `more`.*export it again"):
        validate(path)


@pytest.mark.slow
def test_the_card_inside_stands_in_for_a_missing_one(files: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(files["int8"], tmp_path))
    assert read_export_card(path)["recipe"] == "int8"
    assert validate(path, limit=1).mean.psnr > 30


def test_every_limit_of_the_gate_can_fail(files: dict[str, Path]) -> None:
    passed = validate(files["float32"], limit=1)
    assert not passed.failures and passed.fixed.photos == 1
    row, fixed = passed.rows[0], replace(passed.fixed, photos=4)
    wrong = {
        "PSNR": {"psnr": 20.0},
        "SSIM": {"ssim": 0.5},
        "range of colors": {"constant": True},
        "relative growth of the content loss": {"content": row.content_reference * 1.2},
        "relative growth of the style loss": {"style": row.style_reference * 1.2},
        "growth of the border score": {"border": row.border_reference + 1},
        "growth of the checkerboard score": {"checkerboard": row.checkerboard_reference + 1},
        "worst block": {"block": 4.1},
        "worst row or column": {"line": 1.1},
    }
    for metric, values in wrong.items():
        bad = replace(row, **values)
        assert metric in {failure.metric for failure in failures(passed.gate, (bad,), bad, fixed)}
        bad = replace(row, **dict.fromkeys(values, float("nan")))
        if metric != "range of colors":
            assert metric in {failure.metric for failure in failures(passed.gate, (bad,), bad, fixed)}
    nan = float("nan")
    spots = [(2.1, 0, 0), (0, 1.1, 0), (0, 0, 0.6), (nan, 0, 0), (0, nan, 0), (0, 0, nan)]
    off: dict[str, list] = {
        "spots": spots,
        "textures": [(0.6, 0, 0), (0, 0.3, 0), (0, 0, 0.2), (nan, 0, 0), (0, nan, 0), (0, 0, nan)],
        "foreign": [0.6, nan],
        "detail": [0.04, nan],
        "line": [0.6, nan],
        "tint": [0.4, nan],
        "tone": [0.4, nan],
        "color": [0.4, nan],
        "mixed_tint": [0.4, nan],
        "mixed_tone": [0.4, nan],
        "mixed_color": [0.4, nan],
    }
    for metric, bad_values in off.items():
        for value in bad_values:
            bad_places = replace(fixed, **{metric: value})
            assert len(list(failures(passed.gate, (row,), row, bad_places))) == 1
            assert not list(failures(passed.gate, (row,), row, replace(bad_places, photos=3)))


@pytest.mark.slow
def test_report_shows_the_worst_first_and_escapes_names(files: dict[str, Path], tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, path in enumerate(sorted(bundled_photos("held_out").glob("*.jpg"))[:2]):
        shutil.copy(path, photos / f"<b>{number}.jpg")
    validation = validate(files["int8"], images=photos)
    assert validation.rows[0].psnr <= validation.rows[1].psnr
    report.write(validation, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<b>" not in page and "&lt;b&gt;0.jpg" in page and page.count("data:image/png;base64") == 8
    assert f"tflite int8: {'failed' if validation.failures else 'passed'}</title>" in page
    assert "http" not in page and page.count('<td data-column="SSIM">') == 3
    figures = json.loads((tmp_path / "report" / "report.json").read_text())
    assert [photo["photo"] for photo in figures["photos"]] == [row.photo for row in validation.rows]
    assert figures["gate"]["psnr_mean"] == 38 and figures["passed"] == (not validation.failures)


@pytest.mark.slow
def test_command_exits_with_the_worst_photo_named(spoil: Callable[..., Path], tmp_path: Path) -> None:
    path = spoil("int8", shuffle_weights)
    done = run("validate", path, "--limit", 1, "--report", "report", cwd=tmp_path)
    assert done.returncode == 8 and "PSNR of" in done.stderr and ".jpg is" in done.stderr
    assert (tmp_path / "report" / "report.html").is_file()
    again = CliRunner().invoke(app, ["validate", str(path), "--limit", "1", "--report", str(tmp_path / "report")])
    assert again.exit_code == 6 and "exists and is left as it is" in again.stderr
