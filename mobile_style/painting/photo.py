"""Paints a photo's file into another: every page, with its metadata."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import ImageError, OutputError
from ..media import images
from ..media.decoding import Picture, decode
from ..media.metadata import Metadata


def convert(
    source: Path,
    target: Path,
    paint_over: Callable[[np.ndarray], None],
    size: int | None,
    metadata: bool = True,
) -> list[str]:
    """Writes `source` painted; transparency, EXIF data and the pages of a TIFF file are kept.

    Args:
        source: a picture file of any kind that is read.
        target: its suffix decides the format.
        paint_over: changes a (H, W, 3) uint8 picture in its own memory.
        size: shorter side of the result in pixels, or None for the source's own.
        metadata: write date, place, comment and the like, too.

    Returns:
        Remarks on what was damaged or left out, without the file's name.

    Raises:
        ImageError: the source cannot be read, or the target's format cannot hold it.
        OutputError: the target cannot be written.
    """
    pages = decode(source, everything=True)
    remarks = [remark for page in pages for remark in page.remarks]
    try:
        file_format = images.format_of(target, any(page.alpha is not None for page in pages))
    except OutputError as error:  # of this photo alone
        raise ImageError(str(error)) from None
    if len(pages) > 1 and file_format != "TIFF":
        remarks.append(f"left out: the pages after the first, which {target.suffix} cannot hold; .tif can")
        del pages[1:]
    told = pages[0].metadata if metadata else Metadata()
    try:
        painted = [_sized(page, size) for page in pages]
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from None
    del pages  # whose pixels, where they were resized, are in the way
    for pixels, _ in painted:
        paint_over(pixels)
    if lost := images.save_pages(painted, target, told):
        remarks.append(f"left out: {', '.join(lost)}")
    return remarks


def _sized(page: Picture, size: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    if size is None:
        return page.pixels, page.alpha
    alpha = None if page.alpha is None else images.with_shorter_side(page.alpha, size)
    return images.with_shorter_side(page.pixels, size), alpha
