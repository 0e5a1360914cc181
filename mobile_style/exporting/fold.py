"""From a trained network to the convolutions of the exported graph."""

from typing import Any

import numpy as np
from keras import ops

from ..network.transform_net import EPSILON, INPUT_SCALE, OUTPUT_OFFSET, OUTPUT_SCALE, TransformNet, image_magnitude
from .graph import Convolution, phases

Tensor = Any  # a tensor of whichever backend Keras runs on


def fold(network: TransformNet, photos: np.ndarray) -> list[Convolution]:
    """The network as phones run it, for `graph.forward`.

    Args:
        network: a trained one.
        photos: (N, H, W, 3) uint8, ordinary ones. Each normalised channel is scaled so that its mean
            absolute value on them is 1, which the normalisation undoes: float16 stays far from its limits,
            and the channels of a layer can share one int8 range.
    """
    typical: dict[int, np.ndarray] = {}

    def record(index: int, x: Tensor) -> Tensor:
        magnitude = image_magnitude(index, x)
        typical[index] = np.maximum(ops.convert_to_numpy(magnitude).mean((0, 1, 2)), EPSILON)
        return magnitude

    network(ops.convert_to_tensor(photos.astype(np.float32)), magnitude=record)
    done = []
    for index, (name, k, channels_in, channels_out, _) in enumerate(network.architecture.convolutions()):
        kernel = ops.convert_to_numpy(network.kernels[index].value).reshape(k, k, channels_in, channels_out)
        offset, scale, floor = np.zeros(channels_out, np.float32), None, None
        if (own := network.offsets[index]) is not None:
            offset = ops.convert_to_numpy(own.value)
        if name == "stem":
            kernel = kernel * INPUT_SCALE
        if name == "out":
            kernel, offset = kernel * OUTPUT_SCALE, offset * OUTPUT_SCALE + OUTPUT_OFFSET
        if (factors := network.scales[index]) is not None:
            scale = ops.convert_to_numpy(factors.value)
            kernel, floor = kernel * np.sign(scale) / typical[index], EPSILON / typical[index]
            scale = np.abs(scale)
        kernel = phases(kernel) if name.startswith("up") else kernel
        strides, relu = 2 if name.startswith("down") else 1, not (name == "out" or name.endswith("b"))
        done.append(Convolution(name, kernel, offset, scale, floor, strides, relu))
    return done
