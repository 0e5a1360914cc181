"""The interface of every device that runs models, and what it reports."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..exporting.runtimes import Runner

THERMAL_STATUS = "thermal status"  # a state that is no temperature: Android's, from 0 (none) to 6 (shutdown)


@dataclass(frozen=True)
class Facts:
    """Context needed to interpret a latency.

    Attributes:
        kind: "host", "adb", "app" (on a phone), "browser", "gpu" or "arm64-emulated".
        cores: of the processor; 0 where they are not told.
        name: the processor or the phone.
        system: operating system with its version.
        governor: what controls the processor's clock; empty where the system does not say.
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
        load_ms, first_ms: until the model is ready, and its first inference, in milliseconds; for each time that it
            was loaded.
        memory_bytes: peak growth of the process; None where that is not known.
        delegated, nodes, kernels: how many of the model's nodes run in a delegate, how many it has, and how many of
            the delegate's kernels run them; None where the device does not report it.
        note: what differs from what was asked for; empty if nothing does.
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
        times_ms: of each inference, in milliseconds; where the device summarizes them, one number: their median, or
            their mean.
        count: number of inferences.
        least_ms, tail_ms, worst_ms: where the device summarizes: the shortest, the 95th percentile (None if it is
            not reported), the longest.
        state: such as temperatures in degrees Celsius, by name.
    """

    times_ms: tuple[float, ...]
    count: int
    least_ms: float | None = None
    tail_ms: float | None = None
    worst_ms: float | None = None
    state: dict[str, float] = field(default_factory=dict)


class Session(Protocol):
    """A model that is loaded on a device, to be timed."""

    @property
    def loaded(self) -> Loaded:
        """What loading took, so far."""

    def round(self, runs: int) -> Round:
        """Times `runs` inferences."""

    def close(self) -> None:
        """Frees what it holds."""


class Device(Protocol):
    """Where exported models run: `validate` asks for a runner, `benchmark` for sessions.

    Attributes:
        facts: what it is.
        reports_timings: False for an emulated processor, whose times mean nothing; see compared.py.
        round_runs: inferences in a round.
        loads_each_round: whether each round loads the model by itself.
        measures_peak: whether small models that only multiply, timed beside the others, show the peak of its processor.
        accelerators: what can run a model; "cpu" comes first.
    """

    facts: Facts
    reports_timings: bool
    round_runs: int
    loads_each_round: bool
    measures_peak: bool
    accelerators: tuple[str, ...]

    def runner(self, path: Path) -> Runner:
        """Loads an exported model on the first of `accelerators`, to be given pictures."""

    def start(self, path: Path, accelerator: str, threads: int) -> Session:
        """Loads an exported model to time it."""

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Share of each operator in the time of an inference on one thread; empty if the device does not report it."""

    def state(self) -> dict[str, float]:
        """Such as temperatures in degrees Celsius, by name; empty if the device does not report any."""

    def close(self) -> None:
        """Leaves the device as it was found."""
