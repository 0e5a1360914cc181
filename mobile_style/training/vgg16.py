"""The weights of the loss network: VGG-16 up to conv4_3, as trained for ImageNet classification."""

from functools import cache
from hashlib import sha256

import numpy as np

from ..errors import MobileStyleError
from ..network.catalog import DATA
from .objective import VGG16_LAYERS

FILE = DATA / "vgg16_imagenet_conv1_1-conv4_3.npz"
SHA256 = "57216503dd1dd688081c8bd7314e3023e30a51967c23a76988dd5b60b2d53d50"
MEAN_RGB = (123.68, 116.779, 103.939)  # is subtracted from the pixels


@cache
def vgg16_weights() -> list[tuple[np.ndarray, np.ndarray]]:
    """(kernel, bias) of each layer, float32, kernels (3, 3, in, out) for RGB input."""
    try:
        content = FILE.read_bytes()
    except OSError as error:
        raise MobileStyleError(f"the loss network's weights are missing ({error}); reinstall mobile-style") from None
    if sha256(content).hexdigest() != SHA256:
        raise MobileStyleError(f"{FILE} is damaged (wrong sha256); reinstall mobile-style")
    weights = []
    with np.load(FILE) as arrays:
        for layer in VGG16_LAYERS:
            kernel = arrays[f"conv{layer}.weight"].astype(np.float32).transpose(2, 3, 1, 0)
            weights.append((kernel, arrays[f"conv{layer}.bias"].astype(np.float32)))
    kernel, bias = weights[0]
    weights[0] = (np.ascontiguousarray(kernel[:, :, ::-1]), bias)  # the file's input channels are B, G, R
    return weights
