"""The fastest that a machine's runtime multiplies: two small models that do little else, to be timed beside others.

A model's share of it tells what is left to gain: one near 1 can only become faster by doing less.
"""

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SIDE, CHANNELS, KERNEL, LAYERS = 32, 128, 3, 2  # of eight shapes tried the fastest, together with larger ones
MACS = LAYERS * SIDE * SIDE * CHANNELS * CHANNELS * KERNEL * KERNEL


def write_probe(path: Path, kind: str) -> None:
    """Writes a .tflite of 3x3 convolutions of 128 channels; `kind` is "int8" or "float".

    `MACS` multiply-accumulates, nothing else; valid weights, but no meaning.
    """
    rng = np.random.default_rng(0)
    integer = kind == "int8"
    stored = schema.TensorType.INT8 if integer else schema.TensorType.FLOAT32
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    model.version, model.description, model.buffers = 3, "mobile-style probe", [schema.BufferT()]
    graph.tensors, graph.operators, graph.name = [], [], "main"
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 3

    def tensor(name: str, shape: list[int], kind: int, scales: list[float], values: np.ndarray | None = None) -> int:
        made, quantization = schema.TensorT(), schema.QuantizationParametersT()
        made.name, made.shape, made.type = name, shape, kind
        if integer:
            quantization.scale, quantization.zeroPoint = scales, [0] * len(scales)
            made.quantization = quantization
        if values is not None:
            buffer = schema.BufferT()
            buffer.data, made.buffer = np.frombuffer(values.tobytes(), np.uint8), len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    picture = [1, SIDE, SIDE, CHANNELS]
    x = tensor("input", picture, stored, [0.05])
    graph.inputs = [x]
    for layer in range(LAYERS):
        weights = rng.integers(-127, 128, (CHANNELS, KERNEL, KERNEL, CHANNELS)).astype(np.int8)
        values = weights if integer else weights.astype(np.float32) / 4000
        w = tensor(f"weights{layer}", list(weights.shape), stored, [0.0003] * CHANNELS, values)
        bias = np.zeros(CHANNELS, np.int32 if integer else np.float32)
        b = tensor(
            f"bias{layer}",
            [CHANNELS],
            schema.TensorType.INT32 if integer else stored,
            [0.05 * 0.0003] * CHANNELS,
            bias,
        )
        y = tensor(f"output{layer}", picture, stored, [0.05])
        operator, options = schema.OperatorT(), schema.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = schema.Padding.SAME, 1, 1
        options.dilationHFactor = options.dilationWFactor = 1
        operator.opcodeIndex, operator.inputs, operator.outputs = 0, [x, w, b], [y]
        operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.Conv2DOptions, options
        graph.operators.append(operator)
        x = y
    graph.outputs = [x]
    model.subgraphs, model.operatorCodes = [graph], [code]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
