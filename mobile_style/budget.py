"""Which pictures a device paints in time: found by exporting and timing, one size after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory

from keras import ops

from .benchmark import Report, Row, benchmark
from .card import KEYS, MODEL, SCHEMA
from .checkpoint import Checkpoint
from .config import PRESETS, configure
from .errors import DeviceError, UsageError
from .export import export
from .measuring import Device
from .models import DEFAULT, model_name, model_path
from .network import TransformNet
from .progress import console
from .recipes import find_recipe

LADDER = (96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768)  # sides of the squares that are tried
RECIPE = "int8"
Size = tuple[int, int]


@dataclass(frozen=True)
class Answer:
    """What one preset, or model, can do at a rate.

    Attributes:
        holds: the fastest row of the largest size whose 90th percentile keeps the rate; None if none does.
        fails: of the next larger size; None if the largest that was tried holds.
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
    """The answers, and every measurement that was made for them."""

    fps: float
    answers: tuple[Answer, ...]
    report: Report


def export_models(models: Iterable[str], sizes: Sequence[Size], folder: Path) -> list[Path]:
    """Files to time: .tflite files as they are, other models exported as int8 into `folder` for each size.

    Raises:
        CheckpointError: there is no such model.
    """
    files: list[Path] = []
    models = list(models)
    names = _names(model for model in models if not model.endswith(".tflite"))
    for model in models:
        if model.endswith(".tflite"):
            files.append(Path(model))
        else:
            files += [_exported(model, names[model], size, folder, check=True) for size in sizes]
    return files


def _names(models: Iterable[str]) -> dict[str, str]:
    """A name for each model; numbered, where different checkpoints are called alike."""
    names: dict[Path, str] = {}
    found = {model: model_path(model).resolve() for model in models}
    for path in dict.fromkeys(found.values()):
        name = model_name(path)
        numbered = (f"{name}-{number}" for number in count(2))
        names[path] = next(each for each in chain([name], numbered) if each not in names.values())
    return {model: names[path] for model, path in found.items()}


def _exported(model: str, name: str, size: Size, folder: Path, check: bool = False) -> Path:
    out = folder / f"{name}-{size[1]}x{size[0]}.tflite"
    if not out.exists():
        export(model, find_recipe("tflite", RECIPE), [size], out=out, check=check)
    return out


def untrained(preset: str, folder: Path) -> Path:
    """A checkpoint of a preset with random weights: the time of an inference does not depend on them."""
    config = configure(DEFAULT, None, preset, "johnson", None, {})
    weights = {v.name: ops.convert_to_numpy(v.value) for v in TransformNet(config.architecture).weights}
    unknown = dict.fromkeys(KEYS - {"schema", "config"})
    card = unknown | {"schema": SCHEMA, "config": asdict(config), "date": "", "step": 0}
    place = folder / preset / MODEL
    place.parent.mkdir()
    Checkpoint(card, weights, {}).write(place)
    return place


def find_budget(
    models: Sequence[str],
    device: Device,
    fps: float,
    sizes: Sequence[Size] = (),
    threads: Sequence[int] = (1,),
    runs: int = 100,
) -> Budget:
    """The largest size at which each preset holds a rate with the 90th percentile of its measured latency.

    Between the smallest and the largest size it halves, so the size that is named and the next one have both been
    timed, for each preset.

    Args:
        models: a bundled model's name, a run's folder or a checkpoint each; none for every preset, untrained.
        device: where.
        fps: pictures per second.
        sizes: (height, width), smallest first, to choose from; none for the squares of `LADDER`.
        threads: as for `benchmark`; a size holds if it does with one of them, or on one accelerator.
        runs: as for `benchmark`.

    Raises:
        UsageError: a model is a .tflite file, whose size is fixed.
    """
    fixed = [model for model in models if model.endswith(".tflite")]
    if fixed:
        raise UsageError(f"--fps looks for a size, and that of {fixed[0]} is fixed; name a model or a run's folder")
    ladder = sorted(sizes, key=lambda size: size[0] * size[1]) or [(side, side) for side in LADDER]
    answers: list[Answer] = []
    rows: list[Row] = []
    report = None
    with TemporaryDirectory() as place:
        folder = Path(place)
        named = {name: model for model, name in _names(models).items()}
        for name, model in (named or {preset: str(untrained(preset, folder)) for preset in PRESETS}).items():
            held, failed = -1, len(ladder)
            found: dict[int, Row] = {}
            while failed - held > 1:
                middle = (held + failed) // 2
                file = _exported(model, name, ladder[middle], folder)
                try:
                    measured = benchmark([file], device, threads, runs)
                except DeviceError as error:
                    if report is None:
                        raise
                    report = replace(report, interrupted=str(error))
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
                console.print(f"{found[middle].model}: {_p90(found[middle]):.1f} ms at most in 9 of 10", markup=False)
            if report is not None and report.interrupted:
                break  # what was not measured is no answer
            answers.append(Answer(name, found.get(held), found.get(failed)))
    assert report is not None
    return Budget(fps, tuple(answers), replace(report, rows=tuple(rows), probes=()))


def _measured(row: Row | None) -> str:
    if row is None:
        return "not measured"
    on = f"{row.threads} thread(s)" if row.accelerator == "cpu" else row.accelerator
    if row.loaded and row.loaded.note:
        on += f" ({row.loaded.note})"
    height, width = row.size or (0, 0)
    assert row.latency is not None
    return f"{width}x{height}, {on}: p90 {_p90(row):.1f} ms, median {row.latency.median.value:.1f}"


def _p90(row: Row) -> float:
    assert row.latency is not None
    return row.latency.p90
