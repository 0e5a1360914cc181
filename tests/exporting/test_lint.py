"""One small graph for each offence, and those that must be clean."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from mobile_style.errors import CheckpointError
from mobile_style.exporting.lint import MLPROGRAM, TFLITE, lint, table

KERNEL = np.random.default_rng(0).normal(0, 0.1, (3, 3, 16, 16)).astype(np.float32)
SHAPE = (1, 32, 32, 16)
ACCELERATORS = "int8 accelerators"


def conv(x: tf.Tensor, name: str | None = None) -> tf.Tensor:
    return tf.nn.conv2d(x, KERNEL, 1, "VALID", name=name)


def mirrored(x: tf.Tensor, mode: str = "REFLECT", name: str = "offender") -> tf.Tensor:
    return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode, name=name)


def normalized(x: tf.Tensor) -> tf.Tensor:
    mean = tf.reduce_mean(x, (1, 2), keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, mean, name="offender"), (1, 2), keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + 1e-3)


def upsampled(x: tf.Tensor) -> tf.Tensor:
    x = tf.tile(tf.reshape(x, (1, 32, 1, 32, 16)), (1, 1, 2, 1, 1), name="offender")
    return tf.reshape(x, (1, 64, 32, 16))


def transposed(x: tf.Tensor) -> tf.Tensor:
    with tf.name_scope("offender"):
        return tf.nn.relu(tf.nn.conv2d_transpose(x, KERNEL, (1, 64, 64, 16), 2) + np.ones(16, np.float32))


def written(
    folder: Path, function: Callable[[Any], Any], weights: type | None = None, int8: bool = False, shape: Any = SHAPE
) -> Path:
    concrete = tf.function(function, input_signature=[tf.TensorSpec(shape)]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    if weights or int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights is np.float16:
        converter.target_spec.supported_types = [tf.float16]
    if int8:
        photo = np.random.default_rng(0).uniform(0.5, 1, SHAPE).astype(np.float32)
        converter.representative_dataset = lambda: [[photo]]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    path = folder / "model.tflite"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's own
        path.write_bytes(converter.convert())
    return path


@pytest.mark.parametrize("weights", [None, np.float16])
@pytest.mark.parametrize("int8", [False, True])
def test_convolutions_and_copies_are_clean(tmp_path: Path, weights: type | None, int8: bool) -> None:
    def function(x: tf.Tensor) -> tf.Tensor:
        x = tf.nn.relu(conv(tf.concat([x[:, :1], x, x[:, -1:]], 1)))
        return conv(tf.nn.depth_to_space(tf.concat([x, x, x, x], 3), 2)) + 1.0

    assert lint(written(tmp_path, function, None if int8 else weights, int8)).findings == ()


@pytest.mark.parametrize(
    ("function", "int8", "expected"),
    [
        (mirrored, False, {("XNNPACK", "MIRROR_PAD")}),
        (mirrored, True, {("XNNPACK", "MIRROR_PAD"), (ACCELERATORS, "MIRROR_PAD")}),
        (lambda x: mirrored(x, "SYMMETRIC"), False, {("XNNPACK", "MIRROR_PAD"), ("GPU delegate", "MIRROR_PAD")}),
        (transposed, False, {("GPU delegate", "TRANSPOSE_CONV")}),
        (normalized, False, {("GPU delegate, WebGPU", "SQUARED_DIFFERENCE")}),
        (lambda x: tf.reduce_sum(x, (1, 2), True, "offender"), False, {("GPU delegate, WebGPU", "SUM")}),
        (lambda x: tf.reduce_sum(x, 3, True, "offender"), False, set()),
        (lambda x: tf.reduce_mean(x, (1, 2), True, "offender"), False, set()),
        (
            lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, (64, 64), name="offender"),
            False,
            {("XNNPACK", "RESIZE_NEAREST_NEIGHBOR")},
        ),
        (
            lambda x: tf.raw_ops.ResizeBilinear(images=x, size=(64, 64), half_pixel_centers=True, name="offender"),
            True,
            {(ACCELERATORS, "RESIZE_BILINEAR")},
        ),
        (lambda x: tf.nn.leaky_relu(x, -1.0, "offender"), False, {("GPU delegate, WebGPU", "LEAKY_RELU")}),
        (lambda x: tf.nn.leaky_relu(x, -1.0, "offender"), True, {("GPU delegate, WebGPU", "LEAKY_RELU")}),
        (lambda x: tf.nn.leaky_relu(x, 1.5, "offender"), False, {("GPU delegate, WebGPU", "LEAKY_RELU")}),
        (lambda x: tf.nn.leaky_relu(x, 0.2, "offender"), True, set()),
        (lambda x: tf.concat([x] * 6, 3, "offender"), False, {("XNNPACK", "CONCATENATION")}),
        (lambda x: tf.slice(x, (0, 1, 0, 0), (-1, 9, -1, -1), "offender"), False, {("XNNPACK", "SLICE")}),
        (lambda x: tf.slice(x, (0, 1, 0, 0), (1, 9, 32, 16), "offender"), True, set()),
        (
            lambda x: tf.strided_slice(x, (0, 0, 0, 0), SHAPE, (1, 2, 1, 1), name="offender"),
            False,
            {("XNNPACK", "STRIDED_SLICE")},
        ),
        (
            lambda x: tf.gather_nd(x, [[[0, 1], [0, 2]]], name="offender") + 0.0,
            False,
            {("GPU delegate", "GATHER_ND"), ("XNNPACK", "GATHER_ND")},
        ),
        (
            upsampled,
            False,
            {("XNNPACK", "TILE")} | {("GPU delegate, WebGPU, int8 accelerators", name) for name in ("TILE", "RESHAPE")},
        ),
        (
            lambda x: tf.pow(x, 2.5, "offender"),
            True,
            {("XNNPACK", "POW"), (ACCELERATORS, "POW")},  # the converter leaves it in float
        ),
    ],
)
def test_an_offender_is_found_with_its_layer(
    tmp_path: Path, function: Callable[[Any], Any], int8: bool, expected: set[tuple[str, str]]
) -> None:
    def offending(x: tf.Tensor) -> tf.Tensor:
        y = function(x)
        return (
            tf.nn.relu(y)
            if len(y.shape) == 3 or y.shape[-1] != 16
            else conv(tf.pad(y, [[0, 0], [1, 1], [1, 1], [0, 0]]))
        )

    findings = lint(written(tmp_path, offending, None, int8)).findings
    assert {(finding.target, finding.operator) for finding in findings} == expected
    assert all("offender" in finding.layers[0] for finding in findings if finding.operator != "RESHAPE")


def test_a_finding_names_all_its_layers(tmp_path: Path) -> None:
    (finding,) = lint(written(tmp_path, lambda x: conv(mirrored(conv(mirrored(x, name="one")), name="two")))).findings
    assert finding.layers == ("one", "two")
    assert finding.message.startswith("no kernel") and "README" in finding.source


def test_8_bit_weights_with_float_activations(tmp_path: Path) -> None:
    (finding,) = lint(written(tmp_path, lambda x: conv(x, "offender"), np.int8)).findings
    assert (finding.target, finding.operator) == (ACCELERATORS, "CONV_2D")


def test_sizes_that_are_not_fixed(tmp_path: Path) -> None:
    findings = lint(written(tmp_path, conv, shape=(None, 32, 32, 16))).findings
    assert {finding.operator for finding in findings} == {"CONV_2D"} and "a file per size" in findings[0].message


def test_what_is_no_model(tmp_path: Path) -> None:
    content = written(tmp_path, conv).read_bytes()
    path = tmp_path / "other.tflite"
    for damaged in (b"", b"TFL3", content[:8], content[:100], content[: len(content) // 2], b"PK" * 999):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"is damaged|is no TensorFlow Lite model|is empty") as caught:
            lint(path)
        assert "\n" not in str(caught.value)
    for missing in (tmp_path, tmp_path / "missing.tflite"):
        with pytest.raises(
            CheckpointError, match=r"there is no TensorFlow Lite|is a folder; name a model in it: .*other"
        ):
            lint(missing)


def test_an_operator_that_lacks_its_inputs(tmp_path: Path) -> None:
    import flatbuffers

    from mobile_style.inference.tflite_reader import schema

    path = written(tmp_path, lambda x: tf.slice(x, [0, 1, 1, 0], [1, 8, 8, 16]))
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    for operator in model.subgraphs[0].operators:
        operator.inputs = operator.inputs[:1]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(CheckpointError, match="is damaged: an operator in it lacks an input"):
        lint(path)


def test_the_page_holds_the_table() -> None:
    assert table() in (Path(__file__).parents[2] / "docs" / "operators.md").read_text()
    assert all(all((rule.target, rule.operator, rule.message, rule.source)) for rule in TFLITE + MLPROGRAM)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of coremltools
def test_core_ml(tmp_path: Path) -> None:
    ct = pytest.importorskip("coremltools")
    mb = ct.converters.mil.Builder
    kernel = KERNEL.transpose(3, 2, 0, 1)

    def linted(function: Callable[[Any], Any], precision: Any = ct.precision.FLOAT16, shape: Any = None) -> set[tuple]:
        given = mb.TensorSpec((1, 16, ct.RangeDim(8, 64).symbol if shape else 32, 32))
        program = mb.program(input_specs=[given], opset_version=ct.target.iOS16)(lambda x: function(x))
        model = ct.convert(
            program,
            inputs=[ct.TensorType("x", shape=shape)] if shape else None,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS16,
            compute_precision=precision,
            skip_model_load=True,
        )
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.mlpackage"
        model.save(str(path))
        return {(found.target, found.operator, found.layers[0]) for found in lint(path).findings}

    def plain(x: Any) -> Any:
        return mb.relu(x=mb.conv(x=mb.pad(x=x, pad=[1, 1, 1, 1], mode="reflect"), weight=kernel))

    assert linted(plain) == set()
    assert {found[1] for found in linted(plain, ct.precision.FLOAT32)} == {"pad", "conv", "relu"}
    assert linted(lambda x: mb.reduce_mean(x=plain(x), axes=[2, 3], keep_dims=True, name="mean")) == {
        ("Neural Engine", "reduce_mean", "mean_cast_fp16")
    }
    assert linted(lambda x: mb.reduce_mean(x=plain(x), axes=[1], keep_dims=True)) == set()
    assert ("Core ML", "pad", "pads_cast_fp16") in linted(
        lambda x: mb.pad(x=plain(x), pad=[1, 1, 0, 0, 0, 0], mode="reflect", name="pads")
    )
    ranged = ct.Shape((1, 16, ct.RangeDim(8, 64, 32), 32))
    assert linted(lambda x: mb.relu(x=mb.conv(x=x, weight=kernel)), shape=ranged) == {("Neural Engine", "input", "x")}
    choices = ct.EnumeratedShapes([(1, 16, 32, 32), (1, 16, 64, 32)])
    assert linted(lambda x: mb.relu(x=mb.conv(x=x, weight=kernel)), shape=choices) == set()

    classifier = ct.convert(
        mb.program(input_specs=[mb.TensorSpec((1, 3))])(lambda x: mb.softmax(x=x, axis=-1)),
        classifier_config=ct.ClassifierConfig(["cat", "dog", "owl"]),
        skip_model_load=True,
    )
    classifier.save(str(tmp_path / "classifier.mlpackage"))
    assert lint(tmp_path / "classifier.mlpackage").findings == ()

    (tmp_path / "empty.mlpackage").mkdir()
    for path in (tmp_path / "empty.mlpackage", tmp_path / "missing.mlpackage"):
        with pytest.raises(CheckpointError, match="damaged or no Core ML package"):
            lint(path)
