"""Training a transform network for one style.

`train(config, out)` makes a run folder:

    model.safetensors     the network so far, ready for `stylize` and `export`
    training.safetensors  the same with the optimizer's state, for `resume`
    style.png             the style image as the losses see it
    content/              the shards made from a folder of photos (not when shards were given)
    preview.png           held-out photos and what the network makes of them; previews/ keeps them all
    log.jsonl             the losses of every step
    tensorboard/          the same for TensorBoard

Two phases (docs/training.md has what each is worth). The rough one, on smaller crops, gets palette and strokes
cheaply; the fine one, on full ones, also rounds as int8 will. How far a training is, in steps or in time, decides its
phase and its learning rate.

A network that starts from random weights learns to draw first: meanwhile the weight of the style loss grows to what was
asked for. Without that it learns to cover the photo with brush strokes, and never looks at it again.
"""

import json
import math
import signal
import statistics
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from tensorboard.summary import Writer

from . import images
from .backend import fastest_precision, loading
from .card import MODEL, SCHEMA
from .checkpoint import Checkpoint
from .config import TrainConfig, further
from .dataset import MANIFEST, Batches, Photos, build, report_unreadable
from .errors import CheckpointError, DivergedError, ImageError, OutputError, UsageError
from .files import alone, refuse_existing, writing
from .grain import grained
from .losses import PerceptualLoss, checkerboard
from .models import carried_photos, model_path, style_path
from .network import TransformNet, load_network, load_weights
from .progress import Lines, bars, console
from .stylize import stylize_image

STATE = "training.safetensors"
PREVIEW_SIZE = 256
ROUGH = 0.6  # of the training
DRAWING = 0.2  # of a training from random weights, in which the style loss slowly gets its weight
FAINT = 0.01  # share of the style weight that such a training starts with
FINE_COST = 3.0  # of a step, in rough ones, where the plan of a training by time is made
SMALLEST_CROP = 48
LEARNING_RATE = 3e-3
CHECKERBOARD_WEIGHT = 4000.0
LONG = 4000  # steps; more steps of that length wander off, as far as the root of their number
WARMUP = 20  # steps at most
DIVERGED = 30  # times the lowest smoothed loss
MEASURED = 8  # steps before a training of so many minutes is planned; the first few are slower
FARTHEST = 8  # pixels that a frame moves; two of the network's strides
WIDE = 170  # characters of a terminal that shows every loss
FEW = 500  # steps: with fewer, smaller crops are worth more


class Trainer(keras.Model):  # type: ignore[misc]
    """The network under its losses: what Keras differentiates, on any of its backends."""

    def __init__(
        self, network: TransformNet, perceptual: PerceptualLoss, rounding_weight: float, stability: float
    ) -> None:
        super().__init__()
        self.network, self.perceptual = network, perceptual
        self.weights_of = {"rounding": rounding_weight, "motion": stability, "checkerboard": CHECKERBOARD_WEIGHT}
        self.fine = False
        self.style_share = self.add_weight(name="style_share", shape=(), initializer="ones", trainable=False)
        # Named here so that Keras sees their weights; JAX would compile them in as constants.
        self.loss_networks = [perceptual.network, perceptual.content_network]
        self.trackers = [keras.metrics.Mean(name=name) for name in _LOGGED]

    def call(self, content_images: Any, training: bool = False) -> Any:
        """Stylises a batch."""
        return self.network(content_images, training=training and self.fine)

    def refine(self) -> None:
        """Enters the fine phase."""
        self.fine = True
        self.make_train_function(force=True)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
        """The total of the losses of outputs `y_pred` for content images `x`, mean over the batch.

        Of the style's weight, only `style_share` counts here; what is logged counts all of it.

        In the fine phase `y_pred` is rounded on its way as int8 will round it. How far it is from the output
        that is not, in squared grey levels, is a loss of its own, with gradients through both: it makes the
        network amplify rounding less. So is, in both phases, how far the output that is not rounded is from that of a
        frame moved by `y` pixels, (2,) down and right, moved back: it makes strokes stay where they are in a video.
        And so is, always, the grid that upsampling leaves in `y_pred`.
        """
        parts = self.perceptual.parts(y_pred, self.perceptual.content_targets(x))
        nothing = ops.zeros_like(parts["style"])
        moved = self.weights_of["motion"]
        exact = self.network(x) if self.fine and (self.weights_of["rounding"] or moved) else None
        parts["rounding"] = nothing if exact is None else ops.mean(ops.square(y_pred - exact), axis=(1, 2, 3))
        parts["motion"] = moved_difference(self.network, x, y_pred if exact is None else exact, y) if moved else nothing
        parts["checkerboard"] = checkerboard(y_pred)
        parts["total"] = self.total(parts)
        for tracker in self.trackers:
            tracker.update_state(parts[tracker.name])
        return ops.mean(self.total(parts | {"style": parts["style"] * self.style_share}))

    def total(self, parts: dict[str, Any]) -> Any:
        """Weighted sum of all the losses."""
        return self.perceptual.total(parts) + sum(weight * parts[name] for name, weight in self.weights_of.items())

    def step(self, batch: np.ndarray, motion: np.ndarray) -> dict[str, float]:
        """One optimizer step on (N, H, W, 3) crops; the losses before it, unweighted, and their total.

        `motion`: (2,), see `compute_loss`.
        """
        self.reset_metrics()
        logs = self.train_on_batch(batch, motion[None].repeat(len(batch), 0), return_dict=True)
        return {name: float(logs[name]) for name in _LOGGED}


