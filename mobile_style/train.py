"""Training a transform network for one style.

`train(config, out)` makes a run folder:

    model.safetensors     the network so far, ready for `stylize` and `export`
    training.safetensors  the same with the optimizer's state, for `resume`
    style.png             the style image as the losses see it
    content/              the shards made from a folder of photos (not when shards were given)
    preview.png           held-out photos and what the network makes of them; previews/ keeps them all
    log.jsonl             the losses of every step
    tensorboard/          the same for TensorBoard
"""

import json
import math
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from tensorboard.summary import Writer

from . import images
from .backend import loading
from .card import MODEL, SCHEMA
from .checkpoint import Checkpoint
from .config import TrainConfig
from .dataset import MANIFEST, Batches, Photos, build, report_unreadable
from .errors import CheckpointError, DivergedError, ImageError
from .files import refuse_existing, writing
from .losses import PerceptualLoss
from .models import carried_photos, style_path
from .network import TransformNet, load_network, load_weights
from .progress import Lines, bars, console
from .stylize import stylize_image

STATE = "training.safetensors"
PREVIEW_SIZE = 256
WARMUP = 20  # steps at most
DIVERGED = 30  # times the lowest smoothed loss


class Trainer(keras.Model):  # type: ignore[misc]
    """The network under its losses: what Keras differentiates, on any of its backends."""

    def __init__(self, network: TransformNet, perceptual: PerceptualLoss, rounding_weight: float) -> None:
        super().__init__()
        self.network, self.perceptual, self.rounding_weight = network, perceptual, rounding_weight
        # Named here so that Keras sees their weights; JAX would compile them in as constants.
        self.loss_networks = [perceptual.network, perceptual.content_network]
        self.trackers = [keras.metrics.Mean(name=name) for name in ("content", "style", "tv", "rounding")]

    def call(self, content_images: Any, training: bool = False) -> Any:
        """Stylises a batch."""
        return self.network(content_images, training=training)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """The total of the losses of outputs `y_pred` for content images `x`, mean over the batch.

        `y_pred` is rounded on its way as int8 will round it. How far it is from the output that is not, in
        squared grey levels, is a loss of its own, with gradients through both: it makes the network amplify
        rounding less.
        """
        parts = self.perceptual.parts(y_pred, self.perceptual.content_targets(x))
        parts["rounding"] = ops.mean(ops.square(y_pred - self.network(x)), axis=(1, 2, 3))
        for tracker in self.trackers:
            tracker.update_state(parts[tracker.name])
        return ops.mean(self.perceptual.total(parts) + self.rounding_weight * parts["rounding"])

    def step(self, batch: np.ndarray) -> dict[str, float]:
        """One optimizer step on (N, H, W, 3) crops; the losses before it, unweighted, and their total."""
        self.reset_metrics()
        logs = self.train_on_batch(batch, return_dict=True)
        return {name: float(logs[key]) for name, key in _LOGGED.items()}


_LOGGED = {"total": "loss", "content": "content", "style": "style", "tv": "tv", "rounding": "rounding"}


