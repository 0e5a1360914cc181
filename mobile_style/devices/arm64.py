"""An emulated arm64 processor: shows what its kernels compute, and in how many instructions, but not how fast.

The same .tflite file runs through LiteRT's own ARM kernels under qemu-aarch64 (user mode), as on the Cortex-A76 of
phones of 2019 and later. Its outputs are compared with those of this machine's kernels. If they are bit-identical, a
validation on this machine holds for such phones.
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
    """Identifies the version that an installation must have been set up for."""
    return f"2, ai-edge-litert {version('ai-edge-litert')}"


@dataclass(frozen=True)
class Installation:
    """What arm64_setup.py installed.

    Attributes:
        folder: the installation.
        python: name of its Python, such as "python3.11".
        counts: whether instructions can be counted.
    """

    folder: Path
    python: str
    counts: bool

    def command(self, counted: Path | None) -> list[str]:
        """The command line of the emulated Python; the counter writes to the file `counted`, None for no counter."""
        root = self.folder / "root"
        plugin = [] if counted is None else ["-plugin", f"{self.folder / PLUGIN},out={counted}"]
        return [
            *("qemu-aarch64", "-cpu", CPU, "-L", str(root), *plugin),
            *("-E", f"PYTHONPATH={self.folder / 'site'}", "-E", f"PYTHONHOME={root / 'usr'}"),
            str(root / "usr/bin" / self.python),
        ]


def installation() -> Installation:
    """The installation.

    Raises:
        DeviceError: it is missing, it is for another version of LiteRT, or qemu-aarch64 is missing.
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
    """The emulated processor as a device that reports no timings.

    Raises:
        DeviceError: as `installation` does.
    """

    reports_timings, round_runs, loads_each_round = False, 1, False
    measures_peak = False
    accelerators: tuple[str, ...] = ("cpu",)
    method = "Emulated: the outputs and the counts of instructions are those of ARM kernels; nothing here is a latency."

    def __init__(self) -> None:
        self._installed = installation()
        runtime = f"litert {runtime_version('litert')}"
        self.facts = Facts("arm64-emulated", f"{CPU}, emulated", 1, "qemu-aarch64", "none", runtime)

    def runner(self, path: Path) -> Runner:
        """Loads a .tflite file, to paint pictures with it.

        Raises:
            UsageError: it is no .tflite file.
            CheckpointError: it cannot be run, or takes something other than one picture.
        """
        if path.suffix != ".tflite":
            raise UsageError(f"`device=arm64-emulated` runs .tflite files, not {path}")
        return worker_runner(self.start(path, "cpu", 1), f"{self.facts.runtime} on an emulated {CPU}")

    def start(self, path: Path, accelerator: str, threads: int) -> "EmulatedSession":
        """Loads a .tflite file in its own emulated process, whatever the accelerator and threads."""
        return EmulatedSession(self._installed, path)

    def wanted(self, nodes: list[Node]) -> str:
        """Identical bytes for integer models, 100 dB for float ones, nothing for 8-bit weights with float activations.

        Each processor rounds float activations to 8 bits in its own way.
        """
        if any(node.integer for node in nodes):
            return "identical"
        return "" if macs(nodes)["int8"] else "100 dB"

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Empty: it reports no timings."""
        return {}

    def state(self) -> dict[str, float]:
        """Empty: it has no temperature."""
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
        """Instructions of each `compute` so far; empty if they are not counted."""
        if self._counted is None:
            return []
        marks = list(map(int, self._counted.read_text().split()))
        return [after - before for before, after in zip(marks[::2], marks[1::2], strict=True)]

    def close(self) -> None:
        """Ends the emulated process."""
        super().close()
        self._folder.cleanup()
