"""Times models in rounds: a few inferences of every model at a time, in an order that changes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..devices.protocol import Device, Loaded, Round, Session
from ..errors import CheckpointError
from ..progress import Progress, Step

FEWEST_ROUNDS = 3  # enough for an interval, if a phone is disconnected midway


@dataclass
class Job:
    """A model to measure on one accelerator with one number of threads, and its measurements so far.

    Attributes:
        probe: the arithmetic of a probe; empty for a model.
        session: the loaded model; None while it is not loaded.
        rounds, seconds: the rounds so far, and when each ended, in seconds since the first began.
        loads: what loading took, each time.
        failed: why the accelerator cannot run it; empty if it can.
    """

    name: str
    path: Path
    accelerator: str
    threads: int
    probe: str = ""
    session: Session | None = None

    def __post_init__(self) -> None:
        self.rounds: list[Round] = []
        self.seconds: list[float] = []
        self.loads: list[Loaded] = []
        self.failed = ""

    @contextmanager
    def tolerant(self) -> Iterator[None]:
        """Notes in `failed` that an accelerator cannot run the model, so that the other jobs go on.

        Raises:
            CheckpointError: the CPU cannot run the model.
        """
        try:
            yield
        except CheckpointError as error:
            if self.accelerator == "cpu":
                raise
            self.failed = str(error)

    def load(self, device: Device) -> None:
        """Loads the model, or reloads it."""
        self.unload()
        self.session = device.start(self.path, self.accelerator, self.threads)

    def unload(self) -> None:
        """Frees the model, if it is loaded, and notes what loading took."""
        if self.session is not None:
            self.loads.append(self.session.loaded)
            self.session.close()
        self.session = None

    def loaded(self) -> Loaded:
        """What loading took, all times together; call it after `unload`."""
        memory = [load.memory_bytes for load in self.loads if load.memory_bytes is not None]
        return replace(
            self.loads[-1],
            load_ms=tuple(ms for load in self.loads for ms in load.load_ms),
            first_ms=tuple(ms for load in self.loads for ms in load.first_ms),
            memory_bytes=max(memory, default=None),
        )


def take_rounds(
    jobs: Sequence[Job], device: Device, runs: int, sustained: float | None, reload: bool, progress: Progress
) -> None:
    """Measures the rounds of all jobs.

    Args:
        jobs: what is measured; the rounds are added to them.
        device: where the models run.
        runs: least number of inferences of each job, unless `sustained` is given.
        sustained: keep measuring for this many seconds, and for `FEWEST_ROUNDS`; None for `runs`.
        reload: load the model again for each round.
        progress: called after each round.

    Raises:
        CheckpointError: the CPU cannot run a model, or no accelerator can run any.
        DeviceError: the device is gone.
    """
    rng = np.random.default_rng()  # not seeded, so that no order is that of every benchmark
    began, number = time.monotonic(), 0
    rounds = -(-runs // device.round_runs)

    def passed() -> float:
        return float(number) if sustained is None else time.monotonic() - began

    total, unit = (rounds, "rounds") if sustained is None else (sustained, "s")
    progress(Step("Measuring", 0, total, unit))
    while passed() < total or (sustained is not None and number < FEWEST_ROUNDS):
        _check_some_run(jobs)
        for index in rng.permutation(len(jobs)):
            job = jobs[index]
            if job.failed:
                continue
            with job.tolerant():
                if job.session is None:
                    job.load(device)
                assert job.session is not None
                job.rounds.append(job.session.round(device.round_runs))
                job.seconds.append(time.monotonic() - began)
                if reload:
                    job.unload()
        number += 1
        progress(Step("Measuring", min(round(passed()), total), total, unit))
    _check_some_run(jobs)


def _check_some_run(jobs: Sequence[Job]) -> None:
    if all(job.failed for job in jobs):
        raise CheckpointError(f"{jobs[0].name} on {jobs[0].accelerator}: {jobs[0].failed}")
