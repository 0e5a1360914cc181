"""The interface of every device that runs models, and what it reports."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..exporting.runtimes import Runner

THERMAL_STATUS = "thermal status"  # the state that is no temperature: Android's, from 0 (none) to 6 (shutdown)


@dataclass(frozen=True)
class Facts:
    """Context needed to interpret a latency.

    Attributes:
        kind: "host", "adb", "app" (on a phone), "browser", "gpu" or "arm64-emulated".
        name: the processor, the GPU or the phone.
        cores: number of the processor's cores; 0 if it is not known.
        system: operating system with its version.
        governor: what controls the processor's clock; empty if the system does not say.
        runtime: what runs the models, with its version.
    """

    kind: str
    name: str
    cores: int
    system: str
    governor: str
    runtime: str


@dataclass(frozen=True)
class Loaded:
    """What it took to load a model.

    Attributes:
        load_ms, first_ms: time until the model is ready, and of its first inference, in milliseconds; one value for
            each time that it was loaded.
        memory_bytes: peak growth of the process's memory; None if it is not known.
        delegated, nodes, kernels: how many of the model's nodes run in a delegate, how many nodes it has, and how many
            kernels of the delegate run them; None if the device does not report it.
        note: how the placement differs from the one asked for; empty if it does not.
    """

    load_ms: tuple[float, ...]
    first_ms: tuple[float, ...]
    memory_bytes: int | None
    delegated: int | None
    nodes: int | None
    kernels: int | None
    note: str


@dataclass(frozen=True)
class Round:
    """A few inferences in a row.

    Attributes:
        times_ms: milliseconds of each inference; if the device only reports a summary, one number: the median, or the
            mean.
        count: number of inferences.
        least_ms, tail_ms, worst_ms: of such a summary, the shortest, the 95th percentile (None if it is not reported)
            and the longest; else None.
        state: of the device afterwards by name, such as temperatures in degrees Celsius.
    """

    times_ms: tuple[float, ...]
    count: int
    least_ms: float | None = None
    tail_ms: float | None = None
    worst_ms: float | None = None
    state: dict[str, float] = field(default_factory=dict)


class Session(Protocol):
    """A model that is loaded on a device for timing."""

    @property
    def loaded(self) -> Loaded:
        """What loading has taken so far."""

    def round(self, runs: int) -> Round:
        """Times `runs` inferences."""

    def close(self) -> None:
        """Frees what it holds."""


class Device(Protocol):
    """Where exported models run: `validate` asks for a runner, `benchmark` for sessions.

    Attributes:
        facts: describes the device.
        reports_timings: False for an emulated processor or GPU, whose times mean nothing; see compared.py.
        round_runs: number of inferences in a round.
        loads_each_round: whether each round loads the model by itself.
        measures_peak: whether the device can time small models that only multiply, to measure its processor's peak.
        accelerators: what can run a model; "cpu" comes first, if the device runs models on its CPU.
    """

    facts: Facts
    reports_timings: bool
    round_runs: int
    loads_each_round: bool
    measures_peak: bool
    accelerators: tuple[str, ...]

    def runner(self, path: Path) -> Runner:
        """Loads an exported model on the first of `accelerators`, to paint pictures with it."""

    def start(self, path: Path, accelerator: str, threads: int) -> Session:
        """Loads an exported model to time it."""

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Share of each operator in the time of an inference on one thread; empty if the device does not report it."""

    def state(self) -> dict[str, float]:
        """The device's state by name, such as temperatures in degrees Celsius; empty if it reports none."""

    def close(self) -> None:
        """Restores the device to its original state."""
