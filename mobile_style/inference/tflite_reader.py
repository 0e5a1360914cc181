"""The operators of a .tflite file, as its bytes describe them; nothing is run."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ..errors import CheckpointError

SCHEMA_VERSION = 3  # of every .tflite file so far
OPERATORS = {number: name for name, number in vars(schema.BuiltinOperator).items()}
TYPES = {number: name for name, number in vars(schema.TensorType).items()}
BYTES = ("int8", "uint8")
PRODUCTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL")


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph; a size that is not fixed is -1; `values` are those of an int32 constant."""

    name: str
    type: str
    shape: tuple[int, ...]
    constant: bool = False
    values: tuple[int, ...] = ()


@dataclass(frozen=True)
class Node:
    """An operator of a graph; `integer` if the graph has 8-bit activations."""

    operator: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    options: dict[str, Any]
    version: int = 1
    integer: bool = False

    def has(self, found: Callable[[Tensor], bool]) -> bool:
        """Whether there is such an input or output, constants aside."""
        return any(found(tensor) for tensor in self.inputs + self.outputs if not tensor.constant)

    def of(self, *types: str) -> bool:
        """Whether an input or output is of one of the types, constants aside."""
        return self.has(lambda tensor: tensor.type in types)

    def sums(self) -> bool:
        """Whether it adds up enough values that bright pixels (255) exceed float16 (65504)."""
        before = next(tensor.shape for tensor in self.inputs if not tensor.constant)
        after = self.outputs[0].shape
        return before.count(-1) > after.count(-1) + 1 or abs(prod(before)) * 255 > abs(prod(after)) * 65504


def read_tflite(path: Path) -> list[Node]:
    """Every operator that runs, in order.

    Raises:
        CheckpointError: the file is missing, empty, damaged, of another kind or a newer schema, or has no operators.
    """
    if not path.exists():
        raise CheckpointError(f"there is no TensorFlow Lite model at {path}; `mobile-style export` makes one")
    content = path.read_bytes() if path.is_file() else b""
    if not content:
        raise CheckpointError(f"{path} is empty or a folder; name a .tflite file")
    if content[4:8] != b"TFL3":
        raise CheckpointError(f"{path} is no TensorFlow Lite model; name a .tflite file")
    try:
        model = schema.ModelT.InitFromPackedBuf(content)
        if model.version != SCHEMA_VERSION:
            raise CheckpointError(
                f"it is of schema version {model.version}, this version reads {SCHEMA_VERSION}; "
                "update mobile-style and its runtime"
            )
        if not (found := list(_nodes(model))):
            raise CheckpointError("it has no operators, so nothing computes its output; export it again")
        return found
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except (struct.error, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); export it again") from None


def _nodes(model: Any) -> Iterator[Node]:
    for graph in model.subgraphs:
        tensors = []
        for tensor in graph.tensors:
            shape = next((sizes for sizes in (tensor.shapeSignature, tensor.shape) if sizes is not None), ())
            data, kind = model.buffers[tensor.buffer].data, TYPES[tensor.type].lower()
            values = () if data is None or kind != "int32" else tuple(memoryview(data.tobytes()).cast("i"))
            tensors.append(Tensor(tensor.name.decode(), kind, tuple(map(int, shape)), data is not None, values))
        integer = any(tensor.type in BYTES and not tensor.constant for tensor in tensors)
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            number = max(code.builtinCode, code.deprecatedBuiltinCode)
            if number not in OPERATORS:
                raise CheckpointError(
                    f"it has operator {number}, which this version does not know; update mobile-style"
                )
            name = OPERATORS[number]
            inputs = [tensors[i] for i in operator.inputs if i >= 0]
            if inputs and all(tensor.constant for tensor in inputs):  # computed once, when the file is loaded
                for i in operator.outputs:
                    tensors[i] = replace(tensors[i], constant=True)
            else:
                outputs, options = [tensors[i] for i in operator.outputs], operator.builtinOptions
                yield Node(name, inputs, outputs, vars(options) if options else {}, code.version, integer)


def macs(nodes: list[Node]) -> dict[str, int]:
    """Multiply-accumulates of one inference by the arithmetic that does them: "int8" or "float".

    It counts convolutions and matrix products, which are all but a few percent of the work. Where the weights have 8
    bits, runtimes multiply integers, whether the activations are stored as such or rounded as they come.
    """
    sums = {"int8": 0, "float": 0}
    for node in nodes:
        if node.operator not in PRODUCTS:
            continue
        weights, output = node.inputs[1].shape, node.outputs[0].shape
        if node.operator == "CONV_2D":  # weights (out, height, width, in)
            count = prod(output) * prod(weights[1:])
        elif node.operator == "DEPTHWISE_CONV_2D":  # (1, height, width, out)
            count = prod(output) * prod(weights[1:3])
        elif node.operator == "TRANSPOSE_CONV":  # the third input is the picture
            count = prod(node.inputs[2].shape) * prod(weights[:3])
        elif node.operator == "FULLY_CONNECTED":  # (out, in)
            count = prod(output) * weights[-1]
        else:  # BATCH_MATMUL, whose two inputs may be transposed
            count = prod(output) * node.inputs[0].shape[-2 if node.options.get("adjX") else -1]
        sums["int8" if node.inputs[1].type in BYTES else "float"] += abs(count)
    return sums
