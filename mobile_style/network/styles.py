"""What the styles of one network share, what each has of its own, and mixes of them.

Conditional normalization (Dumoulin et al. 2017, https://arxiv.org/abs/1610.07629): the kernels are shared; a style is
the scales and the offsets of all layers. A mix of styles is the mean of theirs, weighted.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import UsageError
from .architecture import Architecture

Mix = Mapping[str, float]
WHOLE = 255  # what the shares of a mix add up to as bytes


def own_arrays(architecture: Architecture) -> tuple[str, ...]:
    """The names of the arrays that each style has of its own."""
    return tuple(name for name in architecture.weights() if not name.endswith("_kernel"))


def mixed(
    architecture: Architecture, weights: Mapping[str, np.ndarray], names: Sequence[str], mix: Mix
) -> dict[str, np.ndarray]:
    """The arrays of a network of one style.

    Args:
        architecture: the network's shape.
        weights: its arrays by name; those of `own_arrays` (styles, ...).
        names: of the styles.
        mix: each style's share by name; together 1.
    """
    shares = np.array([mix.get(name, 0.0) for name in names])
    own = own_arrays(architecture)
    return {
        # A style alone is taken as it is, without a product or a sum that could change a bit.
        name: (value[int(shares.argmax())] if shares.max() == 1 else np.tensordot(shares, value, 1).astype(np.float32))
        if name in own
        else value
        for name, value in weights.items()
    }


def parse_mix(text: str, names: Sequence[str]) -> dict[str, float]:
    """The shares of "udnie" or "starry_night=0.7,udnie=0.3", made to add up to 1.

    Raises:
        UsageError: a style is unknown or named twice, or a share no positive number.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        if name not in names:
            raise UsageError(f"`mix`: there is no style {name!r}; choose from {', '.join(names)}")
        if name in shares:
            raise UsageError(f"`mix={text}` names {name} twice")
        try:
            shares[name] = float(number or 1)
        except ValueError:
            raise UsageError(f"`mix` takes names and shares such as {names[0]}=0.7, not {part.strip()}") from None
    if not all(0 <= share < 1e6 for share in shares.values()) or not sum(shares.values()) > 0:
        raise UsageError(f"`mix={text}`: shares must not be negative, and one must be above 0")
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def shares_of(text: str, names: Sequence[str]) -> np.ndarray:
    """A mix as the second input of a file of many styles: (styles,) float32 that add up to 1.

    Raises:
        UsageError: as `parse_mix`.
    """
    mix = parse_mix(text, names)
    return np.array([mix.get(name, 0.0) for name in names], np.float32)


def share_bytes(shares: np.ndarray) -> np.ndarray:
    """Shares, (styles,), as bytes that add up to `WHOLE`: rounded down, and the largest remainders up.

    The page does the same (worker.js).
    """
    exact = shares.astype(np.float64) * WHOLE
    levels: np.ndarray = np.floor(exact).astype(np.uint8)
    left = WHOLE - int(levels.sum(dtype=int))
    levels[np.argsort(levels - exact, kind="stable")[:left]] += 1
    return levels


def trial_mixes(names: Sequence[str]) -> list[str]:
    """What a file of many styles is judged by: each style, and each half and half with the next."""
    pairs = list(zip(names, [*names[1:], *names[:1]], strict=True))
    return [*names, *(f"{one}=0.5,{other}=0.5" for one, other in pairs[: len(names) if len(names) > 2 else 1])]
