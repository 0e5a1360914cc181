"""The paper's comparison: the network's losses on held-out photos against the slow optimisation's."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from . import images
from .config import Objective, TrainConfig
from .errors import UsageError
from .files import refuse_existing, writing
from .losses import loss_of
from .models import carried_photos, model_name, model_path, style_path
from .network import load_network
from .optimise import Optimiser
from .progress import track
from .stability import flicker
from .stylize import stylize_image


@dataclass(frozen=True)
class Row:
    """One method's mean over the photos.

    Attributes:
        method: "photo" (nothing done), "network", or "optimise N".
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

    `flicker` is stability.py's, in grey levels, mean over the photos.
    """

    model: str
    style: str
    size: int
    style_size: int
    photos: tuple[str, ...]
    objective: Objective
    flicker: float
    rows: tuple[Row, ...]


def evaluate(
    model: str,
    style: str | None = None,
    photos: Path | None = None,
    size: int = 256,
    iterations: Sequence[int] = (),
    start: str = "noise",
    limit: int | None = None,
    out: Path | None = None,
    note: Callable[[str], None] | None = None,
) -> Evaluation:
    """Measures a model on photos it was not trained on.

    The losses are those that the model was trained with, on the pixels as they would be saved
    (rounded, 0..255), on the middle of each photo at size x size pixels.

    Args:
        model: a bundled model's name, a run's folder or a checkpoint.
        style: the style image or a carried one's name; by default the one it was trained on.
        size: side of the square that is compared, in pixels.
        photos: a folder; by default the package's own held-out photos.
        iterations: the slow method is measured after each of these numbers of L-BFGS iterations.
        start: of the slow method: white "noise", as in the paper, or the "photo" itself.
        limit: use only the first so many photos.
        out: a new folder for evaluation.json and grid.png.
        note: told of each photo that cannot be read, and why.
    """
    if not 32 <= size <= 2048:
        raise UsageError(f"--size must be from 32 to 2048 pixels, not {size}")
    if any(count < 1 for count in iterations):
        raise UsageError("--optimise takes numbers of iterations from 1 up, such as 50,100,300")
    if start not in ("noise", "photo"):
        raise UsageError(f"--start is noise or photo, not {start}")
    if out is not None:
        refuse_existing(out)
    path = model_path(model)
    network, card = load_network(path)
    config = TrainConfig.from_card(card)
    perceptual = loss_of(path, config, None if style is None else style_path(style))
    files: list[Path] = []
    contents: list[np.ndarray] = []
    for file, picture in images.read_photos(photos or carried_photos("held_out"), limit, note):
        files.append(file)
        contents.append(images.centre_square(picture, size))

    stylize_image(network, contents[0])  # the first call is slower
    outputs: dict[str, list[np.ndarray]] = {"photo": contents, "network": []}
    seconds: dict[str, list[float]] = {"photo": [0.0], "network": []}
    for content in contents:
        began = time.perf_counter()
        outputs["network"].append(stylize_image(network, content))
        seconds["network"].append(time.perf_counter() - began)
    if iterations:
        optimiser = Optimiser(perceptual, size, size)
        for content in track(contents, f"Optimising {max(iterations)} iterations each", len(contents)):
            first = content if start == "photo" else np.random.default_rng(0).uniform(0, 255, content.shape)
            for snapshot in optimiser.run(content, tuple(sorted(set(iterations))), first):
                method = f"optimise {snapshot.iterations}"
                outputs.setdefault(method, []).append(images.to_pixels(snapshot.image))
                seconds.setdefault(method, []).append(snapshot.seconds)

    rows = []
    painted = zip(*outputs.values(), strict=True)  # of a photo, by every method
    measured = [perceptual.of_pictures(*pair) for pair in zip(contents, painted, strict=True)]
    for method, losses in zip(outputs, zip(*measured, strict=True), strict=True):
        mean = {name: float(np.mean([loss[name] for loss in losses])) for name in losses[0]}
        taken = float(np.median(seconds[method]))
        rows.append(Row(method, **mean, seconds=taken, speedup=taken / float(np.median(seconds["network"]))))
    evaluation = Evaluation(
        model=model_name(path),
        style=Path(style or config.style).name,
        size=size,
        style_size=config.style_size,
        photos=tuple(file.name for file in files),
        objective=config.objective,
        flicker=float(np.mean([flicker(partial(stylize_image, network), images.load(file), size) for file in files])),
        rows=tuple(rows),
    )
    if out is not None:
        with writing(out) as folder:
            folder.mkdir()
            (folder / "evaluation.json").write_text(json.dumps(asdict(evaluation), indent=2) + "\n")
            images.save(images.grid(list(map(list, zip(*outputs.values(), strict=True)))), folder / "grid.png")
    return evaluation
