"""Whether an exported file still paints what the float network paints: measured on real photos."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import metrics
from ..devices.protocol import Device
from ..devices.registry import open_device
from ..errors import CheckpointError
from ..evaluation.picture_losses import PictureLosses
from ..evaluation.style_grams import losses_of
from ..exporting.card import read_export_card, source_checkpoint, styles_in
from ..exporting.recipes import ENOUGH, Gate, find_recipe
from ..inference.network import Network, load_network
from ..media import images as pictures
from ..network.catalog import bundled_photos, mix_of, model_path, with_mix
from ..network.styles import shares_of, trial_mixes
from ..progress import Note, Progress, silent, track
from ..training.config import TrainConfig

SHOWN = 50  # photos in a report, the worst
Pictures = tuple[np.ndarray, np.ndarray, np.ndarray]


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


@dataclass(frozen=True)
class Failure:
    """A limit of the gate that was not kept."""

    metric: str
    photo: str
    value: float
    limit: float

    def __str__(self) -> str:
        return f"{self.metric} of {self.photo} is {self.value:.4g}, the limit {self.limit:.4g}"


@dataclass(frozen=True)
class Validation:
    """What was measured, on what, and what the gate says.

    Attributes:
        name: the style's name.
        rows: one for each photo, the worst PSNR first.
        mean: mean over the photos (`largest`, `block` and `line`: the maximum).
        fixed: scores of the mean difference.
        pictures: (photo, float output, exported output) of the first `SHOWN` rows.
    """

    name: str
    exported: str
    recipe: str
    target: str
    reference: str
    runtime: str
    gate: Gate
    rows: tuple[Figures, ...]
    mean: Figures
    fixed: Fixed
    failures: tuple[Failure, ...]
    pictures: tuple[Pictures, ...]

    def figures(self) -> dict[str, object]:
        """Everything but the pictures, for JSON."""
        return {
            "name": self.name,
            "exported": self.exported,
            "target": self.target,
            "recipe": self.recipe,
            "reference": self.reference,
            "runtime": self.runtime,
            "gate": asdict(self.gate),
            "passed": not self.failures,
            "failures": [asdict(failure) for failure in self.failures],
            "mean": asdict(self.mean),
            "fixed": asdict(self.fixed),
            "photos": [asdict(row) for row in self.rows],
        }


@dataclass(frozen=True)
class Subject:
    """An exported file beside the float network that it was made from.

    Attributes:
        exported: the .tflite file or the .mlpackage.
        card: its card, as `read_export_card` gives it.
        checkpoint: the float network's file.
        mixes: mixes of its styles that the exported file is judged by; for a network of one style, "" alone.
    """

    exported: Path
    card: dict[str, Any]
    checkpoint: Path
    mixes: tuple[str, ...]

    @classmethod
    def of(cls, exported: Path, card: dict[str, Any], checkpoint: Path, mix: str) -> "Subject":
        """A file of many styles, with each style and some mixes (`trial_mixes`); or another file, with its own mix."""
        return cls(exported, card, checkpoint, tuple(trial_mixes(styles_in(card))) or (mix,))


def validate(
    exported: Path | str,
    reference: str | Path | None = None,
    images: Path | str | None = None,
    limit: int | None = None,
    device: str = "host",
    runtime: str = "litert",
    benchmark_binary: Path | None = None,
    progress: Progress = silent,
) -> Validation:
    """Runs the exported file itself on photos, and compares it with the float network.

    A file of many styles is judged by each style, and by an equal mix of each with the next; all must pass the gate.

    Args:
        exported: a .tflite file or an .mlpackage with its card beside it or inside.
        reference: the checkpoint it was made from; by default the one that its card names, or one beside it.
        images: a folder of photos; by default the package's own held-out photos. Each is cut to the model's shape.
        limit: use only the first N photos.
        device: one of `registry.NAMES`; a .tflite file runs on the device's CPU, with "gpu" on this machine's GPU.
        runtime: of a .tflite file on the host, a key of `runtimes.RUNTIMES`.
        benchmark_binary: benchmark_model for a phone.
        progress: called after each photo.

    Returns:
        What was measured; `failures` are the limits of the gate that the file breaks, none if it passed.

    Raises:
        UsageError, DeviceError: the device cannot be used.
        CheckpointError: a file is missing, damaged, or not the one that the card describes.
        ImageError: there are no photos that can be read.
        MobileStyleError: the exported model's output is not finite.
    """
    exported, photos = Path(exported), None if images is None else Path(images)
    card = read_export_card(exported)
    checkpoint = _reference(exported, card, reference)
    mix = mix_of(reference or "") or mix_of(card["source"]["checkpoint"])
    subject = Subject.of(exported, card, checkpoint, mix)
    with closing(open_device(device, runtime, benchmark_binary, progress)) as opened:
        return validate_on(opened, subject, photos, limit, progress)


def validate_on(
    device: Device, subject: Subject, images: Path | None, limit: int | None, progress: Progress
) -> Validation:
    """`validate` with the device open and the files found."""
    recipe = find_recipe(subject.card["target"], subject.card["recipe"])
    folder = images or bundled_photos("held_out")
    count = len(pictures.photos(folder, limit))
    label = "{}, {}" if len(subject.mixes) > 1 else "{}"
    if len(subject.mixes) > 1:
        progress(Note(f"{len(subject.mixes)} styles and mixes are checked on {count} photos each"))
    found, losses_by_style = [_Found(mix, label) for mix in subject.mixes], dict[str, PictureLosses]()
    shown: list[tuple[float, Pictures]] = []
    with closing(device.runner(subject.exported)) as runner:
        jobs = (
            (each, *job, size)
            for each in found
            for job in _loaded(subject, each.mix, losses_by_style, pictures.read_photos(folder, limit, progress))
            for size in runner.sizes
        )
        total = count * len(runner.sizes) * len(found)
        for each, network, losses, file, picture, size in track(jobs, "Validating", total, "photos", progress):
            photo = pictures.center_crop(picture, *size)
            shares = [] if runner.styles == 1 else [shares_of(each.mix, styles_in(subject.card))]
            expected, output = pictures.to_pixels(network(photo)), runner(photo, *shares)
            sized = file.name if len(runner.sizes) == 1 else f"{file.name} {size[1]}x{size[0]}"
            each.rows.append(compare(each.named(sized), losses, photo, expected, output))
            each.add(expected, output)
            shown.append((each.rows[-1].psnr, (photo, expected, output)))
            shown = sorted(shown, key=lambda pair: pair[0])[:SHOWN]
    rows = sorted((row for each in found for row in each.rows), key=lambda row: row.psnr)
    return Validation(
        name=subject.card["name"],
        exported=str(subject.exported),
        recipe=recipe.name,
        target=recipe.target,
        reference=str(subject.checkpoint),
        runtime=runner.runtime,
        gate=recipe.gate,
        rows=tuple(rows),
        mean=_mean(rows),
        fixed=_worst([each.fixed for each in found]),
        failures=tuple(failure for each in found for failure in each.failures(recipe.gate)),
        pictures=tuple(each for _, each in shown),
    )


@dataclass
class _Found:
    """What was measured of one mix, or of "" for a network of one style.

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
    def fixed(self) -> Fixed:
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

    def failures(self, gate: Gate) -> Iterator[Failure]:
        """Every limit that this mix does not keep, as if it had a file of its own."""
        mean = _mean(self.rows)
        return failures(gate, self.rows, replace(mean, photo=self.named(mean.photo)), self.fixed)

    def named(self, photo: str) -> str:
        """Tells mixes apart, where there are several."""
        return self.label.format(photo, self.mix)


