"""Trains a transform network for one style, or for many.

`train(config, out)` makes a run folder:

    model.safetensors     the network so far, ready for `stylize` and `export`
    training.safetensors  the same with the optimizer's state, for `resume`
    style.png             the style image as the losses see it: cropped and at their size; of many, styles/NAME.png
    content/              the shards made from a folder of photos (not when shards were given)
    preview.png           held-out photos and what the network makes of them; previews/ keeps them all
    log.jsonl             the losses of every step
    tensorboard/          the same for TensorBoard

There are two phases (docs/training.md). The rough one learns palette and strokes cheaply, on smaller crops; the fine
one, on full ones, also rounds as int8 will. How far a training is, in steps or in time, decides its phase and its
learning rate.

A network that starts from random weights learns to draw first: meanwhile the weight of the style loss grows to what was
asked for. Without that it learns to cover the photo with brush strokes, and never looks at it again.
"""

import hashlib
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from shlex import quote

import numpy as np

from ..errors import CheckpointError, ImageError, OutputError, UsageError
from ..files import alone, refuse_existing
from ..media import images
from ..network.card import MODEL, STATE
from ..network.catalog import bundled_photos, style_path
from ..network.checkpoint import Checkpoint
from ..progress import Note, Progress, silent
from .config import TrainConfig
from .dataset import MANIFEST, build, note_unreadable
from .run import Run, drop_lines_after, photos_of
from .start import other_styles, start_arrays
from .style_crop import cropped
from .style_files import SUFFIX, style_file
from .team import Team
from .trainer import Trainer, make_trainer, suitable_rate
from .turns import Turns

LEFT = ("content", "style.png", "styles")  # what a training makes before its first checkpoint


def train(
    config: TrainConfig,
    out: Path | str,
    progress: Progress = silent,
    painting: np.ndarray | None = None,
    team: Team | None = None,
) -> Path:
    """Trains from the start into the new folder `out`.

    Args:
        config: every setting.
        out: a new folder for the run.
        progress: called after every step.
        painting: (H, W, 3) uint8, RGB; by default the file that `config.style` names, or those of `config.styles`.
        team: the processes that train; by default this one alone.

    Returns:
        The network's file.

    Raises:
        OutputError: `out` exists or cannot be written.
        ImageError, DatasetError: the style image or the photos cannot be used.
        UsageError: preparing took all the minutes there were.
        DivergedError: the loss is no longer finite, or explodes.
        KeyboardInterrupt: after Ctrl-C, with a checkpoint written.
        DeviceError: another process of the team is lost.
    """
    team = team or Team()
    with team.together():
        return _train(config, Path(out), progress, painting, team)


def _train(config: TrainConfig, out: Path, progress: Progress, painting: np.ndarray | None, team: Team) -> Path:
    began = time.perf_counter()
    team.distribute(config.batch_size)
    if team.writes:
        _refuse_started(out)
        refuse_existing(out)
    config, paintings = _paintings(config, painting)
    start, others = start_arrays(config), other_styles(config)
    if team.writes:
        _make_folder(config, out, progress)
    team.of_all(0)  # the others read what the first one has made
    trainer = make_trainer(config, paintings[0], team)
    turns = _turns(config, trainer, paintings)
    if start is not None:
        turns.load(start, turns.optimizer())
    for style, path in zip(paintings, painting_paths(config, out), strict=True) if team.writes else ():
        images.save(style, path)
    if config.minutes:  # less what packing the photos took
        left = config.minutes - (time.perf_counter() - began) / 60
        if left <= 0:
            packed = f" or with `content={out / 'content'}`, where the photos are packed now, and another `out`"
            packed = packed if (out / "content").is_dir() else ""
            raise UsageError(f"preparing took all of `minutes={config.minutes:g}`; train for longer{packed}")
        config, began = replace(config, minutes=left), time.perf_counter()
    # What was chosen here is what the card says, and what a resumed run keeps, on another machine too.
    rate = config.learning_rate or (suitable_rate(config.steps) if config.steps else None)
    config = replace(config, loss_precision=trainer.perceptual.network.precision, learning_rate=rate)
    with alone(out) if team.writes else nullcontext():
        run = Run(config, out, trainer, 0, began, progress, turns, others)
        if (side := run.photos.manifest.shorter_side) < config.image_size:
            text = (
                f"the photos were packed at {side} pixels and are enlarged for `image_size={config.image_size}`; "
                f"sharper: pack them with mobile-style dataset --size {config.packed_size}"
            )
            progress(Note(text, warning=True))
        return _trained(run, paintings)


def resume(out: Path | str, progress: Progress = silent, team: Team | None = None) -> Path:
    """Continues the training in `out` from its last checkpoint, as if it had never stopped.

    Args:
        out: the run's folder.
        progress: called after every step.
        team: the processes that train; by default this one alone. With as many as before, it continues exactly.

    Returns:
        The network's file.

    Raises:
        CheckpointError: there is no checkpoint, or it is damaged.
        OutputError: another process is running it.
        DeviceError: another process of the team is lost.
    """
    team = team or Team()
    with team.together():
        return _resume(Path(out), progress, team)


