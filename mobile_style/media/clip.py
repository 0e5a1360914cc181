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


@dataclass(frozen=True)
class Part:
    """A part of a video, which is read apart. Times are ticks of the picture's time base from the clip's beginning.

    Attributes:
        number: from 0.
        begin: time of its first frame; None for the first part.
        end: time of the first frame after it; None for the last part.
        lead: time of the key frame that decoding begins at; None for the first packet. It is the one before `begin`:
            what is shown after a key frame may refer to frames before it, and deinterlacing looks at neighbors.
        seek: decoding time of that key frame, as the container tells it.
        shape: height and width in pixels of the video's first frame, which all are fitted to.
    """

    number: int
    begin: int | None
    end: int | None
    lead: int | None
    seek: int
    shape: tuple[int, int]

    def holds(self, time: int) -> bool:
        """Whether what is shown at a time belongs to it."""
        return (self.begin is None or time >= self.begin) and (self.end is None or time < self.end)


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
