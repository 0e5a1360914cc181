"""Whether an exported file still paints what the float network paints: measured on real photos."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..devices.protocol import Device
from ..devices.registry import open_device
from ..errors import CheckpointError
from ..evaluation.picture_losses import PictureLosses
from ..evaluation.style_grams import losses_of
from ..exporting.card import read_export_card, source_checkpoint, styles_in
from ..exporting.recipes import Gate, find_recipe
from ..inference.network import Network, load_network
from ..media import images as pictures
from ..network.catalog import bundled_photos, mix_of, model_path, with_mix
from ..network.styles import shares_of, trial_mixes
from ..progress import Note, Progress, silent, track
from ..training.config import TrainConfig
from .figures import Figures, Fixed, Measured, compare, mean_of, worst_of
from .gate import Failure, failures

SHOWN = 50  # photos in a report, the worst
Pictures = tuple[np.ndarray, np.ndarray, np.ndarray]


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
    found, losses_by_style = [Measured(mix, label) for mix in subject.mixes], dict[str, PictureLosses]()
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
    places = [each.fixed for each in found]
    return Validation(
        name=subject.card["name"],
        exported=str(subject.exported),
        recipe=recipe.name,
        target=recipe.target,
        reference=str(subject.checkpoint),
        runtime=runner.runtime,
        gate=recipe.gate,
        rows=tuple(rows),
        mean=mean_of(rows),
        fixed=worst_of(places),
        failures=tuple(
            failure
            for each, fixed in zip(found, places, strict=True)
            for failure in failures(recipe.gate, each.rows, each.mean, fixed)
        ),
        pictures=tuple(each for _, each in shown),
    )


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
