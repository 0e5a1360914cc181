"""Observes what a network computes on photos, in float; int8 ranges are chosen from it."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .float_ops import INPUT, FloatOps, mix_in
from .fold import styles_photos
from .graph import Convolution, forward, picked, styles
from .interpreter import Loaded
from .levels import Range
from .tflite_writer import TfliteWriter, Value

SAMPLES = 200_000  # values of each tensor that are kept


@dataclass
class Observed:
    """What was observed, on all photos together.

    Attributes:
        samples: some values of every tensor that an int8 file will hold, by its name, except parts of gains, which
            float computes differently.
        factors: what multiplies the samples of a normalized layer's convolution, by the convolution's name.
        magnitudes: (N, C), by the normalized layer's name.
        scales: (N, C), what the gains of each of them are multiples of, by the normalized layer's name.
        rows: for each normalized layer, by name, the lowest and the highest of the rows' means, by the name of the part
            of an int8 gain that holds them (`Int8Ops.gain`).
    """

    samples: dict[str, np.ndarray] = field(default_factory=dict)
    factors: dict[str, np.ndarray] = field(default_factory=dict)
    magnitudes: dict[str, np.ndarray] = field(default_factory=dict)
    scales: dict[str, np.ndarray] = field(default_factory=dict)
    rows: dict[str, dict[str, Range]] = field(default_factory=dict)


def observe(convolutions: Sequence[Convolution], photos: np.ndarray) -> Observed:
    """Runs the network on each of (N, H, W, 3) uint8 photos."""
    graph = TfliteWriter()
    ops, image = _Observing(graph), graph.input(INPUT, "FLOAT32", (1, *photos.shape[1:]))
    ops.mix = mix_in(graph, styles(convolutions))
    forward(ops, convolutions, image)
    outputs = {value.index: value for value in (*ops.named.values(), *ops.normalized.values())}
    network = Loaded(graph.content({str(index): value for index, value in outputs.items()}))
    normalized = [c for c in convolutions if c.scale is not None]
    samples, factors, magnitudes, scales = (defaultdict[str, list[np.ndarray]](list) for _ in range(4))
    rows: dict[str, dict[str, Range]] = {c.name: {} for c in normalized}
    pairs = [(shares, photo) for shares, some in styles_photos(convolutions, photos) for photo in some]
    for number, (shares, photo) in enumerate(pairs):
        mix = [] if ops.mix is None else [shares.reshape(ops.mix.shape)]
        values = dict(zip(outputs, network(photo[None].astype(np.float32), *mix), strict=True))
        gains = {}
        for c, one in zip(normalized, picked(normalized, shares), strict=True):
            assert one.scale is not None
            scales[c.name].append(one.scale)
            magnitude = values[ops.named[f"{c.name}_gain_magnitude"].index].ravel()
            gains[f"{c.name}_linear"] = one.scale / (magnitude + c.floor)
            magnitudes[c.name].append(magnitude)
            for part, means in row_means(values[ops.normalized[c.name].index]).items():
                low, high = rows[c.name].get(part, (0.0, 0.0))
                rows[c.name][part] = min(low, float(means.min())), max(high, float(means.max()))
        for name, value in ops.named.items():
            if not name.endswith("_magnitude"):
                places = _places(value, number, len(pairs))
                samples[name].append(values[value.index].reshape(-1)[places])
                if name in gains:  # (where pixels are enlarged, four times as many channels take their gains in turn)
                    factors[name].append(gains[name][places % len(gains[name])])
    return Observed(_joined(samples), _joined(factors), _stacked(magnitudes), _stacked(scales), rows)


def row_means(x: np.ndarray) -> dict[str, np.ndarray]:
    """What `Int8Ops.gain` computes of each row of (N, H, W, C): (N, H, C), by the last part of the tensor's name."""
    positive, mean = np.maximum(x, 0).mean(axis=2), x.mean(axis=2)
    return {"_positive": positive, "_mean": mean, "_negative": positive - mean, "_rows": 2 * positive - mean}


def _joined(parts: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate(each) for name, each in parts.items()}


def _stacked(parts: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.stack(each) for name, each in parts.items()}


@dataclass
class _Observing(FloatOps):
    normalized: dict[str, Value] = field(default_factory=dict)

    def magnitude(self, x: Value, name: str) -> Value:
        self.normalized[name.removesuffix("_gain")] = x
        return super().magnitude(x, name)


def _places(tensor: Value, number: int, photos: int) -> np.ndarray:
    """Which of a photo's values are kept: evenly spread over all photos, and over all channels."""
    size = math.prod(tensor.shape)
    step = max(1, photos * size // SAMPLES)
    while math.gcd(step, tensor.shape[-1]) > 1:  # or it would see some of the channels only
        step += 1
    return np.arange(-number * size % step, size, step)
