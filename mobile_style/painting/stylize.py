"""Paints pictures of any size with a trained network.

The network divides each channel by its mean absolute value over the whole image. Tiles painted separately would each
get their own mean, and the seams would show. So a large image is painted in two passes: crops spread over it give,
together, the gains of every layer; then every tile is painted with these. Tiles overlap by the network's reach, so that
with the same gains a pixel comes out the same whichever tile it lies in, and there is no seam to hide.
"""

import math
from collections.abc import Callable, Iterator
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from PIL import Image

from ..errors import ImageError, UsageError
from ..inference.network import Network, load_network
from ..media import images
from ..network.catalog import DEFAULT, reference
from .enlarge import enlarged_bands, reduced
from .grain import grained_part

if TYPE_CHECKING:
    from ..inference.int8_network import Int8Network

WHOLE = 1024 * 1024  # pixels up to which a picture is painted all at once, which takes the memory of one tile
TILE = 1024  # side of a tile with its overlap; its graph takes 400 MB
SAMPLE_CROPS = 4  # per side: 16 crops of SAMPLE_SIDE pixels give the gains of a large image
SAMPLE_SIDE = 384
FINE_SIDE = 540  # pixels of a picture's shorter side, above which strokes are made broader
BROADEST = 3.0  # times, where the size decides: a stroke is soft then, looked at closely
LARGEST_INT8 = 4_000_000  # pixels: int8 paints a picture all at once, in 280 bytes a pixel
PRECISIONS = ("float", "int8")
SMALLEST_SIDE, LARGEST_SIDE = 16, 8192  # pixels that a result's shorter side may be asked to have


