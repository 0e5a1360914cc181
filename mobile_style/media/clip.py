"""What videos and animated pictures are read as: one frame after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Frame:
    """One picture of a clip.

    Attributes:
        pixels: (H, W, 3) uint8, RGB, in square pixels, upright.
        alpha: (H, W) uint8, or None where the clip has no transparency.
        time: seconds from the clip's beginning.
        duration: seconds until the next frame.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    time: Fraction
    duration: Fraction


class Clip(Protocol):
    """A video or an animated picture that is open for reading.

    Attributes:
        count: how many frames it is said to have; 0 if that is not told.
        rate: frames a second, the mean.
        time_base: seconds that all times are multiples of.
        transparent: whether its frames have an alpha channel.
        remarks: what was damaged or is left out, complete once all frames were read.
    """

    count: int
    rate: Fraction
    time_base: Fraction
    transparent: bool
    remarks: list[str]

    def frames(self) -> Iterator[Frame]:
        """The frames in the order in which they are shown, their times increasing."""
