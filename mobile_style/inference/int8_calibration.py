"""Where int8 is decided: the range of every tensor, and how gains are interpolated.

Weights are rounded per output channel, symmetrically; activations per tensor, to 256 levels that
include zero (Jacob et al. 2018, https://arxiv.org/abs/1712.05877, the scheme of TensorFlow Lite).
Pixels need no choice: 0..255 with scale 1 at both ends.

`calibrate` sends a representative dataset through the network in float. Each tensor gets the range with the least
squared error in what the next layer sees of it: a few clipped peaks cost less than a coarse step for everything else.
Biases stay as they were trained: correcting them by the mean errors on the dataset (Nagel et al. 2019,
https://arxiv.org/abs/1906.04721) makes other photos worse (docs/quantization.md).
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np

from ..media import images
from ..network.architecture import SMALLEST
from ..network.catalog import bundled_photos
from ..progress import Progress, silent
from .float_ops import PIXELS
from .graph import Convolution, common
from .int8_ops import Quantization, reciprocal_terms
from .interpreter import cores
from .levels import Levels, Range
from .observe import Observed, observe

SHRINKS = np.geomspace(1.0, 0.15, 29)  # fractions of the full range that are tried
MARGIN = 1.25  # of magnitudes and gains: other photos may have larger and smaller ones
KNOTS = 13
ALL: Range = (-math.inf, math.inf)
PHOTOS = 32
PIXELS_IN_ALL = 1_200_000  # enough for ranges and means, and within 2 GB of memory


def calibration_photos(folder: Path | None, size: tuple[int, int], progress: Progress = silent) -> np.ndarray:
    """A representative dataset, in the shape that the app will pass, or smaller if many would not fit into memory.

    Args:
        folder: a folder of photos; None for the bundled training photos.
        size: (height, width) of the pictures.
        progress: called with a note for each file that cannot be read.

    Returns:
        (N, H, W, 3) uint8.

    Raises:
        ImageError: there are none, or none can be read.
    """
    folder = folder or bundled_photos("train")
    count = len(images.photos(folder, PHOTOS))
    scale = min(1.0, (PIXELS_IN_ALL / count / (size[0] * size[1])) ** 0.5)
    height, width = (max(SMALLEST, round(side * scale)) for side in size)
    height, width = (max(SMALLEST, side // 4 * 4) for side in (height, width))
    read = images.read_photos(folder, PHOTOS, progress)
    return np.stack([images.center_crop(photo, height, width) for _, photo in read])


def calibrate(convolutions: Sequence[Convolution], photos: np.ndarray) -> Quantization:
    """Chooses what int8 needs on a representative dataset.

    Args:
        convolutions: the network's convolutions.
        photos: (N, H, W, 3) uint8; 16 to 64 photos, N * H * W up to about 2 million pixels.
    """
    seen, chosen = observe(convolutions, photos), Quantization({convolutions[-1].name: PIXELS})
    cuts = _cuts(convolutions)
    names = [name for name in seen.samples if name not in chosen.ranges]
    with ThreadPoolExecutor(cores()) as pool:  # NumPy lets other threads work while it computes
        factors, limits = [seen.factors.get(name) for name in names], [cuts.get(name, ALL) for name in names]
        found = pool.map(best_range, (seen.samples[name] for name in names), factors, limits)
        chosen.ranges |= dict(zip(names, found, strict=True))
    for convolution in convolutions:
        if convolution.scale is not None:
            _interpolate(convolution, seen, chosen)
    return chosen


def _cuts(convolutions: Sequence[Convolution]) -> dict[str, Range]:
    """The limits beyond which the ReLU6 after the offset leaves only 0 or 6: no levels are spent on such products.

    No ReLU6 follows a block's second convolution: its peaks are seen. The last one's output ends at 0 and 255.
    """
    cuts = {}
    for c in convolutions:
        offsets, highest = c.offset - common(c), 6.0 if c.relu else PIXELS[1]
        beyond = min(0.0, -float(offsets.max())), highest - min(0.0, float(offsets.min()))
        if c.relu and c.scale is not None:
            cuts[f"{c.name}_linear"] = (-6.0, 6.0)
            cuts[f"{c.name}_scaled"] = beyond
        elif c.scale is None and c.offset.ndim == 2:  # offsets that styles differ in come after the convolution
            cuts[f"{c.name}_linear"] = beyond
    return cuts


def _interpolate(layer: Convolution, seen: Observed, chosen: Quantization) -> None:
    """Chooses the knots of a layer's gain, and the ranges of its parts."""
    assert layer.scale is not None and layer.floor is not None
    name, magnitudes = f"{layer.name}_gain", seen.magnitudes[layer.name]
    lowest, highest = max(float(magnitudes.min()), 0.05), max(float(magnitudes.max()), 0.1)
    chosen.knots[name] = np.geomspace(lowest / MARGIN, highest * MARGIN, KNOTS)
    weights, biases = reciprocal_terms(chosen.knots[name], layer.floor)
    terms = np.maximum(magnitudes[..., None] * weights + biases, 0)
    reciprocals = terms.sum(axis=-1)
    gains = reciprocals * seen.scales[layer.name]
    parts = {
        "_magnitude": magnitudes.max(),
        "_terms": terms.max(),
        "_reciprocal": reciprocals.max(),
        "": gains.max(),
    }
    chosen.ranges |= {f"{name}{part}": (0.0, MARGIN * float(largest)) for part, largest in parts.items()}
    if (lowest := float(gains.min())) < 0:  # of a style whose sign is another one's
        chosen.ranges[name] = MARGIN * lowest, chosen.ranges[name][1]
    for part, (low, high) in seen.rows[layer.name].items():
        chosen.ranges[f"{name}{part}"] = MARGIN * low, MARGIN * high