def make_trainer(config: TrainConfig, style_image: np.ndarray) -> Trainer:
    """A compiled `Trainer` with fresh weights."""
    keras.utils.set_random_seed(config.seed)
    network, perceptual = TransformNet(config.architecture, config.seed), PerceptualLoss(config.objective, style_image)
    trainer = Trainer(network, perceptual, config.rounding_weight)
    warmup = min(WARMUP, config.steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / max(1, warmup),
        decay_steps=config.steps - warmup,
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    # Muon (https://kellerjordan.github.io/posts/muon/) for the kernels, Adam for the rest: in the same number of steps
    # it gets what takes Adam 1.75 times as many (docs/training.md).
    optimizer = keras.optimizers.Muon(
        schedule if warmup else config.learning_rate,
        weight_decay=None,
        adam_weight_decay=None,
        exclude_embeddings=False,
    )
    # XLA on the CPU knows no gradient of nearest-neighbour resizing, and is no faster.
    trainer.compile(optimizer, jit_compile="auto" if keras.backend.backend() == "jax" else False)
    optimizer.build(trainer.network.trainable_variables)
    return trainer


def train(config: TrainConfig, out: Path) -> Path:
    """Trains from the start into the new folder `out`.

    Returns:
        The network's file.

    Raises:
        OutputError: `out` exists or cannot be written.
        ImageError, DatasetError: the style image or the photos cannot be used.
        DivergedError: the loss is no longer finite, or explodes.
        KeyboardInterrupt: after Ctrl-C, with a checkpoint written.
    """
    refuse_existing(out)
    style_image = _style_image(config)
    trainer = make_trainer(config, style_image)
    if config.init:
        start, card = load_network(Path(config.init))
        if start.architecture != config.architecture:
            raise CheckpointError(
                f"--init {config.init} is a network of preset {card['config']['preset']} ({start.architecture}), "
                f"but this training asks for {config.preset} ({config.architecture})"
            )
        trainer.network.set_weights(start.get_weights())
    content = Path(config.content) if config.content else carried_photos("train")
    if not (content / MANIFEST).is_file():
        manifest = build([content], out / "content", max(288, round(config.image_size * 1.25)))
        report_unreadable(manifest)
    images.save(style_image, out / "style.png")
    return _train(config, out, trainer, step=0, seconds=0.0)


def resume(out: Path) -> Path:
    """Goes on with the training in `out`, from its last checkpoint, as if it had never stopped.

    Raises:
        CheckpointError: there is no checkpoint, or it is damaged.
    """
    if not (out / STATE).is_file():
        raise CheckpointError(f"{out} holds no checkpoint to go on from; start again without --resume")
    state = Checkpoint.read(out / STATE)
    config = TrainConfig.from_card(state.card)
    trainer = make_trainer(config, images.load(out / "style.png"))
    load_weights(trainer.network, state.weights)
    variables = _optimizer_variables(trainer)
    if set(variables) != set(state.optimizer):
        raise CheckpointError(f"{out / STATE} holds another optimizer; start again with --init {out / MODEL}")
    for name, variable in variables.items():
        variable.assign(state.optimizer[name])
    step = state.card["step"]
    if _photos(config, out).sha256() != state.card["content_sha256"]:
        raise CheckpointError(f"the photos are not those that {out} was trained on; start again with --init {out}")
    _forget_after(out / "log.jsonl", step)
    return _train(config, out, trainer, step, state.card["seconds"])


def _style_image(config: TrainConfig) -> np.ndarray:
    painting = images.load(style_path(config.style))
    height, width = painting.shape[:2]
    if min(height, width) < config.style_size:
        raise ImageError(
            f"{config.style} is {width} x {height} pixels, smaller than --style-size {config.style_size}: "
            f"use a larger picture of the painting, or --style-size {max(32, min(height, width))}"
        )
    return images.with_shorter_side(painting, config.style_size)


def _train(config: TrainConfig, out: Path, trainer: Trainer, step: int, seconds: float) -> Path:
    photos = _photos(config, out)
    batches = Batches(photos, config.batch_size, config.image_size, config.seed)
    held_out = _preview_photos(photos)
    lowest = smoothed = math.inf
    losses: dict[str, float] = {}
    lines, began = Lines(), time.perf_counter()
    advice = (
        f": lower --learning-rate (now {config.learning_rate:g}) or the largest weight; "
        f"the last checkpoint is kept in {out}"
    )

    def save() -> None:
        card = {
            "schema": SCHEMA,
            "config": asdict(config),
            "content_sha256": photos.sha256(),
            "step": step,
            "seconds": round(seconds + time.perf_counter() - began, 1),
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "versions": {name: version(name) for name in ("mobile-style", "keras", keras.backend.backend())},
            "losses": losses,
        }
        weights = {v.name: ops.convert_to_numpy(v.value) for v in trainer.network.weights}
        if not all(np.isfinite(value).all() for value in weights.values()):
            raise DivergedError(f"the weights are no longer finite at step {step}{advice}")
        state = {name: ops.convert_to_numpy(v.value) for name, v in _optimizer_variables(trainer).items()}
        Checkpoint(card, weights, state).write(out / STATE)
        Checkpoint(card, weights, {}).write(out / MODEL)

    with loading():
        writer = Writer(str(out / "tensorboard"))
    with (
        _interruptible() as interrupted,
        closing(writer) as board,
        closing(batches.starting_at(step)) as stream,
        (out / "log.jsonl").open("a", buffering=1) as log,
        bars("losses", "speed") as progress,
    ):
        if step == 0:
            save()  # so that a run can be resumed however early it is stopped
        task = progress.add_task("Training", total=config.steps, completed=step, losses="", speed="")
        while step < config.steps and not interrupted:
            started = time.perf_counter()
            losses = trainer.step(next(stream))
            smoothed = losses["total"] if math.isinf(smoothed) else 0.9 * smoothed + 0.1 * losses["total"]
            lowest = min(lowest, smoothed)
            if not math.isfinite(smoothed) or smoothed > DIVERGED * lowest:
                raise DivergedError(f"the loss became {losses['total']:.3g} at step {step + 1}{advice}")
            step += 1
            rate = config.batch_size / (time.perf_counter() - started)
            log.write(json.dumps({"step": step, **losses, "images_per_second": round(rate, 3)}) + "\n")
            for name, value in losses.items():
                board.add_scalar(f"loss/{name}", value, step)
            parts = "  ".join(f"{name} {losses[name]:.3g}" for name in _LOGGED)
            progress.update(task, completed=step, losses=parts, speed=f"{rate:.1f} images/s")
            lines.show(f"step {step}/{config.steps}  {parts}  {rate:.1f} images/s")
            if step % config.checkpoint_every == 0 or step == config.steps:
                save()
            if step % config.preview_every == 0 or step == config.steps:
                _preview(out, trainer.network, images.load(out / "style.png"), held_out, step)
        if interrupted and step < config.steps:
            save()
            raise KeyboardInterrupt
    return out / MODEL


def _photos(config: TrainConfig, out: Path) -> Photos:
    """The shards that were given, or those that were made of a folder of photos."""
    made = out / "content"
    return Photos(made if made.is_dir() else Path(config.content))


def _optimizer_variables(trainer: Trainer) -> dict[str, Any]:
    """By name and place, because Keras numbers names by how many objects were made before."""
    return {f"{index:03d}": variable for index, variable in enumerate(trainer.optimizer.variables)}


def _preview_photos(photos: Photos) -> list[np.ndarray]:
    chosen = [photos[index] for index in range(photos.held_out)]
    chosen = chosen or [images.load(path) for path in images.find([carried_photos("held_out")])[:4]]
    return [images.centre_square(photo, PREVIEW_SIZE) for photo in chosen]


def _preview(out: Path, network: TransformNet, style: np.ndarray, photos: list[np.ndarray], step: int) -> None:
    stylised = [stylize_image(network, photo) for photo in photos]
    style = images.centre_square(style, PREVIEW_SIZE)
    sheet = images.grid([[np.full_like(style, 255), *photos], [style, *stylised]])
    images.save(sheet, out / "previews" / f"step-{step:06d}.png")
    images.save(sheet, out / "preview.png")


def _forget_after(log: Path, step: int) -> None:
    """Drops the lines of steps that were done after the last checkpoint, and will be done again."""
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
    with writing(log) as temporary:
        temporary.write_text("".join(kept))


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Gives a list that Ctrl-C fills; a second Ctrl-C stops at once."""
    received: list[int] = []

    def note(number: int, _frame: Any) -> None:
        received.append(number)
        console.print("stopping after this step; press Ctrl-C again to stop at once")
        signal.signal(number, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)
