"""This machine as a device, with each model in its own process."""

import json
import os
import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..errors import CheckpointError, DeviceError, UsageError
from ..exporting.runtimes import RUNTIMES, Runner, load, roles, runtime_version, share_input
from . import profiler, worker
from .protocol import Facts, Loaded, Round

ROUND_RUNS = 5
PROFILE_RUNS = 10


class Worker:
    """A running `worker.py`, which has loaded a model and waits for orders.

    Attributes:
        path: the model's file.
        told: the first answer of worker.py: what loading took, and the inputs.

    Raises:
        CheckpointError: the model cannot be run.
        DeviceError: the process died.
    """

    def __init__(self, command: list[str], path: Path, environment: dict[str, str] | None = None) -> None:
        self.path = path
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # so that Ctrl-C reaches only this program, which then ends the others
        )
        try:
            self.told = self._answer()
        except BaseException:
            self.close()
            raise

    def ask(self, **order: Any) -> dict[str, Any]:
        """Gives one of the orders that `worker.py` lists, and returns its answer.

        Raises:
            CheckpointError: the model cannot be run.
            DeviceError: the process died.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise DeviceError(self._died()) from None
        return self._answer()

    def takes(self) -> tuple[tuple[int, int], int]:
        """(height, width) of the picture that the model takes, in pixels, and the number of styles that it mixes.

        Raises:
            CheckpointError: it takes something other than one picture, alone or with a mix.
        """
        order, styles = self._roles()
        _, height, width, _ = self.told["inputs"][order.index(0)][1]
        return (height, width), styles

    def compute(self, picture: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
        """The model's output for a picture, both (1, H, W, 3), in the type of its output.

        A model of many styles also needs their shares, (styles,).
        """
        order, _ = self._roles()
        kinds = [kind for _, _, kind in self.told["inputs"]]
        with TemporaryDirectory() as folder:
            files, wanted = [Path(folder) / f"{place}.npy" for place in order], Path(folder) / "output.npy"
            for file, place, kind in zip(files, order, kinds, strict=True):
                np.save(file, picture if place == 0 else share_input(shares, kind))
            self.ask(inputs=list(map(str, files)), output=str(wanted))
            output: np.ndarray = np.load(wanted)
        return output

    def _roles(self) -> tuple[list[int], int]:
        return roles(self.path, [(name, shape) for name, shape, _ in self.told["inputs"]])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise DeviceError(self._died())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise CheckpointError(f"{self.path} {_explained(answer['error'])}")
        return answer

    def _died(self) -> str:
        return f"{self.path}: its process ended with code {self._process.wait()} (out of memory, perhaps)"

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def worker_runner(session: "HostSession", runtime: str) -> Runner:
    """A runner that paints pictures with a session's model; closing the runner closes the session.

    Raises:
        CheckpointError: it takes something other than one picture, alone or with a mix.
    """
    try:
        size, styles = session.worker.takes()
    except CheckpointError:
        session.close()
        raise

    def run(picture: np.ndarray, *shares: np.ndarray) -> np.ndarray:
        painted: np.ndarray = session.worker.compute(picture[None], *shares)[0]
        return painted

    return Runner((size,), runtime, run, session.close, styles)


def _explained(error: str) -> str:
    """A runtime's error in one line that follows the file's name."""
    text = " ".join(error.split())
    if "custom op" in text or "Didn't find op" in text or "unresolved" in text.lower():
        return f"needs an operator that the runtime lacks ({text}); `mobile-style lint` names operators"
    if "flatbuffer" in text.lower() or "mmap" in text:
        return f"is damaged or no TensorFlow Lite model ({text}); export it again"
    return f"cannot be run: {text[:300]}"


class Host:
    """Runs .tflite files on this machine's CPU, with a runtime of `RUNTIMES`.

    Raises:
        UsageError: there is no such runtime.
    """

    reports_timings, round_runs, loads_each_round = True, ROUND_RUNS, False
    measures_peak = True
    accelerators: tuple[str, ...] = ("cpu",)

    def __init__(self, runtime: str = "litert") -> None:
        if runtime not in RUNTIMES:
            raise UsageError(f"`runtime={runtime}` is unknown; choose from {', '.join(RUNTIMES)}")
        self._module, self._runtime = RUNTIMES[runtime][0], runtime
        self.facts = Facts(
            kind="host",
            name=processor(),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            system=platform.platform(),
            governor=governor(),
            runtime=f"{runtime} {runtime_version(runtime)}",
        )

    def runner(self, path: Path) -> Runner:
        """Loads an .mlpackage, or a .tflite file in its own process, because some runtimes clash within one process.

        Raises:
            CheckpointError: it cannot be run, or takes something other than one picture.
        """
        if path.suffix == ".mlpackage" and self._runtime == "litert":
            return load(path)
        return worker_runner(self.start(path, "cpu", 1), self.facts.runtime)

    def start(self, path: Path, accelerator: str, threads: int) -> "HostSession":
        """Loads a file in its own process; the accelerator is always the CPU."""
        command = [sys.executable, worker.__file__, str(path), self._module, str(threads)]
        return HostSession(Worker(command, path))

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Share of each operator in the time; empty if the runtime does not report it."""
        if self._runtime != "litert":
            return {}
        command = [sys.executable, profiler.__file__, str(path), str(PROFILE_RUNS)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        return profiler.shares(done.stdout) if done.returncode == 0 else {}

    def state(self) -> dict[str, float]:
        """Empty: a computer's temperatures say little about a phone's."""
        return {}

    def close(self) -> None:
        """Nothing to clean up."""


class HostSession:
    """One loaded model."""

    def __init__(self, running: Worker) -> None:
        self.worker = running
        first = running.told
        self.loaded = Loaded(
            load_ms=(first["load_ms"],),
            first_ms=(first["first_ms"],),
            memory_bytes=first["memory_bytes"],
            delegated=first["delegated"],
            nodes=first["nodes"],
            kernels=first["kernels"],
            note=first.get("note", ""),
        )

    def round(self, runs: int) -> Round:
        """Times `runs` inferences."""
        return Round(tuple(self.worker.ask(runs=runs)["times_ms"]), runs)

    def instructions(self) -> list[int]:
        """Instructions of each inference so far; always empty, because they are not counted here."""
        return []

    def close(self) -> None:
        """Ends the process."""
        self.worker.close()


def processor() -> str:
    """Name of this machine's processor, or of its board if Linux on ARM reports no other."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    with suppress(OSError):
        return Path("/proc/device-tree/model").read_text().strip("\0\n ")
    with suppress(OSError, subprocess.CalledProcessError):  # macOS
        name = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(name, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def governor() -> str:
    """What controls the processor's clock ("performance", "schedutil", ...); empty if the system does not say."""
    try:
        return Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text().strip()
    except OSError:
        return ""
