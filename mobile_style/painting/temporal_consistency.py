"""How much a network's pictures of neighboring video frames differ, where only the camera moved.

The motion is synthetic, so it is known exactly: shifts by whole pixels, and zooms.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ..media import images

SHIFTS = ((0, 1), (1, 0), (2, 3), (5, 2))  # pixels down and right, from one frame to the next
ZOOMS = (1.01, 1.03)


def temporal_error(paint: Callable[[np.ndarray], np.ndarray], photo: np.ndarray, size: int) -> float:
    """Difference of consecutive stylized frames, the earlier one warped by the motion between them.

    The temporal error of Huang et al. 2017 ("Real-Time Neural Style Transfer for Videos", section 4.2): the root
    of the mean squared difference, over all movements.

    Args:
        paint: stylizes a frame, (H, W, 3) uint8.
        photo: (H, W, 3) uint8; what the camera sees.
        size: side of a frame, in pixels.

    Returns:
        Gray levels, 0..255.
    """
    room = max(max(shift) for shift in SHIFTS)
    scene = images.center_square(photo, size + room)
    before = scene[:size, :size]
    stylized = paint(before).astype(np.float32)
    squared = []
    for down, right in SHIFTS:
        after = paint(scene[down : down + size, right : right + size]).astype(np.float32)
        squared.append(_mean_square(after[: size - down, : size - right] - stylized[down:, right:]))
    for zoom in ZOOMS:
        after = paint(_zoomed(before, zoom)).astype(np.float32)
        squared.append(_mean_square(after - _zoomed(stylized.astype(np.uint8), zoom)))
    return float(np.sqrt(np.mean(squared)))


def _mean_square(difference: np.ndarray) -> float:
    edge = len(difference) // 16  # not compared: beyond it, the two frames show different things
    return float(np.mean(np.square(difference[edge:-edge, edge:-edge])))


def _zoomed(frame: np.ndarray, zoom: float) -> np.ndarray:
    """The frame as a camera that zooms in sees it, (H, W, 3)."""
    height, width, _ = frame.shape
    left, top = width * (1 - 1 / zoom) / 2, height * (1 - 1 / zoom) / 2
    box = (left, top, width - left, height - top)
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC, box=box))
