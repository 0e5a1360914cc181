"""The paper's comparison: a network's losses on held-out photos beside those of the optimization-based method."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..files import refuse_existing, writing
from ..inference.network import load_network
from ..media import images
from ..media.labels import Labeled, sheet
from ..network.catalog import bundled_photos, model_name, model_path, reference, style_path
from ..painting.stylize import stylize_image
from ..painting.temporal_consistency import temporal_error
from ..progress import Note, Progress, Step, silent, track
from ..training.config import TrainConfig
from ..training.objective import Objective
from .picture_losses import PictureLosses
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
    stopped: bool = False

    def figures(self) -> dict[str, Any]:
        """Everything but the pictures, for JSON."""
        return {name: value for name, value in asdict(replace(self, pictures=())).items() if name != "pictures"}


def evaluate(
    model: str | Path,
    style: str | Path | None = None,
    photos: Path | str | None = None,
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
        start: where the optimization starts: white "noise", as in the paper, or the "photo" itself.
        limit: use only the first N photos.
        progress: called after each photo and each iteration, with notes on results, time left and unreadable photos.

    Returns:
        What was measured; after Ctrl-C, only on the photos that the optimization has finished.

    Raises:
        UsageError, CheckpointError, ImageError: a parameter, the model, or the style image or photos cannot be used.
        KeyboardInterrupt: after Ctrl-C, if no result of the optimization is there.
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
    read = images.read_photos(Path(photos or bundled_photos("held_out")), limit, progress)
    files, contents = zip(*((file, images.center_square(picture, size)) for file, picture in read), strict=True)
    paint = partial(stylize_image, network, grain=False)
    painted, stopped = _painted(paint, losses, contents, iterations, start, progress)
    files = files[: len(painted["photo"])]
    followed = track(files, "Moving the camera over photos", len(files), "photos", progress)
    return Evaluation(
        model=model_name(reference(model)),
        style=Path(style or config.style).name,
        size=size,
        style_size=config.style_size,
        photos=tuple(file.name for file in files),
        objective=config.objective,
        temporal_error=float(np.mean([temporal_error(paint, images.load(file), size) for file in followed])),
        rows=_rows(losses, painted, progress),
        pictures=tuple(zip(*([picture for picture, _ in made] for made in painted.values()), strict=True)),
        stopped=stopped,
    )


def _painted(
    paint: Callable[[np.ndarray], np.ndarray],
    losses: PictureLosses,
    contents: Sequence[np.ndarray],
    iterations: Sequence[int],
    start: str,
    progress: Progress,
) -> tuple[dict[str, Painted], bool]:
    """The same photos by every method, and whether that is less than was asked for, after Ctrl-C."""
    painted: dict[str, Painted] = {"photo": [(content, 0.0) for content in contents]}
    painted["network"] = _by_network(paint, track(contents, "Painting photos", len(contents), "photos", progress))
    if not iterations:
        return painted, False
    painted |= _by_optimization(losses, contents, iterations, start, progress)
    count = min(map(len, painted.values()))
    stopped = count < len(contents) or len(painted) < 2 + len(set(iterations))
    return {method: made[:count] for method, made in painted.items()}, stopped


def _by_network(paint: Callable[[np.ndarray], np.ndarray], contents: Iterable[np.ndarray]) -> Painted:
    made: Painted = []
    for content in contents:
        if not made:
            paint(content)  # the first call is slower
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
    """Results by method, one for each number of iterations; after Ctrl-C, those of all photos or else of the first."""
    from ..training.losses import PerceptualLoss  # which load Keras
    from .pixel_optimization import PixelOptimizer, Snapshot

    counts = tuple(sorted(set(iterations)))
    made: dict[int, Painted] = {count: [] for count in counts}
    optimizer = PixelOptimizer(PerceptualLoss(losses.objective, losses.style_grams), *contents[0].shape[:2])
    steps = len(contents) * counts[-1]

    def keep(number: int, snapshot: Snapshot) -> None:
        picture = images.to_pixels(snapshot.image)
        made[snapshot.iterations].append((picture, snapshot.seconds))
        (loss,) = losses(contents[number - 1], [picture])
        named = ", ".join(f"{name} {loss[name]:,.0f}" for name in ("content", "style", "total"))
        after = f"photo {number} of {len(contents)}, {snapshot.iterations} iterations, {snapshot.seconds:.0f} s"
        progress(Note(f"{after}: {named}"))
        if number == 1 and snapshot.iterations == counts[0]:
            left = counts[-1] * len(contents) - counts[0]
            seconds = left * snapshot.seconds / counts[0]
            lasts = f"{seconds / 60:.0f} minutes" if seconds > 100 else f"{seconds:.0f} seconds"
            progress(Note(f"the rest takes about {lasts}"))

    def tell(number: int, done: int) -> None:
        progress(Step("Optimizing", (number - 1) * counts[-1] + done, steps, "iterations"))

    try:
        for number, content in enumerate(contents, 1):
            tell(number, 0)
            first = content if start == "photo" else np.random.default_rng(0).uniform(0, 255, content.shape)
            optimizer.run(content, counts, first, partial(keep, number), partial(tell, number))
        tell(len(contents), counts[-1])
    except KeyboardInterrupt:
        if not made[counts[0]]:
            raise
    complete = max(1, len(made[counts[-1]]))
    return {f"optimization, {count} iterations": found for count, found in made.items() if len(found) >= complete}


def _rows(losses: PictureLosses, painted: dict[str, Painted], progress: Progress) -> tuple[Row, ...]:
    of_photos = list(zip(*([picture for picture, _ in made] for made in painted.values()), strict=True))
    compared = track(of_photos, "Measuring losses", len(of_photos), "photos", progress)
    measured = [losses(pictures[0], pictures) for pictures in compared]
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
        rows = zip(evaluation.photos, evaluation.pictures, strict=True)
        methods = [row.method for row in evaluation.rows]
        images.save(sheet([_labeled(name, methods, pictures) for name, pictures in rows]), folder / "grid.png")


def _labeled(photo: str, methods: Sequence[str], pictures: Sequence[np.ndarray]) -> list[Labeled]:
    """What each method made of a photo, the photo first."""
    return [Labeled(picture, (name,)) for name, picture in zip((photo, *methods[1:]), pictures, strict=True)]
