import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import arrays
from mobile_style.errors import CheckpointError, ImageError, MobileStyleError, UsageError
from mobile_style.exporting import coreml
from mobile_style.exporting.coreml_evaluator import OPERATORS, Evaluator
from mobile_style.exporting.lint import lint
from mobile_style.inference.fold import fold, typical_magnitudes
from mobile_style.inference.graph import Convolution, forward, phases
from mobile_style.network.architecture import PLAIN, Architecture
from mobile_style.network.transform_net import TransformNet

SIZES = ((32, 48), (48, 32), (40, 40))
METADATA = {"author": "A. Painter", "license": "MIT", "version": "1.2", "short_description": "Paints", "more": "0"}
LAYOUTS = coreml.ct.proto.FeatureTypes_pb2.ImageFeatureType
Array = np.ndarray
MODEL, WEIGHTS = "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"


class Float64:
    """What the operators of graph.py are defined to do."""

    size = staticmethod(lambda x: x.shape[1:3])
    take = staticmethod(lambda x, axis, start, length: x.take(range(start, start + length), axis))
    join = staticmethod(np.concatenate)
    multiply = staticmethod(lambda x, gain, name: x * gain)
    shift = staticmethod(lambda x, offset, relu, name: np.clip(x + offset, 0, 6) if relu else x + offset)
    add = staticmethod(lambda x, y, name: x + y)

    def convolve(self, x: Array, kernel: Array, bias: Array, strides: int, relu: bool, name: str) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))[:, ::strides, ::strides]
        y = np.einsum("nhwcij,ijco->nhwo", windows, kernel.astype(float)) + bias
        return np.clip(y, 0, 6) if relu else y

    def gain(self, x: Array, scale: Array, floor: Array, name: str) -> Array:
        return scale / (np.abs(x).mean((1, 2), keepdims=True) + floor)

    def depth_to_space(self, x: Array) -> Array:
        n, height, width, channels = x.shape
        blocks = x.reshape(n, height, width, 2, 2, channels // 4).transpose(0, 1, 3, 2, 4, 5)
        return blocks.reshape(n, 2 * height, 2 * width, channels // 4)


def network(end_kernel: int = 5, w: int = 4) -> list[Convolution]:
    """A random one with a block, whose activations are around 1 and whose pixels are mostly in range."""
    rng = np.random.default_rng(1)

    def convolution(name: str, k: int, channels: tuple[int, int], gain: float = 1.0, **more: Any) -> Convolution:
        kernel = rng.normal(0, gain * np.sqrt(2 / (k * k * channels[0])), (k, k, *channels)).astype(np.float32)
        offset = rng.normal(0, 0.1, channels[1]).astype(np.float32)
        if name not in PLAIN:
            more["scale"] = rng.uniform(0.5, 1.5, channels[1]).astype(np.float32)
            more["floor"] = np.full(channels[1], 3e-3, np.float32)
        return Convolution(name, phases(kernel) if name.startswith("up") else kernel, offset, **more)

    layers = [
        convolution("stem", end_kernel, (3, w), 1 / 128),
        convolution("down1", 3, (w, 2 * w), strides=2),
        convolution("down2", 3, (2 * w, 4 * w), strides=2),
        convolution("block1a", 3, (4 * w, 4 * w)),
        convolution("block1b", 3, (4 * w, 4 * w), relu=False),
        convolution("up1", 3, (4 * w, 2 * w)),
        convolution("up2", 3, (2 * w, w)),
        convolution("out", end_kernel, (w, 3), 100, relu=False),
    ]
    layers[-1].offset[:] += 127
    # As trained networks have it: a channel that does nothing. Float16 cannot hold 5 / 1e-7.
    layers[1].kernel[..., 0], layers[1].scale[0], layers[1].floor[0] = 0, 5, 1e-7
    return layers


def noise(*size: int) -> Array:
    return np.random.default_rng(2).integers(0, 256, (*size, 3), np.uint8)


def reference(convolutions: list[Convolution], pixels: Array) -> Array:
    return np.clip(forward(Float64(), convolutions, pixels[None].astype(float))[0], 0, 255)


def decibels(output: Array, expected: Array) -> float:
    assert expected.std() > 20  # or there is little to compare
    return float(10 * np.log10(255**2 / np.square(output - expected).mean()))


def psnr(path: Path, size: tuple[int, int], convolutions: list[Convolution]) -> float:
    """Of the evaluated package against the network in float64."""
    output = Evaluator(path)(noise(*size))
    assert output.dtype == np.float32 and output.min() >= 0 and output.max() <= 255
    return decibels(output, reference(convolutions, noise(*size)))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("coreml") / "model.mlpackage"
    coreml.write(path, network(), SIZES, 16, METADATA)
    return path


@pytest.fixture
def package(written: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(written, tmp_path / "model.mlpackage"))


def edit(package: Path, change: Callable[[Any, list[Any]], Any]) -> None:
    """Saves the package with its specification changed; `change` is given it and its operators."""
    spec = coreml.ct.utils.load_spec(str(package))
    function = spec.mlProgram.functions["main"]
    change(spec, function.block_specializations[function.opset].operations)
    (package / MODEL).write_bytes(spec.SerializeToString())


def first(operators: list[Any], kind: str) -> Any:
    return next(operator for operator in operators if operator.type == kind)


@pytest.mark.slow
def test_every_enumerated_size_and_no_other(written: Path) -> None:
    assert Evaluator(written).sizes == SIZES
    assert all(psnr(written, size, network()) > 55 for size in SIZES)
    with pytest.raises(ImageError, match="takes pictures of"):
        Evaluator(written)(noise(32, 32))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "end_kernel"), [((33, 19), 5), ((8, 9), 15), ((8, 520), 3)])
