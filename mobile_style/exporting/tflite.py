"""The network as a TensorFlow Lite file, by each recipe."""

import json
from collections.abc import Sequence
from typing import Any

from ..inference.float_ops import INPUT, OUTPUT, FloatOps, mix_in
from ..inference.graph import Convolution, forward, styles
from ..inference.int8_ops import Int8Ops, Quantization, bytes_in, shares_in
from ..inference.tflite_writer import TfliteWriter
from .card import METADATA
from .recipes import Recipe

# The first TensorFlow Lite that has all operators, by what computes.
OLDEST_RUNTIME = {"float32": b"2.1.0", "float16": b"2.1.0", "dynamic_int8": b"2.4.0", "int8": b"2.5.0"}


def convert(
    convolutions: Sequence[Convolution],
    recipe: Recipe,
    size: tuple[int, int],
    quantization: Quantization | None,
    card: dict[str, Any],
) -> bytes:
    """The bytes of a .tflite file.

    Args:
        convolutions: the network's.
        recipe: a row of recipes.py with the target "tflite".
        size: (height, width) of the pictures that the file takes.
        quantization: where the recipe's activations are int8; else None.
        card: what the file says about itself.

    Returns:
        A model of one subgraph; tensors "image" and "stylized", (1, H, W, 3), RGB, 0..255. Of many styles, its second
        input is "mix", (1, 1, 1, styles): shares that add up to 1 or, in int8, bytes that add up to 255.
    """
    graph, count = TfliteWriter(), styles(convolutions)
    if quantization is None:
        ops = FloatOps(graph, recipe.weights)
        image = graph.input(INPUT, "FLOAT32", (1, *size, 3))
        ops.mix = mix_in(graph, count)
    else:
        ops = Int8Ops(graph, quantization=quantization)
        image = bytes_in(graph, size)
        ops.mix = shares_in(graph, count)
    output = ops.clipped(forward(ops, convolutions, image), "stylized")
    metadata = {"min_runtime_version": OLDEST_RUNTIME[recipe.name].ljust(16, b"\0")}
    if recipe.weights == "float16":  # phones that multiply float16 may, sums being float32
        metadata["reduced_precision_support"] = b"fp16accfp32"
    return graph.content({OUTPUT: output}, metadata | {METADATA: json.dumps(card).encode()})
