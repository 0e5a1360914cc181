"""A .tflite file, put together operator by operator (LiteRT's schema.fbs, version 3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .levels import Levels

SCHEMA_VERSION = 3
SIGNATURE = "serving_default"
OPTIONS = {  # the tables of the operators that have one
    "ADD": "AddOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "DIV": "DivOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MUL": "MulOptions",
    "SUB": "SubOptions",
}


@dataclass(frozen=True)
class Value:
    """A tensor of the file: its place there, its shape and, of 8-bit ones, what its levels stand for."""

    index: int
    shape: tuple[int, ...]
    levels: Levels | None = None


class TfliteWriter:
    """Collects the operators of a file's one graph. Constants of the same content are stored once."""

    def __init__(self) -> None:
        self.inputs: dict[str, Value] = {}
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: dict[tuple[str, int], int] = {}
        self._buffers = [schema.BufferT()]  # the first one stays empty: that of whatever is no constant
        self._constants: dict[tuple[Any, ...], Value] = {}

    def input(self, name: str, kind: str, shape: Sequence[int], levels: Levels | None = None) -> Value:
        """Adds an input of the file; `kind` is one of the schema's TensorType."""
        self.inputs[name] = self._tensor(name, kind, shape, levels)
        return self.inputs[name]

    def constant(self, name: str, values: np.ndarray, levels: Levels | Sequence[Levels] | None = None) -> Value:
        """Adds a tensor of these values; `levels` is one for all of them, or one for each along the first axis."""
        key = (values.dtype.str, values.shape, values.tobytes(), repr(levels))
        if key not in self._constants:
            made = self._tensor(name, values.dtype.name.upper(), values.shape, levels, self._buffer(values.tobytes()))
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
        **options: Any,
    ) -> Value:
        """Adds an operator with one output, of this name, kind, shape and levels, and gives the output."""
        output, made = self._tensor(name, kind, shape, levels), schema.OperatorT()
        made.opcodeIndex = self._codes.setdefault((operator, version), len(self._codes))
        made.inputs = np.array([value.index for value in inputs], np.int32)
        made.outputs = np.array([output.index], np.int32)
        if operator in OPTIONS:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, OPTIONS[operator])
            made.builtinOptions = getattr(schema, f"{OPTIONS[operator]}T")()
            for key, value in options.items():
                setattr(made.builtinOptions, key, value)
        self._operators.append(made)
        return output

    def content(self, outputs: Mapping[str, Value], metadata: Mapping[str, bytes] | None = None) -> bytes:
        """The file's bytes.

        Args:
            outputs: names and tensors; with the inputs they are the file's signature.
            metadata: what the file says beside the graph.
        """
        graph, model = schema.SubGraphT(), schema.ModelT()
        graph.name, graph.tensors, graph.operators = "main", self._tensors, self._needed(outputs.values())
        graph.inputs, graph.outputs = (_indices(values.values()) for values in (self.inputs, outputs))
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
        signature.inputs, signature.outputs = (_named(values) for values in (self.inputs, outputs))
        model.version, model.description, model.subgraphs = SCHEMA_VERSION, "mobile-style", [graph]
        model.operatorCodes, model.signatureDefs, model.metadata = [], [signature], []
        for operator, version in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, operator)
            code.version = version
            model.operatorCodes.append(code)
        model.buffers = list(self._buffers)
        for name, content in (metadata or {}).items():
            entry = schema.MetadataT()
            entry.name, entry.buffer = name, len(model.buffers)
            model.metadata.append(entry)
            model.buffers.append(_buffer(content))
        builder = _SharingBuilder(sum(len(b.data) for b in model.buffers[1:]) + 200 * len(self._tensors))
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _needed(self, outputs: Iterable[Value]) -> list[Any]:
        """The operators that the outputs come from."""
        wanted, needed = {value.index for value in outputs}, []
        for operator in reversed(self._operators):
            if operator.outputs[0] in wanted:
                wanted.update(operator.inputs)
                needed.append(operator)
        return needed[::-1]

    def _buffer(self, content: bytes) -> int:
        self._buffers.append(_buffer(content))
        return len(self._buffers) - 1

    def _tensor(
        self, name: str, kind: str, shape: Sequence[int], levels: Levels | Sequence[Levels] | None, buffer: int = 0
    ) -> Value:
        made = schema.TensorT()
        made.name, made.type, made.buffer = name, getattr(schema.TensorType, kind), buffer
        made.shape = np.array(shape, np.int32)
        if levels is not None:
            each = levels if isinstance(levels, Sequence) else [levels]
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = np.array([one.scale for one in each], np.float32)
            made.quantization.zeroPoint = np.array([one.zero for one in each], np.int64)
        self._tensors.append(made)
        return Value(len(self._tensors) - 1, tuple(map(int, shape)), levels if isinstance(levels, Levels) else None)


def _buffer(content: bytes) -> Any:
    made = schema.BufferT()
    made.data = np.frombuffer(content, np.uint8)
    return made


def _indices(values: Iterable[Value]) -> np.ndarray:
    return np.array([value.index for value in values], np.int32)


def _named(values: Mapping[str, Value]) -> list[Any]:
    made = [schema.TensorMapT() for _ in values]
    for entry, (name, value) in zip(made, values.items(), strict=True):
        entry.name, entry.tensorIndex = name, value.index
    return made


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Writes each array (a shape, a scale, a constant) and each name once, however often it is referred to."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        """Returns the array's place; writes it if it is new."""
        key = (x.dtype.str, x.tobytes())
        if key not in self.written:
            self.written[key] = super().CreateNumpyVector(x)
        return self.written[key]

    def CreateString(self, s: str, encoding: str = "utf-8", errors: str = "strict") -> int:
        """Returns the name's place; writes it if it is new."""
        key = ("name", s.encode(encoding, errors))
        if key not in self.written:
            self.written[key] = super().CreateString(s, encoding, errors)
        return self.written[key]

    def StartVector(self, element: int, count: int, alignment: int) -> int:
        """Aligns constants to 16 bytes, as TensorFlow Lite wants it."""
        return super().StartVector(element, count, 16 if element == 1 else alignment)  # type: ignore[no-any-return]
