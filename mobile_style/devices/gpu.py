"""This machine's GPU as a device: LiteRT's GPU accelerator, with each model in its own process.

The accelerator uses WebGPU. It shares its operators' definitions with the OpenCL and Metal back ends of phones, so an
operator that is wrong here is wrong there. A phone's own driver is not tested.

Without a GPU, a software driver (gpu_setup.py) runs the same shaders on the CPU. It shows whether a picture is right;
its times mean nothing.
"""

import platform
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import CheckpointError, DeviceError, UsageError
from ..exporting.runtimes import Runner, runtime_version
from ..files import CACHE
from ..inference.tflite_reader import Node
from ..inference.tflite_writer import TfliteWriter
from . import gpu_interpreter, worker
from .host import ROUND_RUNS, HostSession, Worker, worker_runner
from .protocol import Facts

FOLDER = CACHE / "gpu"
DRIVER = FOLDER / "driver.json"
SETUP = "python -m mobile_style.devices.gpu_setup"
WANTED = "38 dB"  # PSNR against the CPU: the GPU computes in float16. The gate asks as much of an 8-bit file


def _load(path: Path, environment: dict[str, str]) -> Worker:
    command = [sys.executable, worker.__file__, str(path), Path(gpu_interpreter.__file__).stem, "1"]
    return Worker(command, path, environment)


class Gpu:
    """The first GPU that LiteRT finds, or the software driver, which reports no timings.

    Raises:
        DeviceError: there is neither, or LiteRT's GPU accelerator does not work.
    """

    round_runs, loads_each_round = ROUND_RUNS, False
    measures_peak = False
    accelerators: tuple[str, ...] = ("gpu",)
    method = "A software driver stands in for the GPU: the outputs are those of its shaders; nothing here is a latency."

    def __init__(self) -> None:
        installed = {"VK_ICD_FILENAMES": str(DRIVER), "LD_LIBRARY_PATH": str(FOLDER)}
        found = self._found({}) or (self._found(installed) if DRIVER.exists() else None)
        if found is None:
            raise DeviceError(f"LiteRT finds no GPU here; for a software driver, which times nothing, run: {SETUP}")
        self.reports_timings: bool = not found["software"]
        self.facts = Facts(
            kind="gpu",
            name=found["adapter"],
            cores=0,
            system=platform.platform(),
            governor="",
            runtime=f"litert {runtime_version('litert')} on WebGPU",
        )

    def _found(self, environment: dict[str, str]) -> dict[str, Any] | None:
        """Loads a small model in this environment, and returns what it reports about the GPU; None without a GPU."""
        writer, shape = TfliteWriter(), (1, 1, 1, 1)
        x = writer.input("input", "FLOAT32", shape)
        doubled = writer.operator("ADD", [x, x], "output", "FLOAT32", shape)
        with TemporaryDirectory() as folder:
            probe = Path(folder) / "probe.tflite"
            probe.write_bytes(writer.content({"output": doubled}))
            try:
                running = _load(probe, environment)
            except CheckpointError as error:
                if gpu_interpreter.NO_GPU in str(error):
                    return None
                raise DeviceError(f"LiteRT's GPU accelerator does not work here: {error}") from None
            running.close()
        self._environment = environment
        return running.told

    def runner(self, path: Path) -> Runner:
        """Loads a .tflite file on the GPU; the runner's `runtime` names the operators that are not on the GPU.

        Raises:
            UsageError: it is no .tflite file.
            CheckpointError: it cannot be run, or takes something other than one picture.
        """
        if path.suffix != ".tflite":
            raise UsageError(f"`device=gpu` runs .tflite files, not {path}")
        session = self.start(path, "gpu", 1)
        placed = session.loaded.note or "fully accelerated"
        return worker_runner(session, f"{self.facts.runtime}, {self.facts.name}, {placed}")

    def start(self, path: Path, accelerator: str, threads: int) -> HostSession:
        """Loads a .tflite file in its own process, whatever the accelerator and threads."""
        return HostSession(_load(path, self._environment))

    def wanted(self, nodes: list[Node]) -> str:
        """The same limit for every file, because tensors are float16 on the GPU."""
        return WANTED

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Empty: the accelerator does not report it."""
        return {}

    def state(self) -> dict[str, float]:
        """Empty: a computer's temperatures say little about a phone's."""
        return {}

    def close(self) -> None:
        """Nothing to clean up: each session has its own process."""
