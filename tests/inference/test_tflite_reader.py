from pathlib import Path

import flatbuffers
import numpy as np
import pytest
import tensorflow as tf

from conftest import Exported
from mobile_style.benchmarking import roofline
from mobile_style.errors import CheckpointError
from mobile_style.exporting.lint import lint
from mobile_style.inference.tflite_reader import macs, read_tflite, schema


def converted(function, *shapes: tuple[int, ...]) -> bytes:
    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    concrete = tf.function(function, input_signature=specs).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert()


@pytest.mark.parametrize("kind", ["int8", "float"])
def test_probes_do_what_they_say(kind: str, tmp_path: Path) -> None:
    roofline.write_probe(tmp_path / "p.tflite", kind)
    assert macs(read_tflite(tmp_path / "p.tflite")) == {"int8": 0, "float": 0} | {kind: roofline.MACS}
    assert lint(tmp_path / "p.tflite").findings == ()


def test_multiplications_of_every_kind_of_product(tmp_path: Path, rng: np.random.Generator) -> None:
    def weights(*shape: int) -> tf.Tensor:
        return tf.constant(rng.normal(size=shape), tf.float32)

    cases = {
        "conv": (lambda x: tf.nn.conv2d(x, weights(3, 3, 4, 8), 2, "SAME"), 4 * 4 * 8 * 3 * 3 * 4),
        "depthwise": (lambda x: tf.nn.depthwise_conv2d(x, weights(3, 3, 4, 1), [1] * 4, "SAME"), 8 * 8 * 4 * 9),
        "transposed": (
            lambda x: tf.nn.conv2d_transpose(x, weights(3, 3, 6, 4), (1, 16, 16, 6), 2, "SAME"),
            8 * 8 * 4 * 9 * 6,
        ),
        "matrix": (lambda x: tf.reshape(x, (16, 16)) @ weights(16, 5), 16 * 16 * 5),
        "batch": (lambda x: tf.matmul(x, x, transpose_b=True), 8 * 8 * 4 * 8),
        "turned": (lambda x: tf.matmul(x, x, transpose_a=True), 8 * 4 * 8 * 4),
    }
    for name, (function, expected) in cases.items():
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(converted(function, (1, 8, 8, 4)))
        assert macs(read_tflite(path)) == {"int8": 0, "float": expected}, name


def test_recipes_differ_in_arithmetic_only(exported: Exported) -> None:
    counted = {recipe: macs(read_tflite(exported(recipe))) for recipe in ("float32", "dynamic_int8", "int8")}
    assert counted["float32"]["int8"] == 0
    assert counted["dynamic_int8"] == {"int8": counted["float32"]["float"], "float": 0}
    extra = counted["int8"]["int8"] / counted["float32"]["float"]  # the interpolated reciprocals
    assert counted["int8"]["float"] == 0 and 1 < extra < 1.01


def test_files_that_are_no_models(exported: Exported, tmp_path: Path) -> None:
    path, whole = tmp_path / "m.tflite", exported("float32").read_bytes()
    model = schema.ModelT.InitFromPackedBuf(whole, 0)
    model.version = 4
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    model.version, model.operatorCodes[0].builtinCode = 3, 9999
    unknown = flatbuffers.Builder(0)
    unknown.Finish(model.Pack(unknown), b"TFL3")
    cases = {
        bytes(unknown.Output()): "operator 9999, which this version does not know",
        b"": "is empty or a folder",
        b"PK" * 99: "is no TensorFlow Lite model",
        whole[:3000]: "is damaged",
        bytes(builder.Output()): "is of schema version 4, this version reads 3",
    }
    for content, says in cases.items():
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=says):
            read_tflite(path)
    with pytest.raises(CheckpointError, match="there is no TensorFlow Lite model"):
        read_tflite(tmp_path / "none.tflite")