def test_one_size_of_any_shape(size: tuple[int, int], end_kernel: int, tmp_path: Path) -> None:
    path = tmp_path / "one.mlpackage"
    coreml.write(path, network(end_kernel), [size], 16, {})
    assert psnr(path, size, network(end_kernel)) > 55 and lint(path).findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [SIZES, [(33, 18)]])
def test_a_transform_network(sizes: list[tuple[int, int]], tmp_path: Path, rng: np.random.Generator) -> None:
    net, path = TransformNet(Architecture(4, 1, 5)), tmp_path / "net.mlpackage"
    for vector in (variable for variable in net.weights if len(variable.shape) == 1):
        vector.assign(rng.normal(0, 1, vector.shape))  # scales below zero too
    coreml.write(
        path,
        fold(net.architecture, arrays(net), typical_magnitudes(net.architecture, arrays(net), noise(2, 32, 32))),
        sizes,
        16,
        {},
    )
    for height, width in sizes:
        padded = np.pad(noise(height, width), ((0, -height % 4), (0, -width % 4), (0, 0)), "edge")
        expected = np.asarray(net(padded[None].astype(np.float32)))[0, :height, :width]
        assert decibels(Evaluator(path)(noise(height, width)), expected) > 60


@pytest.mark.slow
def test_8_bit_weights_in_silence(written: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    path = tmp_path / "8.mlpackage"
    coreml.write(path, network(), SIZES[:2], 8, {})
    assert capfd.readouterr() == ("", "") and list(tmp_path.iterdir()) == [path]
    assert all(35 < psnr(path, size, network()) < 55 for size in SIZES[:2])
    assert (path / WEIGHTS).stat().st_size < 0.65 * (written / WEIGHTS).stat().st_size


@pytest.mark.slow
def test_the_description_that_xcode_shows(written: Path) -> None:
    spec = coreml.ct.utils.load_spec(str(written))
    (given,), (wanted,) = spec.description.input, spec.description.output
    assert (given.name, wanted.name) == ("image", "stylized")
    assert given.type.imageType.colorSpace == wanted.type.imageType.colorSpace == LAYOUTS.RGB
    assert [(s.height, s.width) for s in given.type.imageType.enumeratedSizes.sizes] == list(SIZES)
    assert spec.specificationVersion == 7  # iOS 16
    metadata = spec.description.metadata
    shown = (metadata.author, metadata.license, metadata.versionString, metadata.shortDescription)
    assert shown == tuple(METADATA[key] for key in coreml.FIELDS) and metadata.userDefined["more"] == "0"
    assert (written / MODEL).stat().st_mode == (written / "Manifest.json").stat().st_mode


@pytest.mark.parametrize(
    ("sizes", "message"), [([(8, 7)], "`size=7x8`.*at least 8"), ([(32, 32), (32, 30)], "`size=30x32`.*multiple of 4")]
)
def test_sizes_that_cannot_be(sizes: list[tuple[int, int]], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        coreml.write(tmp_path / "model.mlpackage", network(), sizes, 16, {})
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("weight", [-1e5, np.nan])
@pytest.mark.parametrize("part", ["kernel", "offset", "scale", "floor"])
def test_weights_beyond_float16(part: str, weight: float, tmp_path: Path) -> None:
    convolutions = network()
    getattr(convolutions[2], part).flat[0] = weight
    with pytest.raises(MobileStyleError, match="down2 has a weight of"):
        coreml.write(tmp_path / "model.mlpackage", convolutions, [(8, 8)], 16, {})


@pytest.mark.slow
@pytest.mark.parametrize(("index", "factor", "layer"), [(0, 1e6, "stem_linear"), (1, 3e4, "down1_gain_rows")])
def test_activations_and_sums_beyond_float16(index: int, factor: float, layer: str, tmp_path: Path) -> None:
    convolutions = network()
    convolutions[index].kernel[:] *= factor
    coreml.write(tmp_path / "model.mlpackage", convolutions, [(8, 32)], 16, {})
    with pytest.raises(MobileStyleError, match=f"{layer}_cast_fp16 overflows float16"):
        Evaluator(tmp_path / "model.mlpackage")(noise(8, 32))


@pytest.mark.slow
def test_swapped_channels_give_other_pictures(package: Path) -> None:
    expected, bgr = Evaluator(package)(noise(*SIZES[0])), LAYOUTS.BGR
    edit(package, lambda spec, _: setattr(spec.description.output[0].type.imageType, "colorSpace", bgr))
    np.testing.assert_array_equal(Evaluator(package)(noise(*SIZES[0])), expected[..., ::-1])
    assert psnr(package, SIZES[0], network()) < 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "seen"),
    [
        ({"color_layout": "BGR"}, lambda picture: picture[..., ::-1]),
        ({"scale": 1 / 2, "bias": [9.0, 0.0, 0.0]}, lambda picture: picture / 2 + np.float64([9, 0, 0])),
    ],
)
def test_a_wrong_export_gives_wrong_pictures(
    wrong: dict[str, Any], seen: Callable[[Array], Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, changed = coreml.ct.ImageType, {"image": wrong, "stylized": {}}
    monkeypatch.setattr(coreml.ct, "ImageType", lambda name, **given: right(name, **(given | changed[name])))
    coreml.write(tmp_path / "model.mlpackage", network(), [SIZES[0]], 16, {})
    output, picture = Evaluator(tmp_path / "model.mlpackage")(noise(*SIZES[0])), noise(*SIZES[0])
    assert decibels(output, reference(network(), picture)) < 30
    assert decibels(output, reference(network(), seen(picture))) > 50


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: setattr(spec.description.input[0].type.imageType, "colorSpace", LAYOUTS.GRAYSCALE),
        lambda spec: spec.description.output[0].type.multiArrayType.shape.append(3),
        lambda spec: spec.description.ClearField("output"),
        lambda spec: spec.neuralNetwork.layers.add(),
    ],
)
def test_programs_that_do_not_take_and_give_an_image(package: Path, change: Callable[[Any], None]) -> None:
    edit(package, lambda spec, _: change(spec))
    with pytest.raises(CheckpointError, match=r"model.mlpackage: (does not take one color image|not an ML program)"):
        Evaluator(package)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda step: setattr(step, "type", "gelu"), "operator gelu is not known"),
        (lambda step: step.inputs["alpha"].CopyFrom(step.inputs["x"]), r"abs is known otherwise.*alpha"),
        (lambda step: step.inputs.clear(), r"abs is known otherwise.*'x'"),
    ],
)
def test_unknown_operators_and_arguments_are_refused(change: Callable[[Any], Any], message: str, package: Path) -> None:
    edit(package, lambda _, operators: change(first(operators, "abs")))
    with pytest.raises(MobileStyleError, match=message):
        Evaluator(package)


