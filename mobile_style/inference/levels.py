"""The 256 values that an 8-bit tensor can hold (Jacob et al. 2018, https://arxiv.org/abs/1712.05877, section 2.1)."""

from dataclasses import dataclass

import numpy as np

Range = tuple[float, float]

HALFWAY = 2**-15  # levels; a mean on x86 was seen to be wrong by 1.9e-5
TRIES, AT_ONCE = 300, 20


@dataclass(frozen=True)
class Levels:
    """A level stands for scale * (level - zero); int8 levels are -128 to 127."""

    scale: np.float32
    zero: int

    @classmethod
    def spanning(cls, limits: Range) -> "Levels":
        """256 levels from about the lowest to the highest value; zero lies within these limits and is a level."""
        lowest, highest = (np.float64(np.float32(limit)) for limit in limits)
        scale = (highest - lowest) / 255 or 1.0  # of nothing but zeros: any
        return cls(np.float32(scale), int(np.clip(np.floor(-128 - lowest / scale + 0.5), -128, 127)))

    def of(self, values: np.ndarray) -> np.ndarray:
        """The int8 levels nearest to the values."""
        nearest = np.rint(values.astype(np.float64) / np.float64(self.scale)) + self.zero
        levels: np.ndarray = np.clip(nearest, -128, 127).astype(np.int8)
        return levels


def kernel_levels(kernel: np.ndarray, least: np.ndarray | float = 1e-30) -> tuple[np.ndarray, list[Levels]]:
    """Weights (out, ...) as int8; each output channel has its own levels, whose scale is at least `least`."""
    largest = np.abs(kernel).reshape(len(kernel), -1).max(axis=1).astype(np.float64)
    scales = np.maximum(largest / 127, least)
    levels = np.rint(kernel / scales.reshape(-1, *[1] * (kernel.ndim - 1))).astype(np.int8)
    return levels, [Levels(np.float32(scale), 0) for scale in scales]


def product_levels(one: Levels, other: Levels, limits: Range) -> Levels:
    """Levels near `limits` for products of two int8 tensors; no product lies halfway between two levels."""
    results = np.outer(*(np.arange(-128, 128) - each.zero for each in (one, other)))
    return _decided(results, np.float64(one.scale) * other.scale, limits)


def mean_levels(of: Levels, count: int, limits: Range) -> Levels:
    """Levels near `limits` for means of `count` values of a tensor whose lowest level stands for zero."""
    return _decided(np.arange(255 * count + 1), np.float64(of.scale) / count, limits)


def _decided(results: np.ndarray, scale: np.float64, limits: Range) -> Levels:
    """Levels without ties, whose scale is millionths above that of the limits; those with the fewest if all have some.

    XNNPACK's kernels for x86, WebAssembly and ARM compute products and means in floats or in fixed point, and round
    values halfway between two levels differently: a file would paint other bytes on a phone.
    """
    wanted = Levels.spanning(limits)
    candidates = wanted.scale * (1 + 1e-6 * np.arange(TRIES)).astype(np.float32)
    counts: list[int] = []
    while len(counts) < TRIES and 0 not in counts:  # mostly, one of the first has none
        some = candidates[len(counts) : len(counts) + AT_ONCE]
        counts += ties(results, scale / some.astype(np.float64)).tolist()
    return Levels(candidates[np.argmin(counts)], wanted.zero)


def ties(results: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """How many integer results, times each scale, lie halfway between two of the 256 levels, or nearly halfway.

    Args:
        results: of either sign; equal ones, or ones that differ only in sign, count once.
        scales: at least 2 * HALFWAY, so that at most one result is that near to each halfway point.
    """
    possible = np.zeros(int(np.abs(results).max()) + 2, bool)
    possible[np.abs(results)] = True
    halves = np.arange(256) + 0.5
    scales = np.asarray(scales)[..., None]
    nearest = np.rint(halves / scales)
    near = np.abs(nearest * scales - halves) < HALFWAY
    counts: np.ndarray = (near & possible[np.minimum(nearest, len(possible) - 1).astype(int)]).sum(axis=-1)
    return counts
