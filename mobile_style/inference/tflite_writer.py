"""A .tflite file, put together operator by operator (LiteRT's schema.fbs, version 3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .flatbuffer import Field, FlatBuffer
from .levels import Levels

SCHEMA_VERSION = 3
SIGNATURE = "serving_default"
# The schema's numbers, which a test compares: importing its own module takes as long as writing a graph.
TYPES = {"FLOAT32": 0, "FLOAT16": 1, "INT32": 2, "UINT8": 3, "INT8": 9}
SAME, VALID = 0, 1  # paddings
NONE, RELU, RELU6 = 0, 1, 3  # fused activation functions
OPERATORS = {
    "ABS": 101,
    "ADD": 0,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTH_TO_SPACE": 5,
    "DEQUANTIZE": 6,
    "DIV": 42,
    "MAX_POOL_2D": 17,
    "MEAN": 40,
    "MINIMUM": 57,
    "MUL": 18,
    "QUANTIZE": 114,
    "RELU": 19,
    "RESHAPE": 22,
    "SLICE": 65,
    "SUB": 41,
}
ACTIVATION = (("fusedActivationFunction", "b"),)
WINDOW = (("padding", "b"), ("strideW", "i"), ("strideH", "i"))
# The number and the fields of the operators' own tables.
OPTIONS: dict[str, tuple[int, tuple[tuple[str, str], ...]]] = {
    "ADD": (11, ACTIVATION),
    "CONCATENATION": (10, (("axis", "i"), *ACTIVATION)),
    "CONV_2D": (1, (*WINDOW, *ACTIVATION)),
    "DEPTH_TO_SPACE": (94, (("blockSize", "i"),)),
    "DIV": (29, ACTIVATION),
    "MAX_POOL_2D": (5, (*WINDOW, ("filterWidth", "i"), ("filterHeight", "i"), *ACTIVATION)),
    "MEAN": (27, (("keepDims", "?"),)),
    "MUL": (21, ACTIVATION),
    "SUB": (28, ACTIVATION),
}


@dataclass(frozen=True)
class Value:
    """A tensor of the file: its place there, its shape and, of 8-bit ones, what its levels stand for."""

    index: int
    shape: tuple[int, ...]
    levels: Levels | None = None


class _Tensor(NamedTuple):
    name: str
    kind: int
    shape: np.ndarray
    buffer: int
    scales: np.ndarray | None  # these two of 8-bit tensors only
    zeros: np.ndarray | None


class _Operator(NamedTuple):
    code: int  # its place among the file's kinds of operators
    inputs: np.ndarray
    output: int
    kind: str
    options: dict[str, int]


class TfliteWriter:
    """Collects the operators of a file's one graph. Constants of the same content are stored once."""

    def __init__(self) -> None:
        self.inputs: dict[str, Value] = {}
        self._tensors: list[_Tensor] = []
        self._operators: list[_Operator] = []
        self._codes: dict[tuple[str, int], int] = {}
        self._buffers: list[bytes | None] = [None]  # the first one stays empty: that of whatever is no constant
        self._constants: dict[tuple[Any, ...], Value] = {}

    def input(self, name: str, kind: str, shape: Sequence[int], levels: Levels | None = None) -> Value:
        """Adds an input of the file; `kind` is one of the schema's TensorType."""
        self.inputs[name] = self._tensor(name, kind, shape, levels)
        return self.inputs[name]

    def constant(self, name: str, values: np.ndarray, levels: Levels | Sequence[Levels] | None = None) -> Value:
        """Adds a tensor of these values; `levels` is one for all of them, or one for each along the first axis."""
        key = (
            values.dtype.str,
            values.shape,
            values.tobytes(),
            tuple(levels) if isinstance(levels, Sequence) else levels,
        )
        if key not in self._constants:
            self._buffers.append(key[2])
            made = self._tensor(name, values.dtype.name.upper(), values.shape, levels, len(self._buffers) - 1)
            self._constants[key] = made
        return self._constants[key]

    def operator(
        self,
        operator: str,
        inputs: Sequence[Value],
        name: str,
        kind: str,
        shape: Sequence[int],
        levels: Levels | None = None,
        version: int = 1,
        **options: int,
    ) -> Value:
        """Adds an operator with one output, of this name, kind, shape and levels, and gives the output."""
        output = self._tensor(name, kind, shape, levels)
        code = self._codes.setdefault((operator, version), len(self._codes))
        self._operators.append(_Operator(code, _indices(inputs), output.index, operator, options))
        return output

    def content(self, outputs: Mapping[str, Value], metadata: Mapping[str, bytes] | None = None) -> bytes:
        """The file's bytes.

        Args:
            outputs: names and tensors; with the inputs they are the file's signature.
            metadata: what the file says beside the graph.
        """
        file = FlatBuffer()
        codes = [
            file.table(
                (0, "b", OPERATORS[operator]), (2, "i", version if version > 1 else None), (3, "i", OPERATORS[operator])
            )
            for operator, version in self._codes
        ]
        kinds, graphs = file.references(codes), file.references([self._graph(file, outputs)])
        description, buffers = file.text("mobile-style"), [*self._buffers, *(metadata or {}).values()]
        stored = file.references([_buffer(file, content) for content in buffers])
        notes = [
            file.table((0, "&", file.text(name)), (1, "I", number))
            for number, name in enumerate(metadata or {}, len(self._buffers))
        ]
        told = file.references(notes)
        given, made = (_named(file, values) for values in (self.inputs, outputs))
        signature = file.table((0, "&", given), (1, "&", made), (2, "&", file.text(SIGNATURE)))
        signatures = file.references([signature])
        model = file.table(
            (0, "I", SCHEMA_VERSION),
            (1, "&", kinds),
            (2, "&", graphs),
            (3, "&", description),
            (4, "&", stored),
            (6, "&", told),
            (7, "&", signatures),
        )
        return file.content(model, b"TFL3")

    def _graph(self, file: FlatBuffer, outputs: Mapping[str, Value]) -> int:
        tensors = file.references([_tensor(file, tensor) for tensor in self._tensors])
        given, made = (file.array(_indices(values.values())) for values in (self.inputs, outputs))
        needed = file.references([_operator(file, operator) for operator in self._needed(outputs.values())])
        name = file.text("main")
        return file.table((0, "&", tensors), (1, "&", given), (2, "&", made), (3, "&", needed), (4, "&", name))

    def _needed(self, outputs: Iterable[Value]) -> list[_Operator]:
        """The operators that the outputs come from."""
        wanted, needed = {value.index for value in outputs}, []
        for operator in reversed(self._operators):
            if operator.output in wanted:
                wanted.update(operator.inputs.tolist())
                needed.append(operator)
        return needed[::-1]

    def _tensor(
        self, name: str, kind: str, shape: Sequence[int], levels: Levels | Sequence[Levels] | None, buffer: int = 0
    ) -> Value:
        scales = zeros = None
        if levels is not None:
            each = levels if isinstance(levels, Sequence) else [levels]
            scales = np.array([one.scale for one in each], np.float32)
            zeros = np.array([one.zero for one in each], np.int64)
        self._tensors.append(_Tensor(name, TYPES[kind], np.array(shape, np.int32), buffer, scales, zeros))
        return Value(len(self._tensors) - 1, tuple(map(int, shape)), levels if isinstance(levels, Levels) else None)


