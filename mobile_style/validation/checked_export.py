"""Exports a network, and checks on a few photos that the file still paints the same picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..devices.host import Host
from ..evaluation.style_grams import style_source
from ..exporting.card import write_card
from ..exporting.recipes import Recipe
from ..exporting.write import Written, write
from ..network.card import styles_of
from ..network.catalog import mix_of, model_path
from ..network.checkpoint import read_model
from ..progress import Progress, silent
from .validate import Subject, Validation, validate_on

PHOTOS = 4


@dataclass(frozen=True)
class Export:
    """One exported file, and what was measured on it."""

    path: Path
    validation: Validation


def export(
    model: str | Path,
    recipe: Recipe,
    sizes: Sequence[tuple[int, int]] = ((256, 256),),
    calibration: Path | str | None = None,
    out: Path | str | None = None,
    progress: Progress = silent,
) -> list[Export]:
    """Writes a model for phones as `exporting.write` does, and validates each file on a few photos.

    Args:
        model: a bundled model's name, a run's folder or a checkpoint; of many styles without a mix, one file for all.
        recipe: a row of recipes.py.
        sizes: (height, width) of the pictures that the app will pass.
        calibration: folder of photos that int8 ranges are chosen on; by default the bundled training photos.
        out: the file, or with several files the new folder for them; by default under exports/.
        progress: called with what is done.

    Returns:
        Each file with its validation, whose `failures` are the limits of the gate that it breaks, none if it passed.

    Raises:
        UsageError, CheckpointError, OutputError, ImageError: before anything is written.
    """
    checkpoint, card = model_path(model), read_model(model, all_styles=True).card
    for style in [style["name"] for style in styles_of(card)] or [card["config"]["style"]]:
        style_source(checkpoint, style)  # the check needs it, after all is written
    photos, place = (None if given is None else Path(given) for given in (calibration, out))
    return [check(written, progress) for written in write(model, recipe, sizes, photos, place, progress)]


def check(written: Written, progress: Progress = silent) -> Export:
    """Validates a file on a few photos, and notes the figures on its card."""
    subject = Subject.of(written.path, written.card, written.checkpoint, mix_of(written.card["source"]["checkpoint"]))
    validation = validate_on(Host(), subject, None, PHOTOS, progress)
    places = ("exported", "reference")  # on this machine; the card has names and sha256 of both
    figures = {name: value for name, value in validation.figures().items() if name not in places}
    write_card(written.path, written.card | {"fidelity": figures})
    return Export(written.path, validation)