@pytest.mark.parametrize(
    ("kind", "argument", "value"),
    [
        ("pad", "mode", "replicate"),
        ("reduce_mean", "axes", 1),
        ("reduce_mean", "keep_dims", 0),
        ("avg_pool", "pad_type", "same"),
    ],
)
def test_unknown_values_of_arguments_are_refused(kind: str, argument: str, value: Any, package: Path) -> None:
    def change(_: Any, operators: list[Any]) -> None:
        name = first(operators, kind).inputs[argument].arguments[0].name
        (constant,) = (operator for operator in operators if operator.outputs[0].name == name)
        tensor = constant.attributes["val"].immediateValue.tensor
        getattr(tensor, tensor.WhichOneof("value")).values[0] = value

    edit(package, change)
    with pytest.raises(MobileStyleError, match=f"{kind} with {argument} .* is not known"):
        Evaluator(package)(noise(*SIZES[0]))


def test_another_shape_than_the_program_says(package: Path) -> None:
    edit(package, lambda _, operators: first(operators, "pad").outputs[0].type.tensorType.dimensions.reverse())
    with pytest.raises(MobileStyleError, match="has the shape"):
        Evaluator(package)(noise(*SIZES[0]))


@pytest.mark.parametrize(
    "damage",
    [
        shutil.rmtree,
        lambda package: [shutil.rmtree(package), package.write_bytes(b"text")],
        lambda package: os.truncate(package / WEIGHTS, (package / WEIGHTS).stat().st_size - 8),
        lambda package: (package / "Manifest.json").unlink(),
        lambda package: (package / MODEL).write_bytes(b"no protocol buffer"),
        lambda package: (package / WEIGHTS).unlink(),
    ],
)
def test_damaged_packages(package: Path, damage: Callable[[Path], None]) -> None:
    damage(package)
    with pytest.raises(CheckpointError, match=r"model.mlpackage is missing, damaged or no .mlpackage \(.+\)") as error:
        Evaluator(package)
    assert "\n" not in str(error.value)


def test_depth_to_space_as_apple_documents_it() -> None:
    x = np.arange(1, 17).reshape(1, 8, 1, 2)
    expected = [[[1, 5, 2, 6], [9, 13, 10, 14]], [[3, 7, 4, 8], [11, 15, 12, 16]]]
    np.testing.assert_array_equal(OPERATORS["depth_to_space"](x, np.int32(2))[0], expected)