def best_range(values: np.ndarray, factors: np.ndarray | None = None, cut: Range = ALL) -> Range:
    """The range whose 256 levels come nearest to the values, by the mean squared error of the part that matters.

    Args:
        values: (N,) float32.
        factors: (N,), what later multiplies the values; None for 1.
        cut: limits of the products; a product beyond them counts as the limit.
    """
    lowest, highest = min(0.0, float(values.min())), max(0.0, float(values.max()))
    if lowest == highest:
        return 0.0, 1.0
    unlimited = cut == ALL

    def matters(x: np.ndarray) -> np.ndarray:
        """Changes x in place."""
        if factors is not None:
            x *= factors
        return x if unlimited else np.clip(x, *cut, out=x)

    wanted, rounded = matters(values.copy()), np.empty_like(values)

    def candidate(place: tuple[int, ...]) -> Range:
        return lowest * SHRINKS[place[0]], highest * SHRINKS[place[1]]

    def error(place: tuple[int, ...]) -> float:
        levels = Levels.spanning(candidate(place))
        np.multiply(values, 1 / levels.scale, out=rounded)
        np.rint(rounded, out=rounded)
        np.clip(rounded, -128 - levels.zero, 127 - levels.zero, out=rounded)
        np.multiply(rounded, levels.scale, out=rounded)
        difference = np.subtract(matters(rounded), wanted, out=rounded)
        return float(difference @ difference)

    # Every sixth fraction, then ever nearer around the best of those: the error has one valley.
    belows, aboves = range(len(SHRINKS) if lowest < 0 else 1), range(len(SHRINKS))
    best: tuple[int, ...] = min(product(belows[::6], aboves[::6]), key=error)
    for step, reach in ((2, 4), (1, 1)):
        around = [
            [place for place in range(at - reach, at + reach + 1, step) if place in places]
            for at, places in zip(best, (belows, aboves), strict=True)
        ]
        best = min(product(*around), key=error)
    return candidate(best)
