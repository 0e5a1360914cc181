"""Lints exported graphs: finds operators that accelerators refuse or compute wrongly, and the layers they come from.

A source of "tried" means: with LiteRT 2.3, on XNNPACK and on its GPU delegate (float16, on a software Vulkan driver).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ..errors import CheckpointError
from ..inference.tflite_reader import BYTES, Node, Tensor, read_tflite
from ..network.backend import quiet
from .card import not_exported


@dataclass(frozen=True)
class Rule:
    """What a target refuses or gets wrong, and what to do instead; `operator` says in words what `found` matches."""

    target: str
    operator: str
    message: str
    source: str
    found: Callable[[Node], bool]


@dataclass(frozen=True)
class Finding:
    """A rule that matches an operator, and the output tensors of the layers that use this operator."""

    target: str
    operator: str
    layers: tuple[str, ...]
    message: str
    source: str

    def __str__(self) -> str:
        return f"{self.target}: {self.operator} of {', '.join(self.layers)}: {self.message} ({self.source})"


@dataclass(frozen=True)
class Linted:
    """What was found in an exported file, and what was looked at.

    Attributes:
        operators: how many the file has.
        targets: what they were checked against.
    """

    findings: tuple[Finding, ...]
    operators: int
    targets: tuple[str, ...]


def _lacking(target: str, operators: str, source: str, types: tuple[str, ...] = ()) -> Rule:
    names = operators.split()
    listed = ", ".join(f"`{name}`" for name in names) + (" on 8-bit tensors" if types else "")
    message = "no kernel: slow CPU code runs it and splits the graph; use convolutions, slices and concatenations"
    return Rule(target, listed, message, source, lambda node: node.operator in names and (not types or node.of(*types)))


SYMMETRIC, SUMS = schema.MirrorPadMode.SYMMETRIC, ("reduce_l", "reduce_mean", "reduce_sum")
GPU = "LiteRT's tflite/delegates/gpu/common/model_builder.cc"
XNNPACK = "LiteRT's tflite/delegates/xnnpack/README.md, tried"
NNAPI, VELA = "TensorFlow's lite/delegates/nnapi/nnapi_delegate.cc", "Vela's SUPPORTED_OPS.md"
# fmt: off
TFLITE = (
    _lacking("GPU delegate",
             "BROADCAST_TO CUSTOM EXPAND_DIMS FILL GATHER_ND REVERSE_V2 ROUND SHAPE SPACE_TO_BATCH_ND SQUEEZE",
             f"google-ai-edge/LiteRT#5197, google-ai-edge/LiteRT#9191, {GPU}"),
    _lacking("XNNPACK",
             "CAST GATHER GATHER_ND MIRROR_PAD PADV2 POW RESIZE_NEAREST_NEIGHBOR REVERSE_V2 TILE", XNNPACK),
    _lacking("XNNPACK", "ABS AVERAGE_POOL_2D DIV EXP MAXIMUM MINIMUM RELU RELU6 RSQRT SOFTMAX SQRT", XNNPACK, BYTES),
    _lacking("int8 accelerators",
             "ABS BROADCAST_TO DIV EXP GATHER_ND MIRROR_PAD POW RSQRT SQUARED_DIFFERENCE SUM", NNAPI, BYTES),
    Rule("XNNPACK",
         "`CONCATENATION` of more than five tensors, `SLICE` to the end (size -1), `STRIDED_SLICE` with steps",
         "no kernel: slow CPU code runs it and splits the graph; concatenate fewer at a time, give the size",
         XNNPACK, lambda node: (node.operator == "CONCATENATION" and len(node.inputs) > 5)
         or (node.operator == "SLICE" and -1 in node.inputs[2].values)
         or (node.operator == "STRIDED_SLICE" and set(node.inputs[3].values) != {1})),
    Rule("GPU delegate", "`TRANSPOSE_CONV` version 4 (with an activation), `MIRROR_PAD` SYMMETRIC",
         "refused: it accepts versions up to 3 and REFLECT; use `DEPTH_TO_SPACE`, and slices of the border",
         "PINTO0309/onnx2tf#640, LiteRT's tflite/tools/versioning/gpu_compatibility.cc, tried",
         lambda node: (node.operator, node.version) == ("TRANSPOSE_CONV", 4) or node.options.get("mode") == SYMMETRIC),
    Rule("GPU delegate, WebGPU", "`SUM` of more than 256 values, `SQUARED_DIFFERENCE`",
         "infinite above 65504 (float16), so a division by it gives zero; use `MEAN`, avoid instance normalization",
         "google-ai-edge/LiteRT#9249, tensorflow/tensorflow#48523, microsoft/onnxruntime#31626, tried",
         lambda node: node.operator == "SQUARED_DIFFERENCE" or (node.operator == "SUM" and node.sums())),
    Rule("GPU delegate, WebGPU", "`LEAKY_RELU` with a slope below 0 or above 1",
         "max(x, min(slope x, 0)) is computed, for a negative slope a plain ReLU; the absolute value is 2 relu(x) - x",
         "LiteRT's tflite/delegates/gpu/common/tasks/relu.cc, tried",
         lambda node: node.operator == "LEAKY_RELU" and not 0 <= node.options["alpha"] <= 1),
    Rule("GPU delegate, WebGPU, int8 accelerators",
         "any on tensors of more than four dimensions (Keras' `UpSampling2D` makes them) or of dynamic shape",
         "refused, or compiled again for each size; use `DEPTH_TO_SPACE`, and a file per size",
         f"google-ai-edge/LiteRT#2540, tensorflow/tensorflow#38036, {VELA}",
         lambda node: node.has(lambda tensor: len(tensor.shape) > 4 or -1 in tensor.shape)),
    Rule("GPU delegate, XNNPACK", "any on int16, int64 or float64", "no kernels: slow CPU code runs; use other types",
         f"{GPU}, {XNNPACK}", lambda node: node.of("int16", "int64", "float64")),
    Rule("int8 accelerators", "any on floats, if its weights or other activations have 8 bits",
         "left to the CPU, because all must have 8 bits; quantize every activation (full integer quantization)",
         f"https://coral.ai/docs/edgetpu/models-intro, {VELA}",
         lambda node: node.operator not in ("QUANTIZE", "DEQUANTIZE") and node.of("float16", "float32")
         and (node.integer or any(tensor.constant and tensor.type in BYTES for tensor in node.inputs))),
    Rule("int8 accelerators", "`RESIZE_...` with half-pixel centers or aligned corners",
         "refused up to Android 10; use neither", NNAPI, lambda node: node.of(*BYTES)
         and any(node.options.get(key, False) for key in ("halfPixelCenters", "alignCorners"))),
)
MLPROGRAM = (
    Rule("Neural Engine", "`instance_norm`; `reduce_sum`, `reduce_mean`, ... of more than 256 values",
         "all zero if a sum exceeds 65504 (float16); avoid instance normalization",
         "apple/coremltools#1380, apple/coremltools#2690",
         lambda node: node.operator == "instance_norm" or (node.operator.startswith(SUMS) and node.sums())),
    Rule("Neural Engine", "any in float32", "left to the CPU or the GPU; use compute_precision=FLOAT16",
         "https://apple.github.io/coremltools/docs-guides/source/typed-execution.html",
         lambda node: node.operator not in ("cast", "input") and node.outputs[0].type == "float32"),
    Rule("Neural Engine", "`gather` and its variants, `topk`, recurrent layers", "left to the CPU; use constant slices",
         "https://github.com/hollance/neural-engine/blob/master/docs/unsupported-layers.md, roboflow/rf-detr#1495",
         lambda node: node.operator.startswith(("gather", "topk", "lstm", "gru", "rnn"))),
    Rule("Neural Engine", "an input with a range of sizes",
         "sizes other than the default run on the CPU or the GPU; enumerate the sizes",
         "https://developer.apple.com/forums/thread/724930, apple/coremltools#2370",
         lambda node: node.options.get("ranged", False)),
    Rule("Core ML", "`pad` that mirrors or repeats along dimensions other than the last two",
         "the program does not load; pad height and width only",
         "apple/coremltools#2576, apple/coremltools#2701",
         lambda node: node.operator == "pad" and node.options.get("mode", ["constant"]) != ["constant"]
         and any(node.options.get("pad", [])[:-4])),
)
# fmt: on


def table() -> str:
    """The rules as Markdown."""
    rows = ["| Target | Operator | What goes wrong; what to do | Source |", "| --- | --- | --- | --- |"]
    rows += [f"| {rule.target} | {rule.operator} | {rule.message} | {rule.source} |" for rule in TFLITE + MLPROGRAM]
    return re.sub(r"([\w.-]+/[\w.-]+)#(\d+)", r"[\g<0>](https://github.com/\1/issues/\2)", "\n".join(rows))


def lint(path: Path) -> Linted:
    """Finds what is wrong with an exported file of either kind.

    Raises:
        CheckpointError: it is missing, damaged or of another kind.
    """
    core_ml = path.suffix == ".mlpackage"
    if path.is_dir() and not core_ml:
        raise not_exported(path)
    rules, nodes = (MLPROGRAM, _read_mlprogram(path)) if core_ml else (TFLITE, read_tflite(path))
    try:
        findings = _findings(rules, nodes)
    except (IndexError, KeyError, TypeError):  # an operator without its tensors or options
        raise CheckpointError(f"{path} is damaged: an operator in it lacks an input or an option") from None
    targets = dict.fromkeys(target for rule in rules for target in rule.target.split(", "))
    return Linted(tuple(findings), len(nodes), tuple(targets))


def _read_mlprogram(path: Path) -> list[Node]:
    with quiet():
        from coremltools.models.utils import load_spec

    try:
        spec = load_spec(str(path))
    except Exception as error:  # those of protobuf and of the package's reader share no base
        raise CheckpointError(f"{path} is damaged or no Core ML package ({error})") from None
    if spec.WhichOneof("Type") != "mlProgram":
        raise CheckpointError(f"{path} holds no ML program; export it again")
    return list(_mil_nodes(spec))


def _findings(rules: tuple[Rule, ...], nodes: list[Node]) -> list[Finding]:
    layers: dict[tuple[Rule, str], list[str]] = {}
    for rule in rules:
        for node in filter(rule.found, nodes):
            layers.setdefault((rule, node.operator), []).append(node.outputs[0].name)
    return [Finding(rule.target, key, tuple(names), rule.message, rule.source) for (rule, key), names in layers.items()]


def _mil_nodes(spec: Any) -> Iterator[Node]:
    from coremltools.proto.MIL_pb2 import DataType

    def tensor(value: Any, constant: bool = False) -> Tensor:
        kind = value.type.tensorType
        shape = tuple(size.constant.size if size.HasField("constant") else -1 for size in kind.dimensions)
        return Tensor(value.name, DataType.Name(kind.dataType).lower(), shape, constant)

    function = spec.mlProgram.functions["main"]
    known = {given.name: tensor(given) for given in function.inputs}
    for given in spec.description.input:
        ranged = given.type.multiArrayType.HasField("shapeRange") or given.type.imageType.HasField("imageSizeRange")
        yield Node("input", [], [known[given.name]], {"ranged": ranged})
    values: dict[str, list[Any]] = {}
    for operation in function.block_specializations[function.opset].operations:
        constant = operation.type.startswith("const")  # const and constexpr_...
        outputs = [tensor(output, constant) for output in operation.outputs]
        known |= {output.name: output for output in outputs}
        if operation.type == "const":
            held = operation.attributes["val"].immediateValue.tensor
            values[outputs[0].name] = [*held.strings.values, *held.ints.values]
        elif not constant:
            bound = {key: [binding.name for binding in given.arguments] for key, given in operation.inputs.items()}
            inputs = [known[name] for names in bound.values() for name in names if name]  # a value has none
            options = {key: values[names[0]] for key, names in bound.items() if names[0] in values}
            yield Node(operation.type, inputs, outputs, options)
