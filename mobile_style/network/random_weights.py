"""The weights that a training from scratch starts with."""

import numpy as np

from .architecture import Architecture


def random_weights(architecture: Architecture, seed: int = 0) -> dict[str, np.ndarray]:
    """Kernels as Glorot & Bengio 2010 draw them (equation 16), scales of 1 and offsets of 0: float32, by name."""
    rng = np.random.default_rng(seed)  # NumPy's, so that every backend starts from the same weights
    shapes, weights = architecture.weights(), {}
    for name, k, channels_in, channels_out, _ in architecture.convolutions():
        limit = np.sqrt(6 / (k * k * (channels_in + channels_out)))
        weights[f"{name}_kernel"] = rng.uniform(-limit, limit, shapes[f"{name}_kernel"]).astype(np.float32)
    for name, shape in shapes.items():
        if not name.endswith("_kernel"):
            weights[name] = np.full(shape, float(name.endswith("_scale")), np.float32)
    return weights
