"""A training under way: its loop, its schedule, its checkpoints and its log."""

import json
import math
import statistics
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import cast

import keras
import numpy as np

from ..errors import DivergedError
from ..files import writing
from ..inference.network import Network
from ..interrupts import interruptible
from ..media import images
from ..media.labels import Labeled, sheet
from ..network.card import MODEL, SCHEMA, STATE, Card, Settings
from ..network.catalog import bundled_photos
from ..network.checkpoint import Checkpoint
from ..network.styles import mixed
from ..painting.stylize import stylize_image
from ..progress import Note, Progress, Step
from .config import TrainConfig
from .dataset import Batches, Photos
from .journal import journal, no_journal
from .losses import FARTHEST
from .start import joined
from .trainer import Trainer, suitable_rate
from .turns import Turns, turn

PREVIEW_SIZE = 256
PREVIEW_SIZE_OF_MANY = 160  # with many styles
ROUGH = 0.6  # of the training
DRAWING = 0.2  # of a training from random weights, in which the style loss slowly gets its weight
FAINT = 0.01  # share of the style weight that such a training starts with
FINE_COST = 3.0  # of a step, in rough ones, where the plan of a training by time is made
SMALLEST_CROP = 48
WARMUP = 20  # steps at most
DIVERGED = 30  # times the lowest smoothed loss
SMOOTHING = 0.9  # share of the smoothed loss that a step keeps
MEASURED = 8  # steps before a training of so many minutes is planned; the first few are slower
# Pixels around what the losses see. A network that knows where a crop ends, paints the colors that it lacks as a frame:
# in a crop of 160 pixels it knows everywhere.
MARGIN = 64
FEWEST = 30  # steps that a training by time should have
FEW = 500  # steps: with fewer, smaller crops are worth more


@dataclass(frozen=True)
class Plan:
    """What a training by time decides once it knows how fast the machine is.

    Attributes:
        image_size: side of the crops in the fine phase.
        learning_rate: its peak.
    """

    image_size: int
    learning_rate: float