_LOGGED = ("total", "content", "style", "tv", "rounding", "motion", "checkerboard")


def moved_difference(network: TransformNet, frames: Any, outputs: Any, motion: Any) -> Any:
    """Mean squared difference, in grey levels, between what is painted before and after a movement: (N,).

    Args:
        network: what paints.
        frames: (N, H, W, 3), 0..255.
        outputs: what the network makes of the frames.
        motion: (N, 2) integers from 0 to `FARTHEST` - 1, down and right, the same in every row.
    """
    count, height, width, _ = frames.shape
    start, size = (0, motion[0, 0], motion[0, 1], 0), (count, height - FARTHEST, width - FARTHEST, 3)
    difference = network(ops.slice(frames, start, size)) - ops.slice(outputs, start, size)
    # Up to the edges, though the two see different reflections there: in a rim left out, networks paint a frame.
    return ops.mean(ops.square(difference), axis=(1, 2, 3))


def peak_rate(config: TrainConfig) -> float:
    """Of the learning rate; of a training by time, before its plan is made, that of a short one."""
    return config.learning_rate or suitable_rate(config.steps)


def suitable_rate(steps: int) -> float:
    """The highest learning rate of a training of so many steps."""
    return LEARNING_RATE * min(1.0, math.sqrt(LONG / max(steps, 1)))