Loaded = tuple[Network, PictureLosses, Path, np.ndarray]


def _loaded(
    subject: Subject, mix: str, losses: dict[str, PictureLosses], photos: Iterable[tuple[Path, np.ndarray]]
) -> Iterator[Loaded]:
    """The float network and the losses of a mix, with each photo; `losses` keeps those of a style for its mixes."""
    network, card = load_network(with_mix(subject.checkpoint, mix))
    config = TrainConfig.from_card(card)
    if config.style not in losses:
        losses[config.style] = losses_of(subject.checkpoint, config)
    for file, picture in photos:
        yield network, losses[config.style], file, picture


def _reference(exported: Path, card: dict[str, Any], given: str | Path | None) -> Path:
    if given is not None:
        return model_path(given)
    try:
        return source_checkpoint(exported, card)
    except CheckpointError as error:
        raise CheckpointError(f"{error}; or name it with `reference`") from None


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


def _mean(rows: Sequence[Figures]) -> Figures:
    values = {f.name: [getattr(row, f.name) for row in rows] for f in fields(Figures) if f.name != "photo"}
    means = {name: float(np.mean(column)) for name, column in values.items()}
    worst = {name: max(values[name]) for name in ("largest", "block", "line", "constant")}
    return Figures("all photos", **means | worst)


