"""The interface of videos and animated pictures that are read frame by frame."""

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
        alpha: (H, W) uint8, or None if the frame has no transparency.
        time: seconds from the clip's beginning.
        duration: seconds until the next frame.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    time: Fraction
    duration: Fraction


@dataclass(frozen=True)
class Part:
    """A part of a video, read independently. Times are ticks of the stream's time base from the clip's beginning.

    Attributes:
        number: from 0.
        begin: time of its first frame; None for the first part.
        end: time of the first frame after it; None for the last part.
        lead: time of the key frame at which decoding begins; None for the file's beginning. It is the key frame before
            `begin`: frames after a key frame may refer to frames before it, and deinterlacing uses neighbors.
        seek: decoding time of that key frame, as in the container.
        shape: (height, width) in pixels of the video's first frame; all frames are fitted to it.
    """

    number: int
    begin: int | None
    end: int | None
    lead: int | None
    seek: int
    shape: tuple[int, int]

    def holds(self, time: int) -> bool:
        """Whether a frame shown at this time belongs to the part."""
        return (self.begin is None or time >= self.begin) and (self.end is None or time < self.end)


class Clip(Protocol):
    """A video or an animated picture that is open for reading.

    Attributes:
        count: number of frames according to the file; 0 if unknown.
        rate: frames per second, on average.
        time_base: unit of all times, in seconds.
        transparent: whether its frames have an alpha channel.
        remarks: what was damaged or left out; complete once all frames have been read.
    """

    count: int
    rate: Fraction
    time_base: Fraction
    transparent: bool
    remarks: list[str]

    def frames(self) -> Iterator[Frame]:
        """The frames in the order in which they are shown, with increasing times."""
