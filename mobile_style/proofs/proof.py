"""A proof before a training: what a photo would look like, for several settings, from a short training of each.

All cells share a network, the crops of the photos, and the first part of the training, for the settings in the middle
of the sheet; then each cell trains by itself. docs/art_direction.md tells how well that predicts a training.
"""

import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..errors import UsageError
from ..files import refuse_existing, writing
from ..media import images
from ..media.labels import Labeled, sheet
from ..metrics import palette_distance
from ..network.catalog import bundled_photos, style_path
from ..painting.stylize import stylize_image
from ..progress import Note, Progress, Step, silent
from ..training.dataset import Batches, Photos, build
from ..training.style_crop import cropped
from ..training.train import style_image
from .plan import PlannedCell, plan
from .scan import Remark
from .short_training import ShortTraining

CROP_SIDE = 80  # pixels: smaller crops for more steps
SHARED = 0.3  # of the steps, in which all cells are one
WARM, MEASURED = 2, 6  # steps: the first ones are slower, those after them tell how many more there is time for
FEWEST, TELLING = 4, 25  # steps of a cell: those that it has at least, and those without which all look alike
PAINTING = 1.0  # seconds kept for each cell's picture
SPARE = 0.05  # of the time, for what is loaded before the training, the sheet, and steps that take longer
PHOTO = "singapore_skyline_dusk.jpg"  # where none is given: a sky, water, buildings
PHOTO_SIDE, LONGEST = 256, 384  # pixels


@dataclass(frozen=True)
class ProofCell(PlannedCell):
    """A photo painted as a training with one choice of settings would.

    Attributes:
        palette: `palette_distance` of the picture to the part of the painting that is trained on.
        picture: the painted photo, (H, W, 3) uint8.
    """

    palette: float
    picture: np.ndarray


@dataclass(frozen=True)
class Proof:
    """All cells, and remarks on the painting.

    Attributes:
        steps: optimizer steps that all cells share, and those of each cell.
        sheet: the pictures, labeled: (H, W, 3) uint8.
    """

    style: str
    photo: str
    steps: tuple[int, int]
    remarks: tuple[Remark, ...]
    cells: tuple[ProofCell, ...]
    sheet: np.ndarray

    def figures(self) -> dict[str, Any]:
        """Everything but the pictures, for JSON."""
        cells = []
        for cell in self.cells:
            settings = {name: getattr(cell.config, name) for name in ("style_size", "style_crop", "palette_weight")}
            found = {"palette_distance": round(cell.palette, 2), "command": cell.command()}
            cells.append({"name": cell.name, **settings, **found})
        counts = {"steps_shared": self.steps[0], "steps_of_each": self.steps[1]}
        said = [asdict(remark) for remark in self.remarks]
        return {"schema": 1, "style": self.style, "photo": self.photo, **counts, "remarks": said, "cells": cells}


def proof(
    style: str | Path,
    photo: Path | str | None = None,
    style_crop: str = "",
    minutes: float = 3.0,
    progress: Progress = silent,
) -> Proof:
    """Trains a little for several style sizes, palette weights and parts of a painting, and paints a photo.

    Args:
        style: file of the painting, or the name of a bundled one.
        photo: the photo that is painted; None for a bundled one.
        style_crop: the part of the painting that is used (style_crop.py); empty for all of it.
        minutes: how long it may take.
        progress: called after each step, and with remarks on the painting.

    Returns:
        The cells, and the sheet that shows them.

    Raises:
        ImageError: the painting or the photo cannot be used.
        UsageError: a parameter is out of range.
    """
    if not 0 < minutes <= 1000:
        raise UsageError(f"`minutes` must be above 0 and at most 1000, not {minutes:g}")
    began = time.perf_counter()
    painting = images.load(style_path(style))
    picture = _photo(images.load(Path(photo or bundled_photos("held_out") / PHOTO)))
    said, planned = plan(str(style), painting, style_crop)
    for remark in said:
        progress(Note(f"the painting: {remark.text}"))
    with TemporaryDirectory() as folder:
        build([bundled_photos("train")], Path(folder) / "photos")
        batches = Batches(Photos(Path(folder) / "photos"), 1, CROP_SIDE, 0)
        painted, steps = _train(planned, painting, picture, batches, began + 60 * minutes * (1 - SPARE), progress)
    cells = []
    for cell in planned:
        palette = palette_distance(painted[cell.name], style_image(cell.config, painting))
        cells.append(ProofCell(cell.name, cell.differs, cell.config, palette, painted[cell.name]))
    return Proof(str(style), str(photo or PHOTO), steps, said, tuple(cells), _sheet(cells, painting, picture))


