"""An arm64 processor, emulated: what its kernels compute, and how many instructions they take. Never how long.

The same .tflite file runs through LiteRT's own ARM kernels under qemu-aarch64 (user mode), as the Cortex-A76
of phones of 2019 and later, and the outputs are compared with those of this machine's kernels. That a model is
bit-identical on both means that what was validated here is what phones paint.
"""

import json
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import DeviceError, UsageError
from ..exporting.runtimes import RUNTIMES, Runner, runtime_version
from ..files import CACHE
from ..inference.tflite_reader import Node, macs
from . import worker
from .host import HostSession, Worker, worker_runner
from .protocol import Facts

FOLDER = CACHE / "arm64"
CPU = "cortex-a76"
PLUGIN = "count_instructions.so"
SETUP = "python -m mobile_style.devices.arm64_setup"
MODULE = RUNTIMES["litert"][0]


def setup_version() -> str:
    """What a set-up must have been made for."""
    return f"2, ai-edge-litert {version('ai-edge-litert')}"


@dataclass(frozen=True)
class Installation:
    """The folder that arm64_setup.py made, the name of its Python, and whether instructions can be counted."""

    folder: Path
    python: str
    counts: bool

    def command(self, counted: Path | None) -> list[str]:
        """The emulated Python; `counted` is the file that the counter writes to."""
        root = self.folder / "root"
        plugin = [] if counted is None else ["-plugin", f"{self.folder / PLUGIN},out={counted}"]
        return [
            *("qemu-aarch64", "-cpu", CPU, "-L", str(root), *plugin),
            *("-E", f"PYTHONPATH={self.folder / 'site'}", "-E", f"PYTHONHOME={root / 'usr'}"),
            str(root / "usr/bin" / self.python),
        ]


def installation() -> Installation:
    """What is set up.

    Raises:
        DeviceError: nothing, or for another version of LiteRT.
    """
    try:
        found = json.loads((FOLDER / "installed.json").read_text())
    except (OSError, ValueError):
        raise DeviceError(f"the emulation of arm64 is not set up; run: {SETUP}") from None
    if found["setup"] != setup_version():
        raise DeviceError(f"the emulation of arm64 is set up for {found['setup']}; run again: {SETUP}")
    if shutil.which("qemu-aarch64") is None:
        raise DeviceError(f"there is no qemu-aarch64; run again: {SETUP}")
    return Installation(FOLDER, found["python"], found["counts"])


class Emulator:
    """The emulated processor as a device that runs models, and times nothing."""

    reports_timings, round_runs, loads_each_round = False, 1, False
    measures_peak = False
    accelerators: tuple[str, ...] = ("cpu",)
    method = "Emulated: the outputs and the counts of instructions are those of ARM kernels; nothing here is a latency."

    def __init__(self) -> None:
        self._installed = installation()
        runtime = f"litert {runtime_version('litert')}"
        self.facts = Facts("arm64-emulated", f"{CPU}, emulated", 1, "qemu-aarch64", "none", runtime)

    def runner(self, path: Path) -> Runner:
        """Loads a .tflite file with its kernels for ARM."""
        if path.suffix != ".tflite":
            raise UsageError(f"`device=arm64-emulated` runs .tflite files, not {path}")
        return worker_runner(self.start(path, "cpu", 1), f"{self.facts.runtime} on an emulated {CPU}")

    def start(self, path: Path, accelerator: str, threads: int) -> "EmulatedSession":
        """Loads a .tflite file in an emulated process of its own."""
        return EmulatedSession(self._installed, path)

    def wanted(self, nodes: list[Node]) -> str:
        """The same bytes where all is integers; nothing where activations are rounded as they come."""
        if any(node.integer for node in nodes):
            return "identical"
        return "" if macs(nodes)["int8"] else "100 dB"

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Nothing: it reports no timings."""
        return {}

    def state(self) -> dict[str, float]:
        """Nothing: it has no temperature."""
        return {}

    def close(self) -> None:
        """Nothing to clean up: each session has its own process."""


class EmulatedSession(HostSession):
    """One model on the emulated processor."""

    def __init__(self, installed: Installation, path: Path) -> None:
        self._folder = TemporaryDirectory()
        self._counted = Path(self._folder.name) / "counted" if installed.counts else None
        command = [*installed.command(self._counted), worker.__file__, str(path.resolve()), MODULE, "1"]
        try:
            super().__init__(Worker(command, path))
        except BaseException:
            self._folder.cleanup()
            raise

    def instructions(self) -> list[int]:
        """Of each inference so far; empty if they are not counted."""
        if self._counted is None:
            return []
        marks = list(map(int, self._counted.read_text().split()))
        return [after - before for before, after in zip(marks[::2], marks[1::2], strict=True)]

    def close(self) -> None:
        """Ends the emulated process."""
        super().close()
        self._folder.cleanup()
