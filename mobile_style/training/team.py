"""Trains on many devices, of one process or several: each has the whole network and a part of every batch.

Keras 3 on JAX: its `DataParallel` gives each device a copy of the weights and its crops of the batch, and the compiled
step adds the gradients up, so a step equals that of one device with the whole batch. All processes do the same steps on
the same files; the first one writes.
"""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import DeviceError, DivergedError, MobileStyleError, UsageError

AUTO = "auto"  # what the environment tells: SLURM's, Open MPI's, Kubernetes' and cloud TPUs' are known to JAX
SILENT = 60  # seconds after which a process that cannot be heard is taken for lost


@dataclass(frozen=True)
class Team:
    """The processes of a training; by default this one alone, with one device.

    Attributes:
        count: how many there are.
        index: which of them this one is.
        devices: how many there are in all processes together.
    """

    count: int = 1
    index: int = 0
    devices: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes files."""
        return self.index == 0

    def distribute(self, batch_size: int) -> None:
        """Makes Keras distribute what is built from now on.

        Raises:
            UsageError: the batch cannot be divided.
        """
        if batch_size % self.devices:
            text = f"`batch_size={batch_size}` is shared by {self.devices} devices, so it must be a multiple of that"
            raise UsageError(text)
        if self.devices > 1:
            import keras

            keras.utils.set_random_seed(0)  # what weights hold until they are loaded must be the same everywhere
            keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))

    def part(self, batch_size: int) -> slice:
        """This process's crops of a batch."""
        share = batch_size // self.count
        return slice(self.index * share, (self.index + 1) * share)

    def of_all(self, *values: float) -> list[list[float]]:
        """Every process's values, by its index, as float32 holds them. Waits for all."""
        if self.count == 1:
            return [[*values]]
        import numpy as np
        from jax.experimental.multihost_utils import process_allgather

        told = np.asarray(process_allgather(np.asarray(values, np.float32)))
        return [[float(value) for value in row] for row in told.reshape(self.count, -1)]

    @contextmanager
    def together(self) -> Iterator[None]:
        """For work that the processes share: if one fails, the others end, too, and do not wait for it.

        Raises:
            DeviceError: another process is lost.
        """
        try:
            yield
        except (KeyboardInterrupt, DivergedError):  # which all have seen
            raise
        except Exception as error:
            if self.count == 1:
                raise
            lost = not isinstance(error, MobileStyleError)
            _leave_at_once(DeviceError.exit_code if lost else error.exit_code)  # type: ignore[attr-defined]
            if not lost:
                raise
            text = (str(error).splitlines() or [type(error).__name__])[0][:200]
            text = f"another process of this training was lost, or cannot be reached ({text})"
            raise DeviceError(f"{text}; `resume` goes on from the last checkpoint") from None


def assemble(devices: str = "one", coordinator: str = "", processes: int = 0, process: int = 0) -> Team:
    """Makes this process one of a training's. Call it before Keras computes anything.

    Args:
        devices: "one", or "all" that are here.
        coordinator: HOST:PORT of the first process, on which it listens for the others; "auto" for what the
            environment tells of all three; empty for a training by this process alone, else `devices` is "all".
        processes: how many there are.
        process: which of them this one is, from 0.

    Raises:
        UsageError: the arguments contradict each other, or Keras does not run on JAX.
        DeviceError: the others cannot be reached.
    """
    if devices not in ("one", "all"):
        raise UsageError(f"`devices` is one or all, not {devices}")
    if not coordinator and (processes or process):
        raise UsageError("`processes` and `process` need the first one's address: `coordinator=HOST:PORT`")
    if coordinator not in ("", AUTO) and not (":" in coordinator and 0 <= process < processes):
        raise UsageError("`coordinator=HOST:PORT` needs `processes`, their number, and `process`, from 0 to one less")
    if devices == "one" and not coordinator:
        return Team()
    jax = _jax()
    if coordinator:
        told: dict[str, Any] = {}
        if coordinator != AUTO:
            told = {"coordinator_address": coordinator, "num_processes": processes, "process_id": process}
        try:
            jax.distributed.initialize(**told, heartbeat_timeout_seconds=SILENT)
        except (RuntimeError, ValueError, TypeError) as error:
            text = (str(error).splitlines() or [""])[0]
            raise DeviceError(f"the processes of this training did not find each other: {text}") from None
    return Team(jax.process_count(), jax.process_index(), jax.device_count())


def _jax() -> Any:
    if os.environ.setdefault("KERAS_BACKEND", "jax") != "jax":
        raise UsageError(f"many devices need JAX, and KERAS_BACKEND is {os.environ['KERAS_BACKEND']}; unset it")
    try:
        import jax
    except ModuleNotFoundError:
        raise UsageError("many devices need JAX, which is not installed: pip install jax, or 'jax[cuda]'") from None
    return jax


def _leave_at_once(code: int) -> None:
    """Ends this process without JAX's shutdown, which waits minutes for lost processes."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)  # before what was registered earlier