def _resume(out: Path, progress: Progress, team: Team) -> Path:
    began = time.perf_counter()
    if not (out / STATE).is_file():
        _refuse_started(out)
        raise CheckpointError(f"{out} holds no checkpoint to go on from; start a training in a new folder")
    with alone(out) if team.writes else nullcontext():
        state = Checkpoint.read(out / STATE)
        config = TrainConfig.from_card(state.card)
        team.distribute(config.batch_size)
        paintings = [images.load(path) for path in painting_paths(config, out)]
        if photos_of(config, out).sha256() != state.card["content_sha256"]:
            raise CheckpointError(
                f"the photos are not those that {out} was trained on; start again with --init {quote(str(out))}"
            )
        trainer = make_trainer(config, paintings[0], team)
        turns = _turns(config, trainer, paintings)
        try:
            turns.load(state.weights, state.optimizer)
        except ValueError:
            text = f"{out / STATE} holds another optimizer; start again with --init {quote(str(out / MODEL))}"
            raise CheckpointError(text) from None
        if team.writes:
            drop_lines_after(out / "log.jsonl", state.card["step"])
        others = Checkpoint.read(out / MODEL) if config.only_style else None
        began -= state.card["seconds"]
        run = Run(config, out, trainer, state.card["step"], began, progress, turns, others)
        if run.done() >= 1:
            progress(Note(f"{out} has ended; `init={out}` starts another training from it"))
        return _trained(run, paintings)


def _trained(run: Run, paintings: list[np.ndarray]) -> Path:
    """Trains to the end; of styles alone, each is written as a file of its own, too."""
    path = run.go(paintings)
    if run.config.only_style and run.team.writes:
        model = Checkpoint.read(path)
        for entry, painting in zip(run.config.styles, paintings, strict=True):
            style_file(model, entry, painting).write(run.out / "styles" / f"{entry.name}{SUFFIX}")
    return path


def painting_paths(config: TrainConfig, out: Path) -> list[Path]:
    """Where a run keeps its style images."""
    return [out / "styles" / f"{entry.name}.png" for entry in config.styles] or [out / "style.png"]


def _paintings(config: TrainConfig, painting: np.ndarray | None) -> tuple[TrainConfig, list[np.ndarray]]:
    """The style images as the losses see them, and the settings with what is known of the files now."""
    if not config.styles:
        return config, [style_image(config, images.load(style_path(config.style)) if painting is None else painting)]
    entries, paintings = [], []
    for entry in config.styles:
        sha256 = hashlib.sha256(style_path(entry.file).read_bytes()).hexdigest()
        entries.append(replace(entry, size=entry.size or config.style_size, sha256=sha256))
        of_one = replace(config, style=entry.name, style_size=entries[-1].size)
        paintings.append(style_image(of_one, entry.load()))
    return replace(config, styles=tuple(entries)), paintings


def _turns(config: TrainConfig, trainer: Trainer, paintings: list[np.ndarray]) -> Turns:
    pairs = zip(config.styles, paintings, strict=True) if config.styles else ()
    return Turns(trainer, [trainer.target_of(painting, entry.weight) for entry, painting in pairs])


def style_image(config: TrainConfig, painting: np.ndarray) -> np.ndarray:
    """The part of the painting that is used, at the scale of its strokes: shorter side `style_size`, uint8.

    Raises:
        ImageError: it is smaller than that, or no part of the painting.
    """
    part = cropped(painting, config.style_crop, config.style)
    height, width = part.shape[:2]
    if min(height, width) < config.style_size:
        what = f"`style_crop={config.style_crop}` of {config.style}" if config.style_crop else config.style
        larger = "a larger part or picture" if config.style_crop else "a larger picture"
        raise ImageError(
            f"{what} is {width} x {height} pixels, smaller than `style_size={config.style_size}`: "
            f"use {larger} of the painting, or `style_size={max(32, min(height, width))}`"
        )
    return images.with_shorter_side(part, config.style_size)


def _refuse_started(out: Path) -> None:
    """Raises OutputError if `out` belongs to a training that was killed before its first checkpoint."""
    if not (out / STATE).exists() and any((out / name).exists() for name in LEFT):
        raise OutputError(
            f"{out} is the folder of a training that has no checkpoint yet; if it is not under way any more, remove "
            f"{out}, or choose another `out`"
        )


def _make_folder(config: TrainConfig, out: Path, progress: Progress) -> None:
    """Makes the run's folder, with the photos packed into it unless they are shards already."""
    content = Path(config.content) if config.content else bundled_photos("train")
    if not (content / MANIFEST).is_file():
        manifest = build([content], out / "content", config.packed_size, progress=progress)
        note_unreadable(manifest, progress)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror}; choose another place") from None