def _worst(found: Sequence[Fixed]) -> Fixed:
    """The worst of several mixes."""
    sides = ("spots", "textures")
    names = [f.name for f in fields(Fixed) if f.name not in (*sides, "photos")]
    worst: dict[str, Any] = {name: max(getattr(each, name) for each in found) for name in names}
    worst |= {name: tuple(map(max, zip(*(getattr(each, name) for each in found), strict=True))) for name in sides}
    return Fixed(**worst, photos=found[0].photos)


def failures(gate: Gate, rows: Sequence[Figures], mean: Figures, fixed: Fixed) -> Iterator[Failure]:
    """Yields every limit that the mean or a photo breaks. A figure that is not a number fails."""
    for row in rows:
        if not row.psnr >= gate.psnr_worst:
            yield Failure("PSNR", row.photo, row.psnr, gate.psnr_worst)
        if row.constant:
            yield Failure("range of colors", row.photo, 0.0, 1.0)
        if not row.block <= gate.places.block:
            yield Failure("worst block", row.photo, row.block, gate.places.block)
        if not row.line <= gate.places.line:
            yield Failure("worst row or column", row.photo, row.line, gate.places.line)
    if not mean.psnr >= gate.psnr_mean:
        yield Failure("PSNR", mean.photo, mean.psnr, gate.psnr_mean)
    if not mean.ssim >= gate.ssim_mean:
        yield Failure("SSIM", mean.photo, mean.ssim, gate.ssim_mean)
    for loss in ("content", "style"):
        growth = getattr(mean, loss) / getattr(mean, f"{loss}_reference") - 1
        if not growth <= gate.loss_growth:
            yield Failure(f"relative growth of the {loss} loss", mean.photo, growth, gate.loss_growth)
    for artifact in ("border", "checkerboard"):
        growth = getattr(mean, artifact) - getattr(mean, f"{artifact}_reference")
        if not growth <= gate.artifact:
            yield Failure(f"growth of the {artifact} score", mean.photo, growth, gate.artifact)
    if fixed.photos >= ENOUGH:
        for metric, value, limit in (
            *(
                (f"fixed spot of {side} pixels", spot, limit)
                for side, spot, limit in zip(metrics.SPOTS, fixed.spots, gate.places.fixed_spots, strict=True)
            ),
            ("fixed row or column", fixed.line, gate.places.fixed_line),
            *(
                (f"fixed pattern in {side} pixels", texture, limit)
                for side, texture, limit in zip(metrics.TEXTURES, fixed.textures, gate.places.textures, strict=True)
            ),
            (f"foreign color in {metrics.FOREIGN} pixels", fixed.foreign, gate.places.foreign),
            ("change of the detail", fixed.detail, gate.places.detail),
            ("tint", fixed.tint, gate.places.tint),
            ("tone", fixed.tone, gate.places.tone),
            ("color", fixed.color, gate.places.color),
            ("tint of a mix", fixed.mixed_tint, gate.places.mixed_tint),
            ("tone of a mix", fixed.mixed_tone, gate.places.mixed_tone),
            ("color of a mix", fixed.mixed_color, gate.places.mixed_color),
        ):
            if not value <= limit:
                yield Failure(metric, mean.photo, value, limit)
