"""`export --recipe auto`: the fastest recipe that passes its gate."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..devices.host import Host
from ..documents import printable
from ..exporting.card import read_export_card, write_card
from ..exporting.recipes import RECIPES
from ..exporting.write import output_paths
from ..files import writing
from ..network.catalog import model_name, reference
from ..progress import Note, Progress, Step, silent
from ..validation.checked_export import Export, export
from .benchmark import benchmark

RUNS = 30


@dataclass(frozen=True)
class Frontier:
    """The size, speed and fidelity of one recipe.

    Attributes:
        recipe: its name.
        bytes: size of the file.
        milliseconds: median per picture on this machine, one thread.
        psnr, ssim: means against the float network; the PSNR in dB.
        passed: whether it passed its gate.
    """

    recipe: str
    bytes: int
    milliseconds: float
    psnr: float
    ssim: float
    passed: bool


def export_fastest(
    model: str, size: tuple[int, int], calibration: Path | None, out: Path | None, progress: Progress = silent
) -> tuple[list[Frontier], Export | None]:
    """Exports with every TensorFlow Lite recipe, and keeps the fastest file that passes its gate.

    Args:
        model: as for `export`.
        size: (height, width) of the pictures, in pixels.
        calibration: as for `export`.
        out: as for `export`.
        progress: called with what is done.

    Returns:
        A row for each recipe, and the export that was kept; None if none passes.

    Raises:
        UsageError, CheckpointError, OutputError, ImageError: as `export` does.
    """
    name = printable(model_name(reference(model)))
    recipes = {recipe.name: recipe for recipe in RECIPES if recipe.target == "tflite"}
    for recipe in recipes.values():  # checks all, because the fastest is not known yet
        output_paths(name, recipe, [(size,)], out)
    rows, made = [], {}
    with TemporaryDirectory() as folder:

        def filtered(event: Note | Step) -> None:  # leaves out notes on temporary files
            if not (isinstance(event, Note) and folder in event.text):
                progress(event)

        for recipe in recipes.values():
            progress(Note(f"trying {recipe.name}"))
            place = Path(folder) / recipe.name / "model.tflite"
            (made[recipe.name],) = export(model, recipe, [size], calibration, place, filtered)
        report = benchmark([each.path for each in made.values()], Host(), runs=RUNS, progress=progress)
        for (tried, each), row in zip(made.items(), report.rows, strict=True):
            assert row.latency is not None
            mean, passed = each.validation.mean, not each.validation.failures
            milliseconds = row.latency.median.value
            rows.append(Frontier(tried, each.path.stat().st_size, milliseconds, mean.psnr, mean.ssim, passed))
        passing = [row for row in rows if row.passed]
        if not passing:
            return rows, None
        best = min(passing, key=lambda row: row.milliseconds)
        (target,) = output_paths(name, recipes[best.recipe], [(size,)], out)
        kept = made[best.recipe]
        with writing(target) as temporary:
            temporary.write_bytes(kept.path.read_bytes())
            card = read_export_card(kept.path)
            source = kept.path.parent / card["source"]["checkpoint"]
            if source.exists():  # not a bundled model, for which the card has a name
                card["source"]["checkpoint"] = os.path.relpath(source.resolve(), target.parent.resolve())
            write_card(target, card | {"file": card["file"] | {"name": target.name}})
    return rows, Export(target, kept.validation)