class Painter:
    """A trained network, loaded once, that paints any number of pictures.

    Args:
        model: a bundled model's name, a run's folder or a checkpoint; of many styles, with a mix of them after a colon.
        strength: 0 gives the photo, 1 the network's output, between them a blend.
        preserve_color: take the brightness from the network's output, the colors from the photo
            (luminance-only transfer, Gatys et al. 2016, https://arxiv.org/abs/1606.05897).
        precision: "float", or "int8" as phones paint, which is faster on processors that multiply it in hardware.
        stroke_width: factor of the network's own stroke width (`enlarge.py`), 1 to 8; by default it grows with the
            picture, so that a large one looks as a smaller one would.
        threads: number of threads of an inference; by default one for each core that this process may use.

    Raises:
        UsageError: a parameter is out of range.
        CheckpointError: the model is missing or damaged.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT,
        strength: float = 1.0,
        preserve_color: bool = False,
        precision: str = "float",
        stroke_width: float | None = None,
        threads: int | None = None,
    ) -> None:
        if stroke_width is not None and not 1 <= stroke_width <= 8:
            raise UsageError(f"`stroke_width` must be from 1 to 8, not {stroke_width:g}")
        if not 0 <= strength <= 1:
            raise UsageError(f"`strength` must be from 0 to 1, not {strength:g}")
        if precision not in PRECISIONS:
            raise UsageError(f"`precision` is {' or '.join(PRECISIONS)}, not {precision}")
        self.path = reference(model)
        self.network, _ = load_network(self.path, threads)
        self.strength, self.preserve_color, self.precision = strength, preserve_color, precision
        self.stroke_width = stroke_width
        self.threads = threads

    @cached_property
    def int8_network(self) -> "Int8Network":
        """The network in int8; choosing its ranges takes seconds."""
        from ..inference.int8_network import load_int8_network

        return load_int8_network(self.path, self.threads)

    def with_threads(self, threads: int) -> "Painter":
        """The same painter with another number of threads of an inference."""
        other = copy(self)
        other.threads, other.network = threads, self.network.with_threads(threads)
        if self.precision == "int8":
            other.int8_network = self.int8_network.with_threads(threads)
        return other

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Paints a picture, (H, W, 3) uint8, RGB; the result has the same shape and type."""
        painted = np.empty_like(picture)
        for top, band in self._bands(picture):
            painted[top : top + len(band)] = band
        return painted

    def paint_over(self, picture: np.ndarray) -> None:
        """Paints a writable (H, W, 3) uint8 picture in place, which saves the memory of a second one."""
        waiting: list[tuple[int, np.ndarray]] = []
        for top, band in self._bands(picture):
            # The next band sees some of the photo above it, so each is put in place one later.
            waiting.append((top, band))
            if len(waiting) > 1:
                above, done = waiting.pop(0)
                picture[above : above + len(done)] = done
        for top, band in waiting:
            picture[top : top + len(band)] = band
        if math.prod(picture.shape[:2]) > WHOLE:
            self.network.release()  # the memory is needed for encoding

    def painted_size(self, picture: np.ndarray) -> tuple[int, int]:
        """Height and width at which the network sees a picture."""
        height, width = picture.shape[:2]
        times = self.stroke_width or min(BROADEST, max(1.0, min(height, width) / FINE_SIDE))
        return max(1, round(height / times)), max(1, round(width / times))

    def _bands(self, picture: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        size = self.painted_size(picture)
        if size == picture.shape[:2]:
            bands = self._strokes(picture)
        else:
            small = reduced(picture, size)
            painted = np.empty_like(small)
            for top, band in self._strokes(small):
                painted[top : top + len(band)] = images.to_pixels(band)
            bands = enlarged_bands(picture, small, painted)
        for top, painted in bands:
            photo = picture[top : top + len(painted)]
            if self.preserve_color:
                painted = with_colors_of(photo, painted)
            if self.strength < 1:
                painted = photo + np.float32(self.strength) * (painted - photo.astype(np.float32))
            yield top, images.to_pixels(painted)

    def _strokes(self, picture: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Yields the network's output for a picture, in bands."""
        if self.precision == "int8":
            return self._in_int8(picture)
        return painted_bands(self.network, picture, grain=True)

    def _in_int8(self, picture: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        height, width = picture.shape[:2]
        if height * width > LARGEST_INT8:
            most = LARGEST_INT8 // 10**6
            raise ImageError(f"int8 paints {most} megapixels at most; use `precision=float`, or a smaller `size`")
        yield 0, self.int8_network(grained_part(picture, 0, height, 0, width))


@overload
def stylize(
    picture: np.ndarray,
    model: str | Path = ...,
    size: int | None = ...,
    strength: float = ...,
    preserve_color: bool = ...,
    precision: str = ...,
    stroke_width: float | None = ...,
) -> np.ndarray: ...
@overload
def stylize(
    picture: Image.Image | Path | str,
    model: str | Path = ...,
    size: int | None = ...,
    strength: float = ...,
    preserve_color: bool = ...,
    precision: str = ...,
    stroke_width: float | None = ...,
) -> Image.Image: ...
def stylize(
    picture: np.ndarray | Image.Image | Path | str,
    model: str | Path = DEFAULT,
    size: int | None = None,
    strength: float = 1.0,
    preserve_color: bool = False,
    precision: str = "float",
    stroke_width: float | None = None,
) -> np.ndarray | Image.Image:
    """Paints one picture. (`Painter` loads a model once for many; `stylize_files` reads and writes files.)

    Args:
        picture: (H, W, 3) uint8, RGB; or a PIL image; or a file.
        model: a bundled model's name, a run's folder or a checkpoint.
        size: shorter side of the result in pixels; by default the picture's own.
        strength: 0 gives the photo, 1 the network's output, between them a blend.
        preserve_color: keep the photo's colors.
        precision: "float", or "int8" as phones paint.
        stroke_width: factor of the network's own stroke width, 1 to 8; by default it grows with the picture.

    Returns:
        An array for an array, else a PIL image. Transparent parts are laid on white.

    Raises:
        ImageError: the picture cannot be used.
        UsageError: a parameter is out of range.
        CheckpointError: the model is missing or damaged.
    """
    check_size(size)
    pixels = images.pixels_of(picture)
    painter = Painter(model, strength, preserve_color, precision, stroke_width)
    painted = painter(pixels if size is None else images.with_shorter_side(pixels, size))
    return painted if isinstance(picture, np.ndarray) else Image.fromarray(painted)


def check_size(size: int | None) -> None:
    """Raises UsageError unless `size` is a usable shorter side, or None."""
    if size is not None and not SMALLEST_SIDE <= size <= LARGEST_SIDE:
        raise UsageError(f"`size` must be from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, not {size}")


def stylize_image(network: Network, picture: np.ndarray, grain: bool = True) -> np.ndarray:
    """The painted picture, of the same size: (H, W, 3) uint8, of any size.

    `grain`: whether flat areas get grain first (grain.py), as in `Painter`.
    """
    return np.concatenate([images.to_pixels(band) for _, band in painted_bands(network, picture, grain)])


def painted_bands(network: Network, picture: np.ndarray, grain: bool) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the painted picture from top to bottom: each band's first row, and the band, (h, W, 3) float32.

    A band needs no row of the picture that lies further above it than a band is high.
    """
    height, width = picture.shape[:2]

    def part(top: int, bottom: int, left: int, right: int) -> np.ndarray:
        if grain:
            return grained_part(picture, top, bottom, left, right)
        return picture[top:bottom, left:right]

    if height * width <= WHOLE:
        yield 0, network(part(0, height, 0, width))
        return
    gains = sampled_gains(network, picture, part)
    tile_height, rows = _cut(height, network.reach)
    tile_width, columns = _cut(width, network.reach)
    for above, top, bottom in rows:
        band = np.empty((bottom - top, width, 3), np.float32)
        for before, left, right in columns:
            seen = part(above, min(height, above + tile_height), before, min(width, before + tile_width))
            more = ((0, tile_height - seen.shape[0]), (0, tile_width - seen.shape[1]), (0, 0))
            painted = network.tile(np.pad(seen, more, mode="edge"), gains)
            band[:, left:right] = painted[top - above : bottom - above, left - before : right - before]
        yield top, band


def _cut(length: int, reach: int) -> tuple[int, list[tuple[int, int, int]]]:
    """How a side is cut: the tiles' length, and for each tile its start and the range that is taken from it.

    All tiles have one length, a multiple of 4, so that one graph paints them; they begin at multiples of 4, so that
    both downsamplings see the same pixels in a tile and in the whole.
    """
    if length <= TILE:
        return -(-length // 4) * 4, [(0, 0, length)]
    count = -(-(length - 2 * reach) // (TILE - 2 * reach))
    step = -(-length // count // 4) * 4
    tile = step + 2 * reach
    edges = [*range(0, length, step)][:count]
    last = max(0, -(-(length - tile) // 4) * 4)
    cuts = []
    for number, start in enumerate(edges):
        end = length if number == len(edges) - 1 else start + step
        cuts.append((min(max(0, start - reach), last), start, end))
    return tile, cuts


def sampled_gains(
    network: Network, picture: np.ndarray, part: Callable[[int, int, int, int], np.ndarray]
) -> list[np.ndarray]:
    """The gains of every normalized layer, from crops spread over a large picture.

    Each layer averages over all crops together, without the margin that a crop's own border affects.
    """

    def starts(length: int) -> list[int]:
        places = np.linspace(0, max(0, length - SAMPLE_SIDE), SAMPLE_CROPS)
        return sorted({int(place) // 4 * 4 for place in places})

    height, width = picture.shape[:2]
    crops = [
        part(y, min(height, y + SAMPLE_SIDE), x, min(width, x + SAMPLE_SIDE))
        for y in starts(height)
        for x in starts(width)
    ]
    more = [-length % 4 for length in crops[0].shape[:2]]
    padded = np.stack([np.pad(crop, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge") for crop in crops])
    trims = tuple(network.reach if length > SAMPLE_SIDE else 0 for length in (height, width))
    return network.gains(padded, (trims[0], trims[1]))


def with_colors_of(photo: np.ndarray, painted: np.ndarray) -> np.ndarray:
    """The brightness (Rec. 601 luma) of `painted` with the two color differences of `photo`."""
    change = (painted.astype(np.float32) - photo) @ images.LUMA
    colored: np.ndarray = photo + change[..., None]
    return colored
