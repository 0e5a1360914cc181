"""What is measured of an exported file: figures of each photo, and of each place over all photos."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from .. import metrics
from ..evaluation.picture_losses import PictureLosses


@dataclass(frozen=True)
class Figures:
    """One photo's figures, or their mean.

    Attributes:
        photo: the file's name; with several sizes, and the size.
        psnr: dB, data range 255; ssim: at most 1.
        largest: difference of any pixel's channel, in gray levels.
        off: share of the pixels off by more than 8 gray levels, 0 to 1.
        block, line: by `metrics.block`, and by `metrics.line` of the difference, in gray levels.
        content, style: losses of the exported output; content_reference, style_reference: of the float output.
        border, checkerboard: artifact scores of the exported output, in gray levels, and of the float output.
        constant: whether the exported output is one color only.
    """

    photo: str
    psnr: float
    ssim: float
    largest: float
    off: float
    block: float
    line: float
    content: float
    content_reference: float
    style: float
    style_reference: float
    border: float
    border_reference: float
    checkerboard: float
    checkerboard_reference: float
    constant: bool


@dataclass(frozen=True)
class Fixed:
    """How far the mean difference over all photos is off at one place, in gray levels; for several sizes, the worst.

    Attributes:
        spots, line, textures, tint: by the functions of metrics.py; spots of each side of `metrics.SPOTS`, textures of
            each of `metrics.TEXTURES`.
        foreign: of the mean foreignness at one place, by `metrics.foreign`.
        detail: change of the mean detail at one place, in shares of the float picture's, by `metrics.detail`.
        tone, color: of all sizes together, by the functions of metrics.py.
        mixed_tint, mixed_tone, mixed_color: those of mixes of styles, which do not count as `tint`, `tone` and `color`;
            0 without any.
        photos: number of photos of each size; with fewer than `ENOUGH`, these scores do not count.
    """

    spots: tuple[float, ...]
    line: float
    textures: tuple[float, ...]
    foreign: float
    detail: float
    tint: float
    tone: float
    color: float
    mixed_tint: float
    mixed_tone: float
    mixed_color: float
    photos: int


@dataclass
class Measured:
    """What was measured of one mix, or of "" for a network of one style.

    `add` sums up what `fixed` is about; whoever measures appends the rows.

    Attributes:
        label: how a photo is named, from its name and the mix.
        rows: one for each photo.
        differences: summed up over the photos, by size.
        squares: of the differences, likewise.
        foreign: by `metrics.foreign`, likewise.
        roughness: of the float and of the exported pictures, likewise.
        tones, colors: likewise, of all sizes.
    """

    mix: str
    label: str
    rows: list[Figures] = field(default_factory=list)
    differences: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict)
    squares: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict)
    foreign: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict)
    roughness: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict)
    tones: np.ndarray = field(default_factory=lambda: np.zeros((2, 3, metrics.TONES)))
    colors: np.ndarray = field(default_factory=lambda: np.zeros((2, 3, metrics.COLORS**3)))

    @property
    def mean(self) -> Figures:
        """Over the photos."""
        mean = mean_of(self.rows)
        return replace(mean, photo=self.named(mean.photo))

    @property
    def fixed(self) -> Fixed:
        """Scores of the sums."""
        photos = len(self.rows) // len(self.differences)
        means = [difference / photos for difference in self.differences.values()]
        spots = tuple(max(metrics.spot(mean, side) for mean in means) for side in metrics.SPOTS)
        line, tint = (max(map(score, means)) for score in (metrics.line, metrics.tint))
        squares = [each / photos - np.square(mean) for each, mean in zip(self.squares.values(), means, strict=True)]
        apart = [(mean, square / max(1, photos - 1)) for mean, square in zip(means, squares, strict=True)]
        textures = tuple(max(metrics.texture(*each, side) for each in apart) for side in metrics.TEXTURES)
        foreign = max(metrics.spot(each / photos, metrics.FOREIGN) for each in self.foreign.values())
        detail = max(metrics.detail(*each / photos) for each in self.roughness.values())
        colors, none = (tint, metrics.tone(self.tones), metrics.color(self.colors)), (0.0, 0.0, 0.0)
        alone, mixed = (none, colors) if "=" in self.mix else (colors, none)
        return Fixed(spots, line, textures, foreign, detail, *alone, *mixed, photos)

    def add(self, expected: np.ndarray, output: np.ndarray) -> None:
        """Adds a photo's to all sums."""
        difference = output.astype(int) - expected
        self.tones += metrics.tones(expected, output)
        self.colors += metrics.colors(expected, output)
        for sums, of_photo in (
            (self.differences, difference),
            (self.squares, np.square(difference)),
            (self.foreign, metrics.foreign(expected, output).astype(int)),
            (self.roughness, np.stack([metrics.roughness(expected), metrics.roughness(output)])),
        ):
            sums[difference.shape] = sums.get(difference.shape, 0) + of_photo

    def named(self, photo: str) -> str:
        """Tells mixes apart, where there are several."""
        return self.label.format(photo, self.mix)


def compare(name: str, losses: PictureLosses, photo: np.ndarray, expected: np.ndarray, output: np.ndarray) -> Figures:
    """Every figure of one photo; all pictures (H, W, 3) uint8."""
    reference, own = losses(photo, (expected, output))
    return Figures(
        photo=name,
        psnr=metrics.psnr(expected, output),
        ssim=metrics.ssim(expected, output),
        largest=metrics.largest_difference(expected, output),
        off=metrics.share_off(expected, output),
        block=metrics.block(expected, output),
        line=metrics.line(output.astype(np.int16) - expected),
        content=own["content"],
        content_reference=reference["content"],
        style=own["style"],
        style_reference=reference["style"],
        border=metrics.border(output),
        border_reference=metrics.border(expected),
        checkerboard=metrics.checkerboard(output),
        checkerboard_reference=metrics.checkerboard(expected),
        constant=bool((output == output[0, 0]).all()),
    )


def mean_of(rows: Sequence[Figures]) -> Figures:
    """The mean over photos, and the worst of what has no mean."""
    values = {f.name: [getattr(row, f.name) for row in rows] for f in fields(Figures) if f.name != "photo"}
    means = {name: float(np.mean(column)) for name, column in values.items()}
    worst = {name: max(values[name]) for name in ("largest", "block", "line", "constant")}
    return Figures("all photos", **means | worst)


def worst_of(found: Sequence[Fixed]) -> Fixed:
    """The worst of several mixes."""
    sides = ("spots", "textures")
    names = [f.name for f in fields(Fixed) if f.name not in (*sides, "photos")]
    worst: dict[str, Any] = {name: max(getattr(each, name) for each in found) for name in names}
    worst |= {name: tuple(map(max, zip(*(getattr(each, name) for each in found), strict=True))) for name in sides}
    return Fixed(**worst, photos=found[0].photos)
