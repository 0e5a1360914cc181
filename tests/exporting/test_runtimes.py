import json
import os
import sys
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import Exported
from mobile_style.cli import app
from mobile_style.errors import CheckpointError, ImageError, MobileStyleError, UsageError
from mobile_style.exporting import runtimes
from mobile_style.exporting.card import digest, write_card
from mobile_style.inference.tflite_reader import schema


def test_int8_is_bit_identical_in_every_tflite_runtime(exported: Exported, astronaut: np.ndarray) -> None:
    picture = astronaut[:64, :64]
    litert, tensorflow = (runtimes.load(exported("int8"), name)(picture) for name in ("litert", "tensorflow"))
    assert litert.std() > 5
    np.testing.assert_array_equal(litert, tensorflow)


def test_other_sizes_are_refused(exported: Exported) -> None:
    with pytest.raises(ImageError, match=r"takes pictures of \(\(64, 64\),\)"):
        runtimes.load(exported("int8"))(np.zeros((64, 32, 3), np.uint8))


@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
def test_a_name_that_is_no_utf_8(exported: Exported, astronaut: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.tflite")
    path.write_bytes(exported("int8").read_bytes())
    np.testing.assert_array_equal(
        runtimes.load(path)(astronaut[:64, :64]), runtimes.load(exported("int8"))(astronaut[:64, :64])
    )


@pytest.mark.parametrize("content", [b"", b"no model at all", None])
def test_damaged_files(content: bytes | None, exported: Exported, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(exported("int8").read_bytes()[:20_000] if content is None else content)
    with pytest.raises(CheckpointError, match="damaged or no TensorFlow Lite model"):
        runtimes.load(path)


def test_unknown_and_missing(exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="choose from litert, tflite-runtime, tensorflow"):
        runtimes.load(exported("int8"), "onnx")
    with pytest.raises(CheckpointError, match="no exported model"):
        runtimes.load(tmp_path / "none.tflite")
    monkeypatch.setitem(runtimes.RUNTIMES, "tflite-runtime", ("no_such_module", "mobile-style[tflite-runtime]"))
    with pytest.raises(UsageError, match=r"pip install 'mobile-style\[tflite-runtime\]'"):
        runtimes.load(exported("int8"), "tflite-runtime")


def test_numbers_that_are_not_finite_fail() -> None:
    runner = runtimes.Runner(((8, 8),), "none", lambda picture: np.full(picture.shape, np.nan))
    with pytest.raises(MobileStyleError, match="not finite"):
        runner(np.zeros((8, 8, 3), np.uint8))


@pytest.fixture
def without_operators(exported: Exported, tmp_path: Path) -> Path:
    """A model that loads, and of which nothing computes the output; with its card."""
    path = tmp_path / "model.tflite"
    model = schema.ModelT.InitFromPackedBuf(exported("int8").read_bytes(), 0)
    model.subgraphs[0].operators = []
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    card = json.loads(exported("int8").with_suffix(".json").read_text())
    write_card(path, card | {"file": {"name": path.name, "bytes": path.stat().st_size, "sha256": digest(path)}})
    return path


@pytest.mark.parametrize("command", ["validate", "benchmark", "lint"])
def test_a_model_that_loads_and_cannot_run_is_one_line(command: str, without_operators: Path) -> None:
    result = CliRunner().invoke(app, [command, str(without_operators)])
    assert result.exit_code == 5 and "error: " in result.stderr, result.output
    assert "computes its output" in result.stderr and "┃" not in result.stdout


def test_a_model_that_loads_and_cannot_run_is_refused(
    without_operators: Path, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CheckpointError, match="no operator computes its output"):
        runtimes.load(without_operators)
    runner = runtimes.load(exported("int8"))

    def fail(_: object) -> None:
        raise RuntimeError("gather index out of bounds\nNode number 3 failed to invoke.")

    monkeypatch.setattr("ai_edge_litert.interpreter.Interpreter.invoke", fail)
    with pytest.raises(CheckpointError, match=r"cannot be run \(gather index out of bounds\)"):
        runner(np.zeros((64, 64, 3), np.uint8))