def write(found: Proof, out: Path, document: Path) -> None:
    """Writes the sheet to the new file `out` and everything else, as JSON, to the new file `document`.

    Raises:
        OutputError: one of them exists, or cannot be written.
    """
    for path, parameter in ((out, "out"), (document, "json")):
        refuse_existing(path, parameter)
    images.save(found.sheet, out)
    with writing(document) as temporary:
        temporary.write_text(json.dumps(found.figures(), indent=2) + "\n")


def _photo(photo: np.ndarray) -> np.ndarray:
    """The photo at the size of a cell; of a panorama, its middle."""
    photo = images.with_shorter_side(photo, PHOTO_SIDE)
    height, width = (min(LONGEST, length) for length in photo.shape[:2])
    return images.center_crop(photo, height, width)


def _train(
    cells: Sequence[PlannedCell],
    painting: np.ndarray,
    photo: np.ndarray,
    batches: Batches,
    deadline: float,
    progress: Progress,
) -> tuple[dict[str, np.ndarray], tuple[int, int]]:
    """Every cell's picture by its name, and the numbers of steps."""
    aims = {(cell.config.style_size, cell.config.style_crop): cell.config for cell in cells}
    middle = next((cell for cell in cells if cell.name == "a2"), cells[0])
    training = ShortTraining(middle.config, style_image(middle.config, painting), batches)
    targets = {key: training.trainer.target_of(style_image(config, painting)) for key, config in aims.items()}
    training.train(WARM, False)

    def affordable(taken: list[float]) -> float:
        """How many steps there is time for besides the pictures, if steps go on taking `taken` seconds each."""
        return max(0.0, deadline - time.perf_counter() - PAINTING * len(cells)) / statistics.median(taken)

    def counter(task: str, total: int) -> Callable[[], None]:
        done = itertools.count(1)
        return lambda: progress(Step(task, next(done), total, "steps"))

    shared = max(FEWEST, round(SHARED * affordable(training.train(MEASURED, False))))
    taken = training.train(shared, False, counter("Training, for all cells", shared))
    each = max(FEWEST, int(affordable(taken)) // len(cells))
    progress(Note(f"plan: after {shared} steps for all cells, {each} for each of {len(cells)}"))
    if each < TELLING:
        progress(Note("that is too little to tell the cells apart; give it more time with `minutes`", warning=True))
    state, painted = training.state(), {}
    stepped = counter("Training, cell by cell", each * len(cells))
    for cell in cells:
        training.restore(state)
        training.aim(targets[cell.config.style_size, cell.config.style_crop], cell.config.palette_weight)
        training.train(each, True, stepped)
        painted[cell.name] = stylize_image(training.network(), photo)
    return painted, (WARM + MEASURED + shared, each)


def _sheet(cells: Sequence[ProofCell], painting: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The photo and each column's part of the painting, then a row for each style size: the strokes, and the cells."""
    height, width = photo.shape[:2]
    first, rows = {"": Labeled(photo, ("the photo",))}, {}
    for cell in cells:
        part = cropped(painting, cell.config.style_crop)
        first[cell.name[0]] = Labeled(images.center_crop(part, height, width), (f"{cell.name[0]}: {cell.differs}",))
        size = cell.config.style_size
        if size not in rows:
            strokes = images.middle(style_image(cell.config, painting), height, width)
            rows[size] = [Labeled(strokes, (f"style size {size}", "the painting as large as the network sees it"))]
        rows[size].append(Labeled(cell.picture, (cell.name, f"palette distance {cell.palette:.1f}")))
    return sheet([list(first.values()), *rows.values()])