def _tensor(file: FlatBuffer, tensor: _Tensor) -> int:
    shape, name, levels = file.array(tensor.shape), file.text(tensor.name), None
    if tensor.scales is not None and tensor.zeros is not None:
        scales, zeros = file.array(tensor.scales), file.array(tensor.zeros)
        levels = file.table((2, "&", scales), (3, "&", zeros))
    return file.table((0, "&", shape), (1, "b", tensor.kind), (2, "I", tensor.buffer), (3, "&", name), (4, "&", levels))


def _operator(file: FlatBuffer, operator: _Operator) -> int:
    inputs, outputs = file.array(operator.inputs), file.array(np.array([operator.output], np.int32))
    number = options = None
    if operator.kind in OPTIONS:
        number, known = OPTIONS[operator.kind]
        fields: list[Field] = [(at, kind, operator.options.get(name)) for at, (name, kind) in enumerate(known)]
        options = file.table(*fields)
    return file.table((0, "I", operator.code), (1, "&", inputs), (2, "&", outputs), (3, "B", number), (4, "&", options))


def _buffer(file: FlatBuffer, content: bytes | None) -> int:
    return file.table((0, "&", None if content is None else file.array(np.frombuffer(content, np.uint8))))


def _indices(values: Iterable[Value]) -> np.ndarray:
    return np.array([value.index for value in values], np.int32)


def _named(file: FlatBuffer, values: Mapping[str, Value]) -> int:
    return file.references([file.table((0, "&", file.text(n)), (1, "I", value.index)) for n, value in values.items()])
