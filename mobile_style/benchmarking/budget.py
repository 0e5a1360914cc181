"""Finds the largest pictures that a device can paint at a frame rate, by exporting and timing several sizes."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..devices.protocol import Device
from ..devices.registry import open_device
from ..errors import DeviceError, UsageError
from ..network.architecture import PRESETS
from ..network.card import MODEL, untrained_card
from ..network.checkpoint import Checkpoint
from ..network.random_weights import random_weights
from ..progress import Note, Progress, silent
from ..training.config import configure
from .benchmark import benchmark, check_counts
from .exports import Size, export_to_time, names_of
from .measure import Conditions, load_average
from .report import STOPPED, Report, Row

LADDER = (96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768)  # pixels of the squares that are tried


@dataclass(frozen=True)
class Answer:
    """The largest size at which one preset, or model, holds a frame rate.

    Attributes:
        name: of the preset or model.
        holds: the fastest row of the largest size whose 90th percentile is within the rate; None if none is.
        fails: the fastest row of the next larger size; None if the largest size holds.
    """

    name: str
    holds: Row | None
    fails: Row | None

    def sentence(self, fps: float) -> str:
        """The answer in words."""
        if self.holds is None:
            return f"{self.name}: no size that was tried holds {fps:g} fps ({_measured(self.fails)})"
        beyond = f"the next size does not ({_measured(self.fails)})" if self.fails else "nothing larger was tried"
        return f"{self.name}: holds {fps:g} fps with {_measured(self.holds)}; {beyond}"


@dataclass(frozen=True)
class Budget:
    """The answers for a rate of `fps` pictures per second, and all measurements made for them."""

    fps: float
    answers: tuple[Answer, ...]
    report: Report


def untrained(preset: str, folder: Path) -> Path:
    """Writes a checkpoint of a preset with random weights, which do not change the time of an inference."""
    config = configure(preset=preset, objective="johnson")
    weights = random_weights(config.architecture)
    place = folder / preset / MODEL
    place.parent.mkdir()
    Checkpoint(untrained_card(asdict(config)), weights, {}).write(place)
    return place


def find_size(
    models: Sequence[str],
    fps: float,
    sizes: Sequence[Size] = (),
    conditions: Conditions | None = None,
    progress: Progress = silent,
) -> Budget:
    """Finds the largest size at which the 90th percentile of each model's latency is within a frame rate.

    This is a binary search: for each model, both the reported size and the next larger one have been timed.

    Args:
        models: bundled models' names, runs' folders or checkpoints; empty for every preset, untrained.
        fps: pictures per second.
        sizes: (height, width) to choose from, in pixels; empty for the squares of `LADDER`.
        conditions: the device, and how it measures. A size holds if it does with one of the numbers of threads, or on
            one accelerator.
        progress: called with what is done.

    Raises:
        UsageError: a model is a .tflite file, whose size is fixed, the device reports no timings, or `conditions` are
            out of range.
        CheckpointError: there is no such model.
        DeviceError: the device cannot be used.
    """
    chosen = conditions or Conditions()
    fixed = [model for model in models if model.endswith(".tflite")]
    if fixed:
        raise UsageError(f"this looks for a size, and that of {fixed[0]} is fixed; name a model or a run's folder")
    ladder = sorted(sizes, key=lambda size: size[0] * size[1]) or [(side, side) for side in LADDER]
    load = load_average(chosen.device)
    with closing(open_device(chosen.device, chosen.runtime, chosen.benchmark_binary, progress)) as device:
        if not device.reports_timings:
            raise UsageError(f"`device={chosen.device}` reports no timings, so no size can be found on it")
        check_counts(chosen.threads, chosen.runs, device)  # before anything is exported
        found = _search(models, device, fps, ladder, chosen, progress)
    return replace(found, report=replace(found.report, load_average=load))


def _search(
    models: Sequence[str],
    device: Device,
    fps: float,
    ladder: Sequence[Size],
    conditions: Conditions,
    progress: Progress,
) -> Budget:
    answers: list[Answer] = []
    rows: list[Row] = []
    report = None
    with TemporaryDirectory() as place:
        folder = Path(place)
        named = {name: model for model, name in names_of(models).items()}
        for name, model in (named or {preset: str(untrained(preset, folder)) for preset in PRESETS}).items():
            held, failed = -1, len(ladder)
            found: dict[int, Row] = {}
            while failed - held > 1:
                middle = (held + failed) // 2
                try:
                    file = export_to_time(model, name, ladder[middle], folder, progress).path
                    measured = benchmark([file], device, conditions.threads, conditions.runs, progress=progress)
                except (DeviceError, KeyboardInterrupt) as error:
                    if report is None:
                        raise
                    report = replace(report, interrupted=str(error) or STOPPED)
                    break
                both = measured if report is None else report
                left_out = (*(report.left_out if report else ()), *measured.left_out)
                report = replace(both, left_out=left_out, interrupted=measured.interrupted)
                if report.interrupted:
                    break
                rows += measured.rows
                found[middle] = min(measured.rows, key=_p90)
                holds = _p90(found[middle]) <= 1000 / fps
                held, failed = (middle, failed) if holds else (held, middle)
                progress(Note(f"{found[middle].model}: p90 {_p90(found[middle]):.1f} ms"))
            if report is not None and report.interrupted:
                break  # this model's search is not finished
            answers.append(Answer(name, found.get(held), found.get(failed)))
    assert report is not None
    return Budget(fps, tuple(answers), replace(report, rows=tuple(rows), probes=()))


def _measured(row: Row | None) -> str:
    if row is None:
        return "not measured"
    on = f"{row.threads} thread{'s' * (row.threads != 1)}" if row.accelerator == "cpu" else row.accelerator
    if row.loaded and row.loaded.note:
        on += f" ({row.loaded.note})"
    height, width = row.size or (0, 0)
    assert row.latency is not None
    return f"{width}x{height}, {on}: p90 {_p90(row):.1f} ms, median {row.latency.median.value:.1f}"


def _p90(row: Row) -> float:
    assert row.latency is not None
    return row.latency.p90