def make_trainer(config: TrainConfig, style_image: np.ndarray) -> Trainer:
    """A compiled `Trainer` with fresh weights."""
    keras.utils.set_random_seed(config.seed)
    precision = fastest_precision() if config.loss_precision == "auto" else config.loss_precision
    perceptual = PerceptualLoss(config.objective, style_image, precision)
    network = TransformNet(config.architecture, config.seed)
    trainer = Trainer(network, perceptual, config.rounding_weight, config.stability)
    # Muon (https://kellerjordan.github.io/posts/muon/) for the kernels, Adam for the rest: in the same number of steps
    # it gets what takes Adam 1.75 times as many (docs/training.md).
    optimizer = keras.optimizers.Muon(
        peak_rate(config),
        weight_decay=None,
        adam_weight_decay=None,
        exclude_embeddings=False,
    )
    # XLA on the CPU is no faster.
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
        UsageError: preparing took all the minutes there were.
        DivergedError: the loss is no longer finite, or explodes.
        KeyboardInterrupt: after Ctrl-C, with a checkpoint written.
    """
    began = time.perf_counter()
    refuse_existing(out)
    there = out.is_dir()
    style_image = _style_image(config)
    trainer = make_trainer(config, style_image)
    if config.init:
        start, card = load_network(model_path(config.init))
        if start.architecture != config.architecture:
            raise CheckpointError(
                f"--init {config.init} is a network of preset {card['config']['preset']} ({start.architecture}), "
                f"but this training asks for {config.preset} ({config.architecture})"
            )
        trainer.network.set_weights(start.get_weights())
    content = Path(config.content) if config.content else carried_photos("train")
    if not (content / MANIFEST).is_file():
        manifest = build([content], out / "content", config.packed_size)
        report_unreadable(manifest)
    elif not there:
        try:
            out.mkdir(parents=True)  # another training may have begun there meanwhile
        except OSError as error:
            raise OutputError(f"cannot write {out}: {error.strerror}") from None
    images.save(style_image, out / "style.png")
    if config.minutes:  # less what packing the photos took
        left = config.minutes - (time.perf_counter() - began) / 60
        if left <= 0:
            packed = f" or with --content {out / 'content'}, where the photos are packed now, and another --out"
            packed = packed if (out / "content").is_dir() else ""
            raise UsageError(f"preparing took all of --minutes {config.minutes:g}; train for longer{packed}")
        config, began = replace(config, minutes=left), time.perf_counter()
    # What was chosen here is what the card tells, and what a resumed run keeps, on another machine too.
    rate = peak_rate(config) if config.steps else config.learning_rate
    config = replace(config, loss_precision=trainer.perceptual.network.precision, learning_rate=rate)
    with alone(out):
        run = _Run(config, out, trainer, step=0, began=began)
        if (side := run.photos.manifest.shorter_side) < config.image_size:
            console.print(
                f"the photos in {content} were packed at {side} pixels and are enlarged for --image-size "
                f"{config.image_size}; sharper: pack them with mobile-style dataset --size {config.packed_size}",
                markup=False,
                soft_wrap=True,
            )
        return run.go()


def resume(out: Path) -> Path:
    """Goes on with the training in `out`, from its last checkpoint, as if it had never stopped.

    Raises:
        CheckpointError: there is no checkpoint, or it is damaged.
        OutputError: it is under way in another process.
    """
    began = time.perf_counter()
    if not (out / STATE).is_file():
        raise CheckpointError(f"{out} holds no checkpoint to go on from; start again without --resume")
    with alone(out):
        return _resumed(out, began).go()


def _resumed(out: Path, began: float) -> "_Run":
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
    run = _Run(config, out, trainer, step, began - state.card["seconds"])
    if run.done() >= 1:
        console.print(f"{out} has ended; to train it further: {further(run.config, out)}", markup=False, soft_wrap=True)
    return run


def _style_image(config: TrainConfig) -> np.ndarray:
    painting = images.load(style_path(config.style))
    height, width = painting.shape[:2]
    if min(height, width) < config.style_size:
        raise ImageError(
            f"{config.style} is {width} x {height} pixels, smaller than --style-size {config.style_size}: "
            f"use a larger picture of the painting, or --style-size {max(32, min(height, width))}"
        )
    return images.with_shorter_side(painting, config.style_size)


class _Run:
    """A training under way."""

    def __init__(self, config: TrainConfig, out: Path, trainer: Trainer, step: int, began: float) -> None:
        self.config, self.out, self.trainer, self.step, self.began = config, out, trainer, step, began
        self.photos = _photos(config, out)
        self.saved = step
        self.losses: dict[str, float] = {}

    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def done(self) -> float:
        """The share of the training that is done, in steps or in time."""
        return self.seconds() / (60 * self.config.minutes) if self.config.minutes else self.step / self.config.steps

    def side(self) -> int:
        """Of the next crops."""
        return self.config.image_size if self.trainer.fine else self.config.rough_size

    def batches(self) -> Generator[np.ndarray, None, None]:
        while True:
            side = self.side()
            batches = Batches(self.photos, self.config.batch_size, side, self.config.seed)
            with closing(batches.starting_at(self.step)) as stream:
                while side == self.side():
                    yield next(stream)

    def style_share(self, done: float) -> float:
        """What counts of the style weight; all of it for a network that can draw."""
        return 1.0 if self.config.init else FAINT ** max(0.0, 1 - done / DRAWING)

    def learning_rate(self, done: float) -> float:
        """A cosine from the peak to zero, after a linear start."""
        steps = WARMUP if self.config.minutes else max(1, min(WARMUP, self.config.steps // 20))
        warm = min(1.0, (self.step + 1) / steps)
        return peak_rate(self.config) * warm * 0.5 * (1 + math.cos(math.pi * done))

    def plan(self, step_seconds: float) -> None:
        """Fits a training by time to the machine, once it is known how long a rough step takes here."""
        left = (1 - self.done()) * 60 * self.config.minutes
        steps = left / step_seconds * (ROUGH + (1 - ROUGH) / FINE_COST)
        if steps < FEW:
            side = int(self.config.image_size * math.sqrt(steps / FEW)) // 4 * 4
            side = min(self.config.image_size, max(SMALLEST_CROP, side))
            steps *= (self.config.image_size / side) ** 2
            self.config = replace(self.config, image_size=side)
        self.config = replace(self.config, learning_rate=self.config.learning_rate or suitable_rate(round(steps)))
        rough = steps * ROUGH / (ROUGH + (1 - ROUGH) / FINE_COST)
        console.print(
            f"plan: {left / 60:.1f} minutes are left for about {rough:.0f} steps on crops of {self.config.rough_size} "
            f"pixels, then {steps - rough:.0f} on {self.config.image_size}",
            soft_wrap=True,
        )

    def save(self) -> None:
        card = {
            "schema": SCHEMA,
            "config": asdict(self.config),
            "content_sha256": self.photos.sha256(),
            "step": self.step,
            "seconds": round(self.seconds(), 1),
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "versions": {name: version(name) for name in ("mobile-style", "keras", keras.backend.backend())},
            "losses": self.losses,
        }
        weights = {v.name: ops.convert_to_numpy(v.value) for v in self.trainer.network.weights}
        if not all(np.isfinite(value).all() for value in weights.values()):
            raise DivergedError(f"the weights are no longer finite at step {self.step}{self.advice()}")
        state = {name: ops.convert_to_numpy(v.value) for name, v in _optimizer_variables(self.trainer).items()}
        Checkpoint(card, weights, state).write(self.out / STATE)
        Checkpoint(card, weights, {}).write(self.out / MODEL)
        self.saved = self.step

    def advice(self) -> str:
        return (
            f": lower --learning-rate (now {peak_rate(self.config):g}) or the largest weight; "
            f"the last checkpoint is kept in {self.out}"
        )

    def go(self) -> Path:
        """Trains to the end."""
        held_out = _preview_photos(self.photos)
        style = images.load(self.out / "style.png")
        lowest = smoothed = math.inf
        taken: list[float] = []
        lines = Lines()
        by_time = self.config.minutes > 0
        planned = not by_time or (self.step >= MEASURED and self.config.learning_rate is not None)
        total = round(60 * self.config.minutes) if by_time else self.config.steps
        with loading():
            writer = Writer(str(self.out / "tensorboard"))
        with (
            _interruptible() as interrupted,
            closing(writer) as board,
            closing(self.batches()) as batches,
            (self.out / "log.jsonl").open("a", buffering=1) as log,
            bars("speed", "losses") as progress,
        ):
            if self.step == 0:
                self.save()  # so that a run can be resumed however early it is stopped
            task = progress.add_task("Training", total=total, losses="", speed="")
            while (done := self.done()) < 1 and not interrupted:
                if done >= ROUGH and not self.trainer.fine:
                    self.trainer.refine()
                self.trainer.optimizer.learning_rate = self.learning_rate(done)
                self.trainer.style_share.assign(self.style_share(done))
                started = time.perf_counter()
                motion = np.random.default_rng((self.config.seed, 2, self.step)).integers(FARTHEST, size=2)
                self.losses = losses = self.trainer.step(next(batches), motion)
                smoothed = losses["total"] if math.isinf(smoothed) else 0.9 * smoothed + 0.1 * losses["total"]
                lowest = min(lowest, smoothed)
                if not math.isfinite(smoothed) or smoothed > DIVERGED * lowest:
                    raise DivergedError(f"the loss became {losses['total']:.3g} at step {self.step + 1}{self.advice()}")
                self.step += 1
                taken.append(time.perf_counter() - started)
                rate = self.config.batch_size / taken[-1]
                log.write(json.dumps({"step": self.step, **losses, "images_per_second": round(rate, 3)}) + "\n")
                for name, value in losses.items():
                    board.add_scalar(f"loss/{name}", value, self.step)
                if not planned and len(taken) == MEASURED and self.done() < 1:
                    before = self.side()
                    self.plan(statistics.median(taken))
                    if self.side() != before:  # else TensorFlow would go on with a function for crops of any size
                        self.trainer.make_train_function(force=True)
                parts = "  ".join(f"{name} {losses[name]:.3g}" for name in _LOGGED)
                speed = f"{rate:.1f} images/s"
                shown = parts if console.width >= WIDE else f"total {losses['total']:.3g}"
                progress.update(task, completed=round(done * total), losses=shown, speed=speed)
                lines.show(f"step {self.step}{'' if by_time else f'/{total}'}  {done:.0%}  {parts}  {speed}")
                if self.step % self.config.checkpoint_every == 0:
                    self.save()
                if self.step % self.config.preview_every == 0:
                    _preview(self.out, self.trainer.network, style, held_out, self.step)
        if self.step > self.saved:
            self.save()
        if self.done() < 1:
            raise KeyboardInterrupt
        if self.step % self.config.preview_every:
            _preview(self.out, self.trainer.network, style, held_out, self.step)
        return self.out / MODEL


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
    stylised = [stylize_image(network, grained(photo)) for photo in photos]
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
