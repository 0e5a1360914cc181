import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from conftest import Exported
from mobile_style import tflite
from mobile_style.export_card import METADATA
from mobile_style.lint import lint
from mobile_style.models import BUNDLED
from mobile_style.recipes import RECIPES


def opened(path: Path) -> Interpreter:
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def test_int8_holds_no_float_and_takes_and_gives_bytes(exported: Exported) -> None:
    interpreter = opened(exported("int8"))
    kinds = {np.dtype(tensor["dtype"]).kind for tensor in interpreter.get_tensor_details()}
    assert kinds == {"i", "u"}
    for details in (*interpreter.get_input_details(), *interpreter.get_output_details()):
        assert details["dtype"] == np.uint8 and details["quantization"] == (1.0, 0)
        assert tuple(details["shape"]) == (1, 64, 64, 3)


@pytest.mark.parametrize("recipe", ["float32", "float16", "int8"])
def test_one_delegate_takes_the_whole_graph(recipe: str, exported: Exported) -> None:
    """What XNNPACK leaves out runs many times as slowly."""
    names = [operator["op_name"] for operator in opened(exported(recipe))._get_ops_details()]
    assert names.count("DELEGATE") == 1


@pytest.mark.parametrize("recipe", ["float32", "float16", "int8"])
def test_the_lint_finds_nothing(recipe: str, exported: Exported) -> None:
    assert lint(exported(recipe)) == []


def test_sizes_fall_by_recipe(exported: Exported) -> None:
    sizes = {r.name: exported(r.name).stat().st_size for r in RECIPES if r.target == "tflite"}
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]


def test_the_file_holds_its_card(exported: Exported) -> None:
    path = exported("int8")
    model = tflite.schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (entry,) = (entry for entry in model.metadata if entry.name == METADATA.encode())
    inside = json.loads(bytes(model.buffers[entry.buffer].data))
    beside = json.loads(path.with_suffix(".json").read_text())
    assert inside["file"] is None and inside["fidelity"] is None
    for key in ("name", "target", "recipe", "input", "output", "tools", "calibration", "date"):
        assert inside[key] == beside[key]
    assert inside["source"]["sha256"] == beside["source"]["sha256"]


def test_constants_are_aligned(exported: Exported) -> None:
    """Runtimes map the file into memory and read weights where they lie."""
    content = exported("float32").read_bytes()
    model = tflite.schema.ModelT.InitFromPackedBuf(content, 0)
    large = [bytes(b.data) for b in model.buffers if b.data is not None and len(b.data) > 1000]
    assert large and all(content.index(data) % 16 == 0 for data in large)


@pytest.mark.parametrize("model", ["exported", *(path.parent.name for path in BUNDLED.glob("*/int8.tflite"))])
def test_no_product_of_bytes_lies_between_two_levels(model: str, exported: Exported) -> None:
    """Where XNNPACK's kernels for x86 and for ARM would round it to different ones."""
    path = exported("int8") if model == "exported" else BUNDLED / model / "int8.tflite"
    interpreter = Interpreter(str(path))
    tensors = {each["index"]: each for each in interpreter.get_tensor_details()}
    multiplications = [each for each in interpreter._get_ops_details() if each["op_name"] == "MUL"]
    assert len(multiplications) == 26
    for operator in multiplications:
        names = [*operator["inputs"], *operator["outputs"]]
        (one, zero_of_one), (other, zero_of_other), (made, _) = (tensors[each]["quantization"] for each in names)
        scale = np.float32(np.float32(one) * np.float32(other) / np.float32(made))
        products = np.unique(np.outer(np.arange(-128, 128) - zero_of_one, np.arange(-128, 128) - zero_of_other))
        upwards = np.floor(products * np.float64(scale) + 0.5)  # exact: 17 bits times 24
        np.testing.assert_array_equal(np.rint(products.astype(np.float32) * scale), upwards)


def test_ties_are_what_the_two_roundings_differ_in() -> None:
    halves = np.arange(-9, 10)
    assert tflite.ties(halves, np.float32(0.5)) and not tflite.ties(2 * halves, np.float32(0.5))
    assert tflite.ties(np.array([50]), np.float32(0.37))  # 18.5000002, which is 18.5 in 24 bits
    assert not tflite.ties(np.array([49]), np.float32(0.37))
