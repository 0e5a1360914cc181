import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import converter
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from conftest import Exported
from mobile_style.exporting import tflite
from mobile_style.exporting.card import METADATA
from mobile_style.exporting.lint import lint
from mobile_style.exporting.recipes import RECIPES, Recipe, find_recipe
from mobile_style.inference.fold import fold, typical_magnitudes
from mobile_style.inference.int8_calibration import calibrate
from mobile_style.inference.interpreter import Loaded
from mobile_style.inference.levels import Levels
from mobile_style.inference.tflite_reader import read_tflite
from mobile_style.media import images
from mobile_style.network.catalog import BUNDLED, bundled_photos, model_path
from mobile_style.network.checkpoint import Checkpoint


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
    assert lint(exported(recipe)).findings == ()


def test_sizes_fall_by_recipe(exported: Exported) -> None:
    sizes = {r.name: exported(r.name).stat().st_size for r in RECIPES if r.target == "tflite"}
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]


def test_the_file_holds_its_card(exported: Exported) -> None:
    path = exported("int8")
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
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
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    large = [bytes(b.data) for b in model.buffers if b.data is not None and len(b.data) > 1000]
    assert large and all(content.index(data) % 16 == 0 for data in large)


@pytest.mark.parametrize("model", ["exported", *(path.parent.name for path in BUNDLED.glob("*/int8.tflite"))])
def test_no_product_or_mean_of_bytes_lies_between_two_levels(model: str, exported: Exported) -> None:
    """Where XNNPACK's kernels for x86 and for ARM would round it to different ones."""
    interpreter = Interpreter(str(exported("int8") if model == "exported" else BUNDLED / model / "int8.tflite"))
    tensors = {each["index"]: each for each in interpreter.get_tensor_details()}
    seen = 0
    for operator in interpreter._get_ops_details():
        if operator["op_name"] not in ("MUL", "MEAN"):
            continue
        one, other, made = (tensors[each] for each in [*operator["inputs"], *operator["outputs"]])
        scale, zero = one["quantization"]
        if operator["op_name"] == "MUL":
            scale *= other["quantization"][0]
            results = np.outer(np.arange(-128, 128) - zero, np.arange(-128, 128) - other["quantization"][1])
        else:
            count = np.prod(one["shape"]) // np.prod(made["shape"])
            scale /= count
            results = np.arange(0, 255 * count + 1)
        levels = results * scale / made["quantization"][0]
        inside = levels[np.abs(levels) < 256]
        np.testing.assert_array_equal(np.rint(inside + 2e-5), np.rint(inside - 2e-5))
        seen += 1
    assert seen == 26 + 39


def shapes(content: bytes, folder: Path) -> Counter:
    """Every operator with its version and the types and shapes of what it takes and gives."""
    path = folder / "counted.tflite"
    path.write_bytes(content)
    return Counter(
        (node.operator, node.version, *((tensor.type, tensor.shape) for tensor in (*node.inputs, *node.outputs)))
        for node in read_tflite(path)
    )


def painted(content: bytes, pictures: list[np.ndarray]) -> np.ndarray:
    model = Loaded(content)
    dtype = model.inputs[0]["dtype"]
    return np.concatenate([model(picture[None].astype(dtype))[0] for picture in pictures])


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe.target == "tflite"], ids=lambda r: r.name)
@pytest.mark.parametrize("style", ["starry_night", "the_scream"])
def test_tensorflows_converter_makes_the_same(recipe: Recipe, style: str, tmp_path: Path) -> None:
    size, checkpoint = (54, 70), Checkpoint.read(model_path(style))
    photos = [images.load(file) for file in images.photos(bundled_photos("train"), 8)]
    calibration = np.stack([images.center_crop(photo, 64, 64) for photo in photos])
    convolutions = fold(
        checkpoint.architecture(),
        checkpoint.weights,
        typical_magnitudes(checkpoint.architecture(), checkpoint.weights, calibration),
    )
    quantization = calibrate(convolutions, calibration) if recipe.activations == "int8" else None
    ours = tflite.convert(convolutions, recipe, size, quantization, {})
    levels = levels_of(ours) if quantization else {}
    theirs = converter.convert(convolutions, recipe, size, levels, quantization.knots if quantization else {})
    assert shapes(ours, tmp_path) == shapes(theirs, tmp_path)
    held_out = [images.load(file) for file in images.photos(bundled_photos("held_out"), 8)]
    pictures = [images.center_crop(photo, *size) for photo in held_out]
    mine, other = painted(ours, pictures), painted(theirs, pictures)
    assert mine.std() > 20  # or there is little to compare
    np.testing.assert_allclose(mine, other, rtol=0, atol=0 if quantization else 1e-3)  # 1e-3 of 255: 108 dB


def levels_of(content: bytes) -> dict[str, Levels]:
    """Of every tensor that is computed, by its name."""
    graph = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
    made = [graph.tensors[operator.outputs[0]] for operator in graph.operators]
    return {
        tensor.name.decode(): Levels(np.float32(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0]))
        for tensor in made
    }


def test_files_are_written_in_no_time() -> None:
    """Whatever the size: the converter takes seconds."""
    checkpoint = Checkpoint.read(model_path("starry_night"))
    convolutions = fold(checkpoint.architecture(), checkpoint.weights)
    began = time.process_time()
    tflite.convert(convolutions, find_recipe("tflite", "float32"), (1080, 1920), None, {})
    assert time.process_time() - began < 1


def test_an_export_loads_no_framework() -> None:
    """They take seconds to load, and what only runs networks is installed without them."""
    modules = "exporting.write", "exporting.tflite", "inference.int8_calibration", "inference.tiles"
    code = "import sys, importlib\n" + "".join(f"importlib.import_module('mobile_style.{name}')\n" for name in modules)
    code += "print(*{'tensorflow', 'keras', 'coremltools', 'jax', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
