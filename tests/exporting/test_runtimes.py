from pathlib import Path

import numpy as np
import pytest

from conftest import Exported
from mobile_style.errors import CheckpointError, ImageError, MobileStyleError, UsageError
from mobile_style.exporting import runtimes


def test_int8_is_bit_identical_in_every_tflite_runtime(exported: Exported, astronaut: np.ndarray) -> None:
    picture = astronaut[:64, :64]
    litert, tensorflow = (runtimes.load(exported("int8"), name)(picture) for name in ("litert", "tensorflow"))
    assert litert.std() > 5
    np.testing.assert_array_equal(litert, tensorflow)


def test_other_sizes_are_refused(exported: Exported) -> None:
    with pytest.raises(ImageError, match=r"takes pictures of \(\(64, 64\),\)"):
        runtimes.load(exported("int8"))(np.zeros((64, 32, 3), np.uint8))


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
