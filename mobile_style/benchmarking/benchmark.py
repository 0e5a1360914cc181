"""Measures how long models take on a device, relative to each other and to the device's peak."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..devices.protocol import Device, Round
from ..errors import DeviceError, UsageError
from ..inference.tflite_reader import macs, read_tflite
from ..progress import Note, Progress, silent, track
from . import roofline
from .latency import Latency, Rounds, latency, ratio
from .report import STOPPED, Probe, Report, Row, described, labels
from .rounds import FEWEST_ROUNDS, Job, take_rounds

MOST_THREADS = 64
METHOD = (
    "Models are timed in alternating rounds. First inference, load: median and extremes over loads. MB: memory that "
    "loading and running took. Of peak: the time that the multiplications would take at the measured peak rate, as a "
    "share of the median. PSNR: from the file's own check against the float network."
)


def check_counts(threads: Sequence[int], runs: int, device: Device) -> None:
    """Raises UsageError if the numbers of threads are not from 1 to `MOST_THREADS`, or there are too few runs."""
    if not threads or min(threads) < 1 or max(threads) > MOST_THREADS:
        given = ",".join(map(str, threads))
        raise UsageError(f"`threads` takes numbers from 1 to {MOST_THREADS}, such as 1,2,4, not {given}")
    if runs < FEWEST_ROUNDS * device.round_runs:
        raise UsageError(f"`runs` must be at least {FEWEST_ROUNDS * device.round_runs}, not {runs}")


def benchmark(
    files: Sequence[Path],
    device: Device,
    threads: Sequence[int] = (1,),
    runs: int = 100,
    sustained: float | None = None,
    progress: Progress = silent,
) -> Report:
    """Measures models on a device, in alternating rounds.

    Args:
        files: .tflite files; the others are compared with the first. A file may be named twice.
        device: see devices/protocol.py.
        threads: numbers of threads; each model is measured with each of them on the CPU.
        runs: least number of timed inferences of each model.
        sustained: keep measuring for this many seconds, whatever `runs` says.
        progress: called after each round.

    Raises:
        CheckpointError: a file is missing, damaged, of a newer schema, or needs an operator that the runtime lacks.
        UsageError: `threads` or `runs` is out of range.
        DeviceError: the device is gone before there were enough rounds to report.
    """
    check_counts(threads, runs, device)
    counts = {path: macs(read_tflite(path)) for path in files}  # reads all files before anything starts
    before = device.state()
    with TemporaryDirectory() as folder:
        jobs = _jobs(files, device, threads, counts, Path(folder))
        interrupted = _take_rounds(jobs, device, runs, sustained, progress)
        measured = [job for job in jobs if not job.failed]
        profiles = {} if interrupted else _profiles(measured, device, progress)
    rows, probes = _rows(measured, jobs[0].name, counts, profiles)
    return Report(
        device=device.facts,
        method=METHOD,
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
) -> list[Job]:
    """A job for each model, accelerator and number of threads, and the probes for the models' arithmetic."""
    names = labels(files)
    places = [(accelerator, count) for accelerator in device.accelerators for count in threads]
    places = [(accelerator, count) for accelerator, count in places if accelerator == "cpu" or count == threads[0]]
    jobs = [
        Job(name, path, accelerator, count)
        for accelerator, count in places
        for name, path in zip(names, files, strict=True)
    ]
    if device.measures_peak:
        for arithmetic in ("int8", "float"):
            if any(count[arithmetic] for count in counts.values()):
                path = folder / f"{arithmetic}.tflite"
                roofline.write_probe(path, arithmetic)
                jobs += [Job(arithmetic, path, "cpu", count, probe=arithmetic) for count in threads]
    return jobs


