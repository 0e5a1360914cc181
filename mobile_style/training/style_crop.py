"""The part of a painting's picture that a training uses, written `LEFT,TOP,WIDTH,HEIGHT`.

Each number is pixels of the picture, or percent of its width or height: "86,0,938,640", "8%,0,92%,100%".
"""

import re
from typing import TYPE_CHECKING

from ..errors import ImageError, UsageError

if TYPE_CHECKING:
    import numpy as np

EXAMPLE = "86,0,938,640 (pixels: left, top, width, height) or 8%,0,92%,100%"
NUMBER = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(%?)")


def check_crop(text: str) -> None:
    """Raises UsageError unless `text` is a crop, or empty for the whole picture."""
    _parsed(text)


def cropped(picture: "np.ndarray", text: str, name: str = "the painting") -> "np.ndarray":
    """The part of a picture (H, W, 3) that `text` asks for; all of it for an empty one. Raises what `crop_box` does."""
    left, top, width, height = crop_box(picture, text, name)
    return picture[top : top + height, left : left + width]


def crop_box(picture: "np.ndarray", text: str, name: str = "the painting") -> tuple[int, int, int, int]:
    """The part of a picture that `text` asks for: left, top, width and height, in pixels.

    Args:
        picture: (H, W, 3).
        text: LEFT,TOP,WIDTH,HEIGHT, or empty for all of it.
        name: the picture's name, for errors.

    Raises:
        UsageError: the text is no crop.
        ImageError: the part reaches outside the picture.
    """
    numbers = _parsed(text)
    height, width = picture.shape[:2]
    if not numbers:
        return 0, 0, width, height
    left, top, wide, high = (
        value * whole / 100 if unit else value
        for (value, unit), whole in zip(numbers, (width, height, width, height), strict=True)
    )
    # Sums before they are rounded, so that parts that meet in percent meet in pixels.
    rows, columns = slice(round(top), round(top + high)), slice(round(left), round(left + wide))
    if rows.stop > height or columns.stop > width or rows.start == rows.stop or columns.start == columns.stop:
        raise ImageError(
            f"`style_crop={text}` is no part of {name}, which is {width} x {height} pixels: LEFT + WIDTH may be at "
            f"most {width}, TOP + HEIGHT at most {height}"
        )
    return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start


def _parsed(text: str) -> list[tuple[float, str]]:
    """The four numbers and their units, "%" or "" for pixels; none for an empty text."""
    if not text:
        return []
    found = [NUMBER.fullmatch(part.strip()) for part in text.split(",")]
    numbers = [(float(match[1]), match[2]) for match in found if match]
    if len(found) != 4 or len(numbers) != 4 or not numbers[2][0] or not numbers[3][0]:
        raise UsageError(f"`style_crop` takes a part of the painting such as {EXAMPLE}, not {text}")
    return numbers