class Run:
    """A training in the folder `out`, from `step` on.

    Args:
        began: a value of `time.perf_counter`; the seconds since then are those of the whole training.
        turns: the turns of many styles; by default the trainer's one style has all of them.
        others: the network of many styles that the trained ones are put into, in a training of styles alone.
    """

    def __init__(
        self,
        config: TrainConfig,
        out: Path,
        trainer: Trainer,
        step: int,
        began: float,
        progress: Progress,
        turns: Turns | None = None,
        others: Checkpoint | None = None,
    ) -> None:
        self.turns, self.others, self.team = turns or Turns(trainer), others, trainer.team
        self.config, self.out, self.trainer, self.step, self.began = config, out, trainer, step, began
        trainer.margin = MARGIN
        self.progress = progress
        self.photos = photos_of(config, out)
        self.planned = config.learning_rate is not None
        self.plan = Plan(config.image_size, config.learning_rate or suitable_rate(config.steps))
        self.saved = step
        self.losses: dict[str, float] = {}

    def seconds(self) -> float:
        """How long the training has taken, all sessions together."""
        return time.perf_counter() - self.began

    def done(self) -> float:
        """The share of the training that is done, in steps or in time."""
        return self.seconds() / (60 * self.config.minutes) if self.config.minutes else self.step / self.config.steps

    def goes_on(self, interrupted: list[int]) -> float | None:
        """The share of the training that is done; None at its end, and when a process is asked to stop."""
        done = self.done()
        if self.team.count > 1:  # all take the same number of steps, by the first one's clock
            told = self.team.of_all(done, len(interrupted))
            done = told[0][0] if self.config.minutes else done
            if any(stopping for _, stopping in told) and not interrupted:
                interrupted.append(0)
        return None if done >= 1 or interrupted else done

    def crop_size(self) -> int:
        """Side of what the losses see of the next crops."""
        chosen = replace(self.config, image_size=self.plan.image_size)
        return chosen.image_size if self.trainer.fine else chosen.rough_size

    def batches(self) -> Generator[np.ndarray, None, None]:
        """Crops for each next step, of the size of its phase."""
        while True:
            side = self.crop_size()
            size = self.config.batch_size
            batches = Batches(self.photos, size, side + self.trainer.margin, self.config.seed, self.team.part(size))
            with closing(batches.starting_at(self.step)) as stream:
                while side == self.crop_size():
                    yield next(stream)

    def style_share(self, done: float) -> float:
        """The share of the style weight that counts: all of it for a network that can draw."""
        return 1.0 if self.config.init else FAINT ** max(0.0, 1 - done / DRAWING)

    def learning_rate(self, done: float) -> float:
        """A cosine from the peak to zero, after a linear start."""
        steps = WARMUP if self.config.minutes else max(1, min(WARMUP, self.config.steps // 20))
        warm = min(1.0, (self.step + 1) / steps)
        return self.plan.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * done))

    def make_plan(self, step_seconds: float, compiling: float) -> None:
        """Fits a training by time to the machine, where a rough step takes `step_seconds`.

        Compiling the step, for other crops and again for the fine phase, takes `compiling` seconds each time.
        """
        left = (1 - self.done()) * 60 * self.config.minutes
        working = max(left - 2 * compiling, left / 4)
        steps = working / step_seconds * (ROUGH + (1 - ROUGH) / FINE_COST)
        before, side = self.crop_size(), self.config.image_size
        if steps < FEW:
            side = min(side, max(SMALLEST_CROP, int(side * math.sqrt(steps / FEW)) // 4 * 4))
            steps *= (self.config.image_size / side) ** 2
        rate = self.config.learning_rate or suitable_rate(round(steps))
        if self.team.count > 1:  # whose clocks differ a little
            first = self.team.of_all(side, rate)[0]
            side, rate = int(first[0]), first[1]
        self.plan = Plan(side, rate)
        self.planned = True
        if self.crop_size() != before:  # else TensorFlow would go on with a function for crops of any size
            self.trainer.make_train_function(force=True)
        rough = steps * ROUGH / (ROUGH + (1 - ROUGH) / FINE_COST)
        text = (
            f"plan: {left / 60:.1f} minutes are left for about {rough:.0f} steps on crops of {self.crop_size()} "
            f"pixels, then {steps - rough:.0f} on {side}"
        )
        self.progress(Note(text))
        if side < self.config.image_size:
            text = "that is little time here: expect rough strokes and perhaps a frame; more `minutes` paint better"
            self.progress(Note(text, warning=True))

    def save(self) -> None:
        """Writes the network, and the state that `resume` continues from."""
        settings = self.config
        if self.planned:
            chosen = {"image_size": self.plan.image_size, "learning_rate": self.plan.learning_rate}
            settings = replace(settings, **chosen)  # type: ignore[arg-type]
        card: Card = {
            "schema": SCHEMA,
            "config": cast(Settings, asdict(settings)),
            "content_sha256": self.photos.sha256(),
            "step": self.step,
            "seconds": round(self.seconds(), 1),
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "versions": {name: version(name) for name in ("mobile-style", "keras", keras.backend.backend())},
            "losses": self.losses,
        }
        weights = self.turns.weights()
        if not all(np.isfinite(value).all() for value in weights.values()):
            raise DivergedError(f"the weights are no longer finite at step {self.step}{self.advice()}")
        self.saved = self.step
        if not self.team.writes:
            return
        Checkpoint(card, weights, self.turns.optimizer()).write(self.out / STATE)
        public: Card = {**card, "config": cast(Settings, asdict(settings.without_paths()))}
        model = Checkpoint(public, weights, {})
        (model if self.others is None else joined(model, self.others)).write(self.out / MODEL)

    def advice(self) -> str:
        """What to do about a training that diverges."""
        return (
            f": lower `learning_rate` (now {self.plan.learning_rate:g}) or the largest weight; "
            f"the last checkpoint is kept in {self.out}"
        )

    def take_step(self, batches: Iterator[np.ndarray], done: float) -> float:
        """Takes one optimizer step, and returns its seconds."""
        if done >= ROUGH and not self.trainer.fine:
            self.trainer.refine()
        self.trainer.optimizer.learning_rate = self.learning_rate(done)
        self.trainer.style_share.assign(self.style_share(done))
        if self.config.styles:
            self.turns.take(turn(self.step, len(self.config.styles), self.config.seed))
        started = time.perf_counter()
        motion = np.random.default_rng((self.config.seed, 2, self.step)).integers(FARTHEST, size=2)
        corner = np.random.default_rng((self.config.seed, 4, self.step)).integers(self.trainer.margin + 1, size=2)
        self.losses = self.trainer.step(next(batches), motion, corner)
        self.step += 1
        return time.perf_counter() - started

    def painting(self) -> dict[str, str]:
        """The style of the last step, as the log names it; nothing in a training of one style."""
        return {"painting": self.config.styles[self.turns.now].name} if self.config.styles else {}

    def go(self, paintings: Sequence[np.ndarray]) -> Path:
        """Trains to the end.

        Args:
            paintings: the style images, (H, W, 3) uint8, for previews.

        Returns:
            The network's file.

        Raises:
            DivergedError: the loss is no longer finite, or explodes.
            KeyboardInterrupt: after Ctrl-C, with a checkpoint written.
        """
        held_out = preview_photos(self.photos)
        watches = [Watch() for _ in paintings]
        taken: list[float] = []
        with (
            interruptible(self.progress) as interrupted,
            journal(self.out) if self.team.writes else no_journal() as add,
            closing(self.batches()) as batches,
        ):
            if self.step == 0:
                self.save()  # so that a run can be resumed however early it is stopped
            while (done := self.goes_on(interrupted)) is not None:
                taken.append(self.take_step(batches, done))
                loss = self.losses["total"]
                if watches[self.turns.now].diverges(loss):
                    raise DivergedError(f"the loss became {loss:.3g} at step {self.step}{self.advice()}")
                rate = self.config.batch_size / taken[-1]
                add(self.step, self.painting(), self.losses, rate)
                if self.config.minutes and not self.planned and len(taken) == MEASURED and self.done() < 1:
                    usual = statistics.median(taken)
                    self.make_plan(usual, taken[0] - usual)
                self.report(rate)
                if self.step % self.config.checkpoint_every == 0:
                    self.save()
                if self.step % self.config.preview_every == 0 or self.step == 1:
                    self.preview(paintings, held_out)
                if self.step == 1:
                    self.progress(Note(f"what it paints so far: {self.out / 'preview.png'}"))
        if self.step > self.saved:
            self.save()
        if interrupted and self.done() < 1:
            raise KeyboardInterrupt
        if self.step < FEWEST and self.config.init and self.config.minutes:
            text = f"only {self.step} steps were done, so this is little more than {self.config.init}; train for longer"
            self.progress(Note(text, warning=True))
        if self.step % self.config.preview_every:
            self.preview(paintings, held_out)
        return self.out / MODEL

    def report(self, rate: float) -> None:
        """Reports the progress; the losses are weighted, so that they add up."""
        weighted = self.trainer.weighted(self.losses)
        details = self.painting() | {name: f"{value:.3g}" for name, value in weighted.items()}
        details["images/s"] = f"{rate:.1f}"
        total = round(60 * self.config.minutes) if self.config.minutes else self.config.steps
        done, unit = (min(total, round(self.seconds())), "s") if self.config.minutes else (self.step, "steps")
        self.progress(Step("Training", done, total, unit, details))

    def preview(self, paintings: Sequence[np.ndarray], photos: list[np.ndarray]) -> None:
        """Labeled photos above what the network makes of them; a row for each style starts with its image."""
        if not self.team.writes:
            return
        side = PREVIEW_SIZE if len(paintings) == 1 else PREVIEW_SIZE_OF_MANY
        photos = [images.center_square(photo, side) for photo in photos]
        after = Labeled(np.full_like(photos[0], 255), (f"after step {self.step}",))
        rows = [[after, *(Labeled(photo, ("photo",)) for photo in photos)]]
        names = [entry.name for entry in self.config.styles] or [Path(self.config.style).stem]
        for name, network, painting in zip(names, self.networks(), paintings, strict=True):
            painted = (Labeled(stylize_image(network, photo), ("painted",)) for photo in photos)
            rows.append([Labeled(images.center_square(painting, side), (name,)), *painted])
        whole = sheet(rows)
        images.save(whole, self.out / "previews" / f"step-{self.step:06d}.png")
        images.save(whole, self.out / "preview.png")

    def networks(self) -> Iterator[Network]:
        """Each style's network as it is now."""
        architecture, weights = self.trainer.network.architecture, self.turns.weights()
        names = [entry.name for entry in self.config.styles]
        for name in names:
            yield Network(architecture, mixed(architecture, weights, names, {name: 1.0}))
        if not names:
            yield Network(architecture, weights)


class Watch:
    """Watches whether the loss of a style explodes."""

    def __init__(self) -> None:
        self.lowest = self.smoothed = math.inf

    def diverges(self, loss: float) -> bool:
        """Whether it explodes with this step's loss."""
        self.smoothed = loss if math.isinf(self.smoothed) else SMOOTHING * self.smoothed + (1 - SMOOTHING) * loss
        self.lowest = min(self.lowest, self.smoothed)
        return not math.isfinite(self.smoothed) or self.smoothed > DIVERGED * self.lowest


def photos_of(config: TrainConfig, out: Path) -> Photos:
    """The shards that were given, or those that were made of a folder of photos."""
    made = out / "content"
    return Photos(made if made.is_dir() else Path(config.content))


def preview_photos(photos: Photos) -> list[np.ndarray]:
    """The photos that are never trained on, or bundled ones."""
    chosen = [photos[index] for index in range(photos.held_out)]
    chosen = chosen or [images.load(path) for path in images.find([bundled_photos("held_out")])[:4]]
    return [images.center_square(photo, PREVIEW_SIZE) for photo in chosen]


def drop_lines_after(log: Path, step: int) -> None:
    """Drops the lines of steps that were done after the last checkpoint, and will be done again."""
    lines = log.read_text().splitlines(keepends=True) if log.is_file() else []
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
    with writing(log) as temporary:
        temporary.write_text("".join(kept))
