"""How long a model takes on a device, next to others, and how near that is to what the device can do."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from . import roofline
from .errors import CheckpointError, DeviceError, UsageError
from .export_card import digest, read_export_card
from .graph import macs, read_tflite
from .latency import Interval, Latency, Turns, latency, ratio
from .measuring import Device, Facts, Loaded, Session, Turn
from .progress import console, track
from .recipes import RECIPES

SCHEMA = 1
FEWEST_TURNS = 3  # of which an interval can be made, should a phone go away midway
MOST_THREADS = 64


@dataclass(frozen=True)
class Emulated:
    """What an emulated processor computed, against this machine's.

    Attributes:
        identical: every byte of the output is the same.
        db: peak signal to noise ratio of the outputs as they are, not rounded to bytes, data range 255; None if
            they are identical.
        instructions: of one inference, its smallest and its largest count; None if they are not counted.
        wanted: what the file's arithmetic must keep: "identical" (integers throughout), "100 dB" (floats), or ""
            (8-bit weights with float activations, which each processor rounds in its own way).
    """

    identical: bool
    db: float | None
    instructions: tuple[int, int] | None
    wanted: str

    def kept(self) -> bool:
        """Whether it is what is wanted."""
        return self.identical or self.wanted == "" or (self.wanted == "100 dB" and (self.db or 0.0) >= 100)


@dataclass(frozen=True)
class Row:
    """One model on one accelerator with so many threads.

    Attributes:
        size: (height, width) of the pictures; None if the model takes something else.
        recipe, fidelity: of the file's card (PSNR in dB and SSIM of its validation, and whether it passed); None
            without a card or a validation.
        latency: None where time means nothing (emulation).
        relative: to the first model with as many threads on the same accelerator; None for that itself, and where it
            could not be run.
        macs: multiply-accumulates by arithmetic ("int8", "float").
        peak_share: the time that the multiplications would take at the machine's measured peak, as a share of
            the median; None where no peak was measured.
        profile: share of each operator in the time of an inference, one thread.
        turns: milliseconds as they were taken.
        states: of the device (temperatures) by turn; seconds: when each turn ended, since the first began.
    """

    model: str
    path: str
    bytes: int
    sha256: str
    size: tuple[int, int] | None
    recipe: str | None
    fidelity: dict[str, Any] | None
    accelerator: str
    threads: int
    loaded: Loaded | None
    latency: Latency | None
    relative: Interval | None
    macs: dict[str, int]
    peak_share: float | None
    profile: dict[str, float]
    emulated: Emulated | None
    turns: tuple[tuple[float, ...], ...]
    seconds: tuple[float, ...]
    states: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class Probe:
    """A peak that was measured in turns with the models: GMAC/s of one arithmetic with so many threads."""

    arithmetic: str
    threads: int
    gmacs: Interval
    turns: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Report:
    """A benchmark.

    Attributes:
        before: temperatures and the like before it began, as far as the device tells.
        left_out: models that an accelerator could not run, and why.
        interrupted: why it ended before its time; empty if it did not.
        load_average: of this machine before it began, that is, what else was running; None for a phone.
    """

    device: Facts
    date: str
    version: str
    load_average: float | None  # `devices.measure` knows it
    runs: int
    sustained: float | None
    rows: tuple[Row, ...]
    probes: tuple[Probe, ...]
    before: dict[str, float] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    interrupted: str = ""

    def figures(self) -> dict[str, Any]:
        """Everything, for JSON (docs/benchmark.md has the schema)."""
        return {"schema": SCHEMA} | asdict(self)


@dataclass
class _Job:
    """A model on its way to a row; a probe if `path` is that of one."""

    name: str
    path: Path
    accelerator: str
    threads: int
    probe: str = ""
    session: Session | None = None

    def __post_init__(self) -> None:
        self.turns: list[Turn] = []
        self.seconds: list[float] = []
        self.loads: list[Loaded] = []
        self.failed = ""  # why the accelerator cannot run it

    @contextmanager
    def tolerant(self) -> Iterator[None]:
        """An accelerator that cannot run a model, or dies of it, leaves the other jobs alone."""
        try:
            yield
        except CheckpointError as error:
            if self.accelerator == "cpu":
                raise
            self.failed = str(error)

    def load(self, device: Device) -> None:
        """Loads the model, again if it is loaded."""
        self.unload()
        self.session = device.start(self.path, self.accelerator, self.threads)

    def unload(self) -> None:
        """Frees the model, if it is loaded, and keeps what loading it took."""
        if self.session is not None:
            self.loads.append(self.session.loaded)
            self.session.close()
        self.session = None

    def loaded(self) -> Loaded:
        """What loading took, of all times."""
        memory = [load.memory_bytes for load in self.loads if load.memory_bytes is not None]
        return replace(
            self.loads[-1],
            load_ms=tuple(ms for load in self.loads for ms in load.load_ms),
            first_ms=tuple(ms for load in self.loads for ms in load.first_ms),
            memory_bytes=max(memory, default=None),
        )


def benchmark(
    files: Sequence[Path],
    device: Device,
    threads: Sequence[int] = (1,),
    runs: int = 100,
    sustained: float | None = None,
) -> Report:
    """Measures models on a device, taking turns.

    Args:
        files: .tflite files; the first is what others are compared with. One may be named twice.
        device: see measuring.py.
        threads: each model is measured with each number of them on the CPU.
        runs: timed inferences of each, at least.
        sustained: go on for so many seconds, whatever `runs` says.

    Raises:
        CheckpointError: a file is missing, damaged, of a newer schema, or needs what the runtime lacks.
        UsageError: `threads` or `runs` is out of range.
        DeviceError: the device is gone before anything could be said.
    """
    if not threads or min(threads) < 1 or max(threads) > MOST_THREADS:
        given = ",".join(map(str, threads))
        raise UsageError(f"--threads takes numbers from 1 to {MOST_THREADS}, such as 1,2,4, not {given}")
    if runs < FEWEST_TURNS * device.turn_runs:
        raise UsageError(f"--runs must be at least {FEWEST_TURNS * device.turn_runs}, not {runs}")
    counts = {path: macs(read_tflite(path)) for path in files}  # the files are looked at before anything starts
    interrupted = ""
    before = device.state()
    # Where a model lies in memory makes it a few percent slower or faster, so that each turn has it loaded anew. Others
    # come in between: a process gets the very pages that were freed last.
    anew = sustained is None and not device.turn_loads
    with TemporaryDirectory() as folder:
        jobs = _jobs(files, device, threads, counts, Path(folder))
        try:
            for job in track(jobs, "Loading", len(jobs)):
                with job.tolerant():
                    job.load(device)
                    if anew:
                        job.unload()
            _take_turns(jobs, device, runs, sustained, anew)
        except DeviceError as error:
            if min(len(job.turns) for job in jobs if not job.failed) < FEWEST_TURNS:
                raise
            interrupted = str(error)
        finally:
            for job in jobs:
                job.unload()
        measured = [job for job in jobs if not job.failed]
        profiles = {} if interrupted else _profiles(measured, device)
    rows, probes = _rows(measured, jobs[0].name, counts, profiles)
    return Report(
        device=device.facts,
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        version=version("mobile-style"),
        load_average=None,
        runs=runs,
        sustained=sustained,
        rows=rows,
        probes=probes,
        before=before,
        left_out=tuple(f"{job.name} on {job.accelerator}: {job.failed}" for job in jobs if job.failed),
        interrupted=interrupted,
    )


def _jobs(
    files: Sequence[Path], device: Device, threads: Sequence[int], counts: dict[Path, dict[str, int]], folder: Path
) -> list[_Job]:
    """Every model on everything it is to be measured on; on this machine, the probes that their work calls for."""
    names = labels(files)
    places = [(accelerator, count) for accelerator in device.accelerators for count in threads]
    places = [(accelerator, count) for accelerator, count in places if accelerator == "cpu" or count == threads[0]]
    jobs = [
        _Job(name, path, accelerator, count)
        for accelerator, count in places
        for name, path in zip(names, files, strict=True)
    ]
    if device.facts.kind == "host":
        for arithmetic in ("int8", "float"):
            if any(count[arithmetic] for count in counts.values()):
                path = folder / f"{arithmetic}.tflite"
                roofline.write_probe(path, arithmetic)
                jobs += [_Job(arithmetic, path, "cpu", count, probe=arithmetic) for count in threads]
    return jobs


def labels(files: Sequence[Path]) -> list[str]:
    """Short names of files, each once: of one called model.tflite, its folder's; of int8.tflite, both."""
    found: list[str] = []
    recipes = {recipe.name for recipe in RECIPES}
    for path in files:
        folder = path.resolve().parent.name
        name = folder if path.stem == "model" else f"{folder}-{path.stem}" if path.stem in recipes else path.stem
        same = sum(each == name or each.startswith(f"{name} (") for each in found)
        found.append(f"{name} ({same + 1})" if same else name)
    return found


