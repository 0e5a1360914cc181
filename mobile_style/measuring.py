"""What every device that models are measured on looks like, and what it tells."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Facts:
    """Without which a latency means nothing.

    Attributes:
        kind: "host", "adb", "app" (on a phone), "browser" or "arm64-emulated".
        name: the processor or the phone.
        system: operating system with its version.
        governor: who rules the processor's clock, as the system says.
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
    """What loading a model took.

    Attributes:
        load_ms, first_ms: until the model is ready, and its first inference; of each time that it was loaded.
        memory_bytes: what the process grew by at its largest; None where that is not known.
        delegated, nodes, kernels: so many of the model's nodes run in so many kernels of a delegate; None
            where the device does not tell.
        note: what went otherwise than asked; empty if nothing did.
    """

    load_ms: tuple[float, ...]
    first_ms: tuple[float, ...]
    memory_bytes: int | None
    delegated: int | None
    nodes: int | None
    kernels: int | None
    note: str


@dataclass(frozen=True)
class Turn:
    """A few inferences in a row.

    Attributes:
        times_ms: of each; where the device sums them up itself, one number: their median, or their mean.
        count: inferences.
        least_ms, tail_ms, worst_ms: where it sums them up: the shortest, the 95th percentile (None if not told), the
            longest.
        state: such as temperatures in degrees Celsius, by name.
    """

    times_ms: tuple[float, ...]
    count: int
    least_ms: float | None = None
    tail_ms: float | None = None
    worst_ms: float | None = None
    state: dict[str, float] = field(default_factory=dict)


class Session(Protocol):
    """A model that is loaded on a device."""

    @property
    def loaded(self) -> Loaded:
        """What loading it took, so far."""

    def turn(self, runs: int) -> Turn:
        """That many timed inferences after a pause."""

    def close(self) -> None:
        """Frees what it holds."""


class Device(Protocol):
    """Where models run.

    Attributes:
        turn_runs: inferences of a turn.
        turn_loads: whether each turn loads the model by itself.
    """

    facts: Facts
    turn_runs: int
    turn_loads: bool
    accelerators: tuple[str, ...]

    def start(self, path: Path, accelerator: str, threads: int) -> Session:
        """Loads a model."""

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Share of each operator in the time of an inference, one thread; empty if the device does not tell."""

    def state(self) -> dict[str, float]:
        """Such as temperatures in degrees Celsius, by name; empty if the device does not tell."""

    def close(self) -> None:
        """Leaves the device as it was found."""
