"""Probes of the peak rate of multiplications: two small models that only multiply, timed among the others.

A model's share of the peak shows what can be gained: a model near 1 can only become faster by computing less.
"""

from pathlib import Path

import numpy as np

from ..inference.levels import Levels
from ..inference.tflite_writer import SAME, TfliteWriter

SIDE, CHANNELS, KERNEL, LAYERS = 32, 128, 3, 2  # of eight shapes tried, the fastest, equal to larger ones
MACS = LAYERS * SIDE * SIDE * CHANNELS * CHANNELS * KERNEL * KERNEL


def write_probe(path: Path, kind: str) -> None:
    """Writes a .tflite file of 3x3 convolutions with 128 channels and random weights; `kind` is "int8" or "float".

    It does `MACS` multiply-accumulates and little else.
    """
    rng, writer, picture = np.random.default_rng(0), TfliteWriter(), (1, SIDE, SIDE, CHANNELS)
    integer = kind == "int8"
    stored = "INT8" if integer else "FLOAT32"
    pixels = Levels(np.float32(0.05), 0) if integer else None
    x = writer.input("input", stored, picture, pixels)
    for layer in range(LAYERS):
        values = rng.integers(-127, 128, (CHANNELS, KERNEL, KERNEL, CHANNELS)).astype(np.int8)
        if integer:
            weights = writer.constant(f"weights{layer}", values, [Levels(np.float32(0.0003), 0)] * CHANNELS)
            units = [Levels(np.float32(0.05 * 0.0003), 0)] * CHANNELS
            bias = writer.constant("bias", np.zeros(CHANNELS, np.int32), units)
        else:
            weights = writer.constant(f"weights{layer}", values.astype(np.float32) / 4000)
            bias = writer.constant("bias", np.zeros(CHANNELS, np.float32))
        x = writer.operator(
            "CONV_2D",
            [x, weights, bias],
            f"output{layer}",
            stored,
            picture,
            pixels,
            version=3,
            padding=SAME,
            strideH=1,
            strideW=1,
        )
    path.write_bytes(writer.content({"output": x}))