def _take_rounds(jobs: Sequence[Job], device: Device, runs: int, sustained: float | None, progress: Progress) -> str:
    """Loads and times every model; returns why that ended early, or an empty string.

    Raises:
        DeviceError, KeyboardInterrupt: it ended before there were enough rounds to report.
    """
    # A model's place in memory makes it a few percent slower or faster, so each round loads it again, after other
    # models: otherwise a process would get the same pages again, which were freed last.
    reload = sustained is None and not device.loads_each_round
    try:
        for job in track(jobs, "Loading", len(jobs), "models and probes", progress):
            with job.tolerant():
                job.load(device)
                if reload:
                    job.unload()
        take_rounds(jobs, device, runs, sustained, reload, progress)
    except (DeviceError, KeyboardInterrupt) as error:
        if min(len(job.rounds) for job in jobs if not job.failed) < FEWEST_ROUNDS:
            raise
        return str(error) or STOPPED
    finally:
        for job in jobs:
            job.unload()
    return ""


def _profiles(jobs: list[Job], device: Device, progress: Progress) -> dict[tuple[Path, str], dict[str, float]]:
    """The profile of each model on each accelerator, taken after the timings, because profiling slows models down."""
    wanted = list(dict.fromkeys((job.path, job.accelerator) for job in jobs if not job.probe))
    try:
        return {each: device.profile(*each) for each in track(wanted, "Profiling", len(wanted), "models", progress)}
    except (DeviceError, OSError) as error:
        progress(Note(f"no profile: {error}", warning=True))
        return {}


def _rows(
    jobs: list[Job], first: str, counts: dict[Path, dict[str, int]], profiles: dict[tuple[Path, str], dict[str, float]]
) -> tuple[tuple[Row, ...], tuple[Probe, ...]]:
    whole = min(len(job.rounds) for job in jobs)  # after an interruption, only rounds that all jobs have
    rounds = {id(job): tuple(each.times_ms for each in job.rounds[:whole]) for job in jobs}
    probes = {(job.probe, job.threads): _probe(job.probe, job.threads, rounds[id(job)]) for job in jobs if job.probe}
    firsts = {(job.accelerator, job.threads): rounds[id(job)] for job in jobs if job.name == first and not job.probe}
    rows = []
    for job in jobs:
        if job.probe:
            continue
        own = rounds[id(job)]
        summed = _latency(job.rounds[:whole])
        reference = firsts.get((job.accelerator, job.threads))
        share = None
        if job.accelerator == "cpu" and probes:
            share = sum(
                1e-6 * count / probes[kind, job.threads].gmacs for kind, count in counts[job.path].items() if count
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
                rounds=own,
                seconds=tuple(job.seconds[:whole]),
                states=tuple(each.state for each in job.rounds[:whole]),
            )
        )
    return tuple(rows), tuple(probes.values())


def _latency(rounds: list[Round]) -> Latency:
    summed = latency([each.times_ms for each in rounds])
    worst = [each.worst_ms for each in rounds if each.worst_ms is not None]
    if not worst:
        return summed
    # The device has only reported a summary of each round. If 95 percent of the rounds have their 95th percentile below
    # a limit, the limit is at least the 90th percentile of all inferences (0.95 x 0.95 > 0.9); so is a limit on the
    # maximum of 90 percent of the rounds.
    tails = [each.tail_ms for each in rounds if each.tail_ms is not None]
    tail = "p95" if len(tails) == len(rounds) else "max"
    p90 = float(
        np.quantile(tails, 0.95, method="higher") if tail == "p95" else np.quantile(worst, 0.9, method="higher")
    )
    least = min(each.least_ms for each in rounds if each.least_ms is not None)
    count = sum(each.count for each in rounds)
    return replace(summed, p90=p90, p99=max(worst), min=least, fps_p90=1000 / p90, runs=count, tail=tail)


def _probe(arithmetic: str, threads: int, rounds: Rounds) -> Probe:
    fastest = min(map(min, rounds))  # a peak is a maximum, which other work does not lower
    return Probe(arithmetic, threads, 1e-6 * roofline.MACS / fastest, tuple(map(tuple, rounds)))
