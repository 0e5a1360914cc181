"""The paper's comparison: a network's losses on held-out photos beside those of the optimization-based method."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..files import refuse_existing, writing
from ..inference.network import load_network
from ..media import images
from ..network.catalog import bundled_photos, model_name, model_path, reference, style_path
from ..painting.stylize import stylize_image
from ..painting.temporal_consistency import temporal_error
from ..progress import Progress, silent, track
from .config import TrainConfig
from .evaluation_losses import PictureLosses
from .objective import Objective
from .style_grams import losses_of

# What a method made of each photo, and the seconds that it took.
Painted = list[tuple[np.ndarray, float]]


@dataclass(frozen=True)
class Row:
    """One method's mean over the photos.

    Attributes:
        method: "photo" (nothing done), "network", or "optimization, N iterations".
        content, style, tv: the losses without their weights; total: with them.
        seconds: median time per photo; 0 for the photo itself.
        speedup: how many times as fast the network is.
    """

    method: str
    content: float
    style: float
    tv: float
    total: float
    seconds: float
    speedup: float


@dataclass(frozen=True)
class Evaluation:
    """The comparison for one model, one style and one set of photos.

    Attributes:
        temporal_error: that of painting/temporal_consistency.py, in gray levels, mean over the photos.
        pictures: a row for each photo: itself, then what each method made of it, (size, size, 3) uint8.
    """

    model: str
    style: str
    size: int
    style_size: int
    photos: tuple[str, ...]
    objective: Objective
    temporal_error: float
    rows: tuple[Row, ...]
    pictures: tuple[tuple[np.ndarray, ...], ...]

    def figures(self) -> dict[str, Any]:
        """Everything but the pictures, for JSON."""
        return {name: value for name, value in asdict(replace(self, pictures=())).items() if name != "pictures"}


def evaluate(
    model: str | Path,
    style: str | Path | None = None,
    photos: Path | None = None,
    size: int = 256,
    iterations: Sequence[int] = (),
    start: str = "noise",
    limit: int | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Measures a model on photos it was not trained on.

    The losses are those that the model was trained with, on the pixels as they would be saved
    (rounded, 0..255), on the middle of each photo at size x size pixels.

    Args:
        model: a bundled model's name, a run's folder or a checkpoint.
        style: the style image or a bundled one's name; by default the one it was trained on.
        size: side of the square that is compared, in pixels.
        photos: a folder; by default the package's own held-out photos.
        iterations: the optimization-based method is measured after each of these numbers of L-BFGS iterations.
        start: of the optimization: white "noise", as in the paper, or the "photo" itself.
        limit: use only the first N photos.
        progress: called after each photo that is optimized, and with a note for each that cannot be read.
    """
    if not 32 <= size <= 2048:
        raise UsageError(f"`size` must be from 32 to 2048 pixels, not {size}")
    if any(count < 1 for count in iterations):
        raise UsageError("`optimize` takes numbers of iterations from 1 up, such as 50,100,300")
    if start not in ("noise", "photo"):
        raise UsageError(f"`start` is noise or photo, not {start}")
    path = model_path(model)
    network, card = load_network(model)
    config = TrainConfig.from_card(card)
    losses = losses_of(path, config, None if style is None else style_path(style))
    files: list[Path] = []
    contents: list[np.ndarray] = []
    for file, picture in images.read_photos(photos or bundled_photos("held_out"), limit, progress):
        files.append(file)
        contents.append(images.center_square(picture, size))

    paint = partial(stylize_image, network, grain=False)
    painted: dict[str, Painted] = {"photo": [(content, 0.0) for content in contents]}
    painted["network"] = _by_network(paint, contents)
    if iterations:
        painted |= _by_optimization(losses, contents, iterations, start, progress)
    errors = [temporal_error(paint, images.load(file), size) for file in files]
    return Evaluation(
        model=model_name(reference(model)),
        style=Path(style or config.style).name,
        size=size,
        style_size=config.style_size,
        photos=tuple(file.name for file in files),
        objective=config.objective,
        temporal_error=float(np.mean(errors)),
        rows=_rows(losses, painted),
        pictures=tuple(zip(*([picture for picture, _ in made] for made in painted.values()), strict=True)),
    )


def _by_network(paint: Callable[[np.ndarray], np.ndarray], contents: Sequence[np.ndarray]) -> Painted:
    paint(contents[0])  # the first call is slower
    made = []
    for content in contents:
        began = time.perf_counter()
        picture = paint(content)
        made.append((picture, time.perf_counter() - began))
    return made


def _by_optimization(
    losses: PictureLosses,
    contents: Sequence[np.ndarray],
    iterations: Sequence[int],
    start: str,
    progress: Progress,
) -> dict[str, Painted]:
    """By method, one for each number of iterations."""
    from .losses import PerceptualLoss  # which load Keras
    from .optimize import PixelOptimizer

    made: dict[str, Painted] = {}
    optimizer = PixelOptimizer(PerceptualLoss(losses.objective, losses.style_grams), *contents[0].shape[:2])
    for content in track(contents, f"Optimizing {max(iterations)} iterations each", len(contents), "photos", progress):
        first = content if start == "photo" else np.random.default_rng(0).uniform(0, 255, content.shape)
        for snapshot in optimizer.run(content, tuple(sorted(set(iterations))), first):
            method = f"optimization, {snapshot.iterations} iterations"
            made.setdefault(method, []).append((images.to_pixels(snapshot.image), snapshot.seconds))
    return made


def _rows(losses: PictureLosses, painted: dict[str, Painted]) -> tuple[Row, ...]:
    of_photos = zip(*([picture for picture, _ in made] for made in painted.values()), strict=True)
    measured = [losses(pictures[0], pictures) for pictures in of_photos]
    taken = {method: float(np.median([seconds for _, seconds in made])) for method, made in painted.items()}
    rows = []
    for method, found in zip(painted, zip(*measured, strict=True), strict=True):
        mean = {name: float(np.mean([loss[name] for loss in found])) for name in found[0]}
        rows.append(Row(method, **mean, seconds=taken[method], speedup=taken[method] / taken["network"]))
    return tuple(rows)


def write(evaluation: Evaluation, out: Path) -> None:
    """Writes evaluation.json and grid.png into the new folder `out`."""
    refuse_existing(out)
    with writing(out) as folder:
        folder.mkdir()
        (folder / "evaluation.json").write_text(json.dumps(evaluation.figures(), indent=2) + "\n")
        images.save(images.grid(list(map(list, evaluation.pictures))), folder / "grid.png")
