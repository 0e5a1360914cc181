"""Files for pictures that are painted in parts: the magnitudes to divide by do not come from the part itself.

`magnitudes` gives each normalized layer's magnitudes over several crops of a picture; `tile` takes gains, which `gains`
makes of magnitudes, as inputs. All are float32. With many styles, the mix is an input after the picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .float_ops import INPUT, OUTPUT, mix_in
from .graph import Convolution, forward, styles
from .paired_ops import PairedOps
from .tflite_writer import TfliteWriter, Value


def magnitudes(
    convolutions: Sequence[Convolution], shape: tuple[int, int, int], trims: tuple[int, int] = (0, 0)
) -> bytes:
    """A .tflite file that gives the mean absolute value of each channel of each normalized layer.

    All pictures of the batch share them: each layer is divided by the mean over the whole batch.

    Args:
        convolutions: the network's.
        shape: (pictures, height, width) of the input; sides are multiples of 4.
        trims: pixels along the top and bottom, and along the left and right, that do not count; multiples of 4.

    Returns:
        The file: input (N, H, W, 3), RGB, 0..255; an output (1, 1, 1, C) for each layer that has a scale, in their
        order.
    """
    graph = TfliteWriter()
    ops = _Shared(graph, shape=shape, trims=trims)
    forward(ops, convolutions, graph.input(INPUT, "FLOAT32", (*shape, 3)))
    return graph.content(ops.found)


def shared_gains(convolutions: Sequence[Convolution], shape: tuple[int, int, int], weights: str = "float32") -> bytes:
    """Like `magnitudes`, with the gains that `tile` takes as outputs; `weights` are float32 or float16."""
    graph = TfliteWriter()
    ops, image = _SharedGains(graph, weights, shape=shape), graph.input(INPUT, "FLOAT32", (*shape, 3))
    ops.mix = mix_in(graph, styles(convolutions))
    forward(ops, convolutions, image)
    return graph.content(ops.gains)


def tile(convolutions: Sequence[Convolution], size: tuple[int, int], weights: str = "float32") -> bytes:
    """A .tflite file that paints with given gains.

    Args:
        convolutions: the network's.
        size: (height, width) of the input.
        weights: float32 or float16.

    Returns:
        The file: inputs (1, height, width, 3), RGB, 0..255, and (1, 1, 1, C) for each layer that has a scale, in
        their order; output (1, height, width, 3).
    """
    graph = TfliteWriter()
    ops, image = _GivenGains(graph, weights), graph.input(INPUT, "FLOAT32", (1, *size, 3))
    ops.mix = mix_in(graph, styles(convolutions))
    return graph.content({OUTPUT: ops.clipped(forward(ops, convolutions, image), "stylized")})


def gains(convolutions: Sequence[Convolution], found: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Turns what `magnitudes` gives into what `tile` takes."""
    layers = [(c.scale, c.floor) for c in convolutions if c.scale is not None]
    return [scale / (each + floor) for (scale, floor), each in zip(layers, found, strict=True)]


class _GivenGains(PairedOps):
    def gain(self, x: Value, scale: np.ndarray, floor: np.ndarray, name: str) -> Value:
        return self.graph.input(name, "FLOAT32", (1, 1, 1, scale.shape[-1]))


@dataclass
class _Shared(PairedOps):
    shape: tuple[int, int, int] = (1, 0, 0)
    trims: tuple[int, int] = (0, 0)

    @property
    def found(self) -> Mapping[str, Value]:
        return {name: value for name, value in self.named.items() if name.endswith("_gain_magnitude")}

    def magnitude(self, x: Value, name: str) -> Value:
        for axis, trim in zip((1, 2), self.trims, strict=True):
            margin = trim * x.shape[axis] // self.shape[axis]
            x = self.take(x, axis, margin, x.shape[axis] - 2 * margin) if margin else x
        images, _, _, channels = x.shape
        each = self._mean(self._made("ABS", [x], f"{name}_abs", x.shape), f"{name}_each")
        return self._mean(self._reshaped(each, (1, images, 1, channels)), f"{name}_magnitude")


@dataclass
class _SharedGains(_Shared):
    gains: dict[str, Value] = field(default_factory=dict)

    def gain(self, x: Value, scale: np.ndarray, floor: np.ndarray, name: str) -> Value:
        self.gains[name] = super().gain(x, scale, floor, name)
        return self.gains[name]