def _take_turns(jobs: list[_Job], device: Device, runs: int, sustained: float | None, anew: bool) -> None:
    """Every model a few runs at a time, in an order that is another each time."""
    rng = np.random.default_rng()  # no order, however odd, is that of every benchmark
    began = time.monotonic()
    if sustained is None:
        turns = -(-runs // device.turn_runs)
        numbers = track(range(turns), "Measuring", turns)
    else:
        console.print(f"measuring for {sustained:g} seconds", markup=False)
        numbers = iter(range(10**9))
    for number in numbers:
        if sustained is not None and number >= FEWEST_TURNS and time.monotonic() - began >= sustained:
            break
        for index in rng.permutation(len(jobs)):
            job = jobs[index]
            if job.failed:
                continue
            with job.tolerant():
                if job.session is None:
                    job.load(device)
                assert job.session is not None
                job.turns.append(job.session.turn(device.turn_runs))
                job.seconds.append(time.monotonic() - began)
                if anew:
                    job.unload()


def _profiles(jobs: list[_Job], device: Device) -> dict[tuple[Path, str], dict[str, float]]:
    """After the timings, as watching slows a model down; each once."""
    wanted = list(dict.fromkeys((job.path, job.accelerator) for job in jobs if not job.probe))
    try:
        return {each: device.profile(*each) for each in track(wanted, "Profiling", len(wanted))}
    except (DeviceError, OSError) as error:
        console.print(f"no profile: {error}", markup=False, soft_wrap=True)
        return {}


def _rows(
    jobs: list[_Job], first: str, counts: dict[Path, dict[str, int]], profiles: dict[tuple[Path, str], dict[str, float]]
) -> tuple[tuple[Row, ...], tuple[Probe, ...]]:
    whole = min(len(job.turns) for job in jobs)  # if it was interrupted, turns that all have had
    turns = {id(job): tuple(turn.times_ms for turn in job.turns[:whole]) for job in jobs}
    probes = {(job.probe, job.threads): _probe(job.probe, job.threads, turns[id(job)]) for job in jobs if job.probe}
    firsts = {(job.accelerator, job.threads): turns[id(job)] for job in jobs if job.name == first and not job.probe}
    rows = []
    for job in jobs:
        if job.probe:
            continue
        own = turns[id(job)]
        summed = _latency(job.turns[:whole])
        reference = firsts.get((job.accelerator, job.threads))
        share = None
        if job.accelerator == "cpu" and probes:
            share = sum(
                1e-6 * count / probes[kind, job.threads].gmacs.value
                for kind, count in counts[job.path].items()
                if count
            )
        rows.append(
            replace(
                described(job.name, job.path, counts[job.path]),
                accelerator=job.accelerator,
                threads=job.threads,
                loaded=job.loaded(),
                latency=summed,
                relative=None if reference is None or reference is own else ratio(own, reference),
                peak_share=None if share is None else share / summed.median.value,
                profile=profiles.get((job.path, job.accelerator), {}),
                turns=own,
                seconds=tuple(job.seconds[:whole]),
                states=tuple(turn.state for turn in job.turns[:whole]),
            )
        )
    return tuple(rows), tuple(probes.values())


def described(name: str, path: Path, counts: dict[str, int]) -> Row:
    """A row of which only the file is known."""
    card = _card(path)
    fidelity = None
    if card and card["fidelity"]:
        mean = card["fidelity"]["mean"]
        fidelity = {"psnr": mean["psnr"], "ssim": mean["ssim"], "passed": card["fidelity"]["passed"]}
    return Row(
        model=name,
        path=str(path),
        bytes=path.stat().st_size,
        sha256=digest(path),
        size=tuple(card["input"]["shape"][1:3]) if card else None,
        recipe=card["recipe"] if card else None,
        fidelity=fidelity,
        accelerator="cpu",
        threads=1,
        loaded=None,
        latency=None,
        relative=None,
        macs=counts,
        peak_share=None,
        profile={},
        emulated=None,
        turns=(),
        seconds=(),
        states=(),
    )


def _card(path: Path) -> dict[str, Any] | None:
    try:
        return read_export_card(path)
    except CheckpointError:
        return None  # a model of others


def _latency(turns: list[Turn]) -> Latency:
    summed = latency([turn.times_ms for turn in turns])
    worst = [turn.worst_ms for turn in turns if turn.worst_ms is not None]
    if not worst:
        return summed
    # The device has summed up each turn. A limit that 95 percent of the turns keep in 95 percent of their inferences
    # is at least the 90th percentile of all (0.95 x 0.95 > 0.9); so is one that 90 percent of the turns keep in all.
    tails = [turn.tail_ms for turn in turns if turn.tail_ms is not None]
    told = "p95" if len(tails) == len(turns) else "max"
    p90 = float(
        np.quantile(tails, 0.95, method="higher") if told == "p95" else np.quantile(worst, 0.9, method="higher")
    )
    least = min(turn.least_ms for turn in turns if turn.least_ms is not None)
    count = sum(turn.count for turn in turns)
    return replace(summed, p90=p90, p99=max(worst), min=least, fps_p90=1000 / p90, runs=count, tail=told)


def _probe(arithmetic: str, threads: int, turns: Turns) -> Probe:
    taken = latency(turns).median
    rate = 1e-6 * roofline.MACS
    gmacs = Interval(rate / taken.value, rate / taken.high, rate / taken.low)
    return Probe(arithmetic, threads, gmacs, tuple(map(tuple, turns)))
