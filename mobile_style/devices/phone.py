"""A phone as a device: TensorFlow Lite's benchmark_model runs models on it, over adb."""

import hashlib
import secrets
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..errors import CheckpointError, DeviceError, UsageError
from ..exporting.card import read_export_card, styles_in
from ..exporting.runtimes import Runner, share_input
from ..files import CACHE
from ..inference.float_ops import INPUT, MIX
from ..progress import Note, Progress, silent
from . import benchmark_tool
from .adb import Cable, last_line
from .benchmark_tool import NotUnderstood, Timings
from .profiler import shares
from .protocol import Loaded, Round

BINARIES = CACHE / "benchmark_model"
PLACE = "/data/local/tmp"
ROUND_RUNS = 10
ROUND_SECONDS = 1  # at least, so that most of the time is spent in the model


class Phone:
    """A phone with benchmark_model in a new folder, which `close` removes.

    Args:
        serial: of the phone; empty for the only one that is connected.
        binary: benchmark_model for the phone; None for the one in the user's cache.
        progress: called when the phone is away for a moment, or something is left on it.

    Raises:
        DeviceError: the phone cannot be used, or there is no benchmark_model.
        UsageError: `binary` is not a file.
    """

    reports_timings, round_runs, loads_each_round = True, ROUND_RUNS, True
    measures_peak = False

    def __init__(self, serial: str = "", binary: Path | None = None, progress: Progress = silent) -> None:
        self._cable, self._progress = Cable(serial, progress), progress
        chosen = _binary(binary, self._cable.abi)
        self._folder = f"{PLACE}/mobile-style-{secrets.token_hex(4)}"
        self._pushed: dict[Path, str] = {}
        try:
            self._cable.shell(f"mkdir -p {self._folder}")
            self._tool = self.push(chosen)
            self._cable.shell(f"chmod 755 {self._tool}")
            help_text = self._cable.shell(f"{self._tool} --help 2>&1", check=False)
            self.accelerators = benchmark_tool.accelerators(help_text)
            digest = hashlib.sha256(chosen.read_bytes()).hexdigest()
            self.facts = self._cable.facts(f"benchmark_model {digest[:12]}")
        except BaseException:
            self.close()
            raise

    def push(self, path: Path) -> str:
        """Copies a file to the phone, unless it is there, and checks its SHA-256; returns its path there.

        Raises:
            DeviceError: it cannot be copied, or arrived damaged.
        """
        if path not in self._pushed:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            place = f"{self._folder}/{digest[:16]}"
            status, text = self._cable.adb("push", str(path), place)
            if status:
                raise DeviceError(f"{path} cannot be copied to the phone: {last_line(text)}")
            arrived = self._cable.shell(f"sha256sum {place}").split()[0]
            if arrived != digest:
                raise DeviceError(
                    f"{path} arrived damaged (sha256 {arrived[:12]}, not {digest[:12]}); try another cable"
                )
            self._pushed[path] = place
        return self._pushed[path]

    def run(self, path: Path, accelerator: str, threads: int, runs: int, *flags: str, seconds: int = 0) -> str:
        """Runs benchmark_model on a file, copied first if needed; returns what it prints.

        `runs` and `seconds` are the least number of inferences and the least time.
        """
        wanted = [
            *("--graph=" + self.push(path), f"--num_threads={threads}", f"--num_runs={runs}", f"--min_secs={seconds}"),
            *("--warmup_runs=1", "--warmup_min_secs=0", "--max_secs=120", *flags),
        ]
        if accelerator != "cpu":
            wanted.append(f"--use_{accelerator}=true")
        return self._cable.shell(f"{self._tool} {' '.join(wanted)} 2>&1", check=False)

    def timed(self, path: Path, accelerator: str, threads: int, runs: int, *flags: str, seconds: int = 0) -> Timings:
        """Like `run`, but returns the parsed output.

        Raises:
            CheckpointError: the tool cannot run the model.
        """
        try:
            output = self.run(path, accelerator, threads, runs, *flags, seconds=seconds)
            return benchmark_tool.parse(output, accelerator)
        except NotUnderstood as error:
            raise CheckpointError(f"{path} cannot be run on the phone ({accelerator}): {error}") from None

    def runner(self, path: Path) -> Runner:
        """A runner for an exported .tflite file, on the phone's CPU; the file needs its card.

        Raises:
            UsageError: it is no .tflite file.
            CheckpointError: its card is missing or damaged.
        """
        if path.suffix != ".tflite":
            raise UsageError(f"`device=adb` runs .tflite files, not {path}")
        card = read_export_card(path)
        _, height, width, _ = card["input"]["shape"]
        name = f"{self.facts.runtime} on {self.facts.name}, {self.facts.system}"

        def run(picture: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
            return self.stylize(path, picture, card["input"]["type"], shares)

        return Runner(((height, width),), name, run, styles=len(styles_in(card)) or 1)

    def start(self, path: Path, accelerator: str, threads: int) -> "PhoneSession":
        """Copies a model to the phone and runs it once."""
        return PhoneSession(self, path, accelerator, threads)

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Share of each operator in the time of an inference on one thread."""
        return shares(self.run(path, accelerator, 1, ROUND_RUNS, "--enable_op_profiling=true"))

    def state(self) -> dict[str, float]:
        """Thermal status and temperatures, as `Cable.state` returns them."""
        return self._cable.state()

    def stylize(self, path: Path, picture: np.ndarray, kind: str, shares: np.ndarray | None = None) -> np.ndarray:
        """Paints a picture with a model on the phone's CPU, one thread.

        Args:
            path: the model's file.
            picture: (H, W, 3) uint8, of the model's size.
            kind: type of the model's input and output: "uint8" or "float32".
            shares: (styles,) for a model of many styles; None for a model of one.

        Returns:
            (H, W, 3) of the type `kind`.

        Raises:
            CheckpointError: the tool cannot run the model.
            DeviceError: the phone is gone, or the output cannot be fetched.
        """
        values = {INPUT: picture[None]} | ({} if shares is None else {MIX: share_input(shares, kind)})
        with TemporaryDirectory() as folder:
            wanted, target = Path(folder) / "output", f"{self._folder}/output"
            sources = []
            for name, value in values.items():
                given = Path(folder) / name
                given.write_bytes(np.ascontiguousarray(value, kind).tobytes())
                sources.append(self.push(given))
                del self._pushed[given]
            flags = (
                f"--input_layer={','.join(values)}",
                f"--input_layer_shape={':'.join(','.join(map(str, value.shape)) for value in values.values())}",
                "--input_layer_value_files=" + ",".join(map(":".join, zip(values, sources, strict=True))),
            )
            self.timed(path, "cpu", 1, 1, *flags, f"--output_filepath={target}")
            status, text = self._cable.adb("pull", target, str(wanted))
            if status or not wanted.exists():
                raise DeviceError(
                    f"the phone's output cannot be fetched ({last_line(text)}); is the binary of 2023 or later?"
                )
            self._cable.shell(f"rm -f {' '.join(sources)} {target}")
            return np.frombuffer(wanted.read_bytes(), kind).reshape(picture.shape)

    def close(self) -> None:
        """Removes the folder from the phone; warns if that fails, for example because the phone is disconnected."""
        try:
            left = not self._cable.try_once(f"rm -rf {self._folder}", seconds=30)
        except subprocess.TimeoutExpired:
            left = True
        if left:
            self._progress(Note(f"left on phone {self._cable.serial}: {self._folder}", warning=True))


class PhoneSession:
    """A model on the phone; each round is a run of benchmark_model."""

    def __init__(self, phone: Phone, path: Path, accelerator: str, threads: int) -> None:
        self._phone, self._path, self._accelerator, self._threads = phone, path, accelerator, threads
        self._first = phone.timed(path, accelerator, threads, 1, "--print_preinvoke_state=true")
        self._runs: list[Timings] = []

    @property
    def loaded(self) -> Loaded:
        """What loading took, in the first run and in each round so far."""
        runs = [self._first, *self._runs]
        placed = next((run for run in runs if run.delegated is not None), self._first)
        return Loaded(
            load_ms=tuple(run.init for run in runs),
            first_ms=tuple(run.first for run in runs),
            memory_bytes=max((run.memory_bytes for run in runs if run.memory_bytes is not None), default=None),
            delegated=placed.delegated,
            nodes=placed.nodes,
            kernels=placed.kernels,
            note=next((run.note for run in runs if run.note), ""),
        )

    def round(self, runs: int) -> Round:
        """Runs the tool once: `runs` inferences, and more if they take less than `ROUND_SECONDS`."""
        taken = self._phone.timed(self._path, self._accelerator, self._threads, runs, seconds=ROUND_SECONDS)
        self._runs.append(taken)
        return Round((taken.typical,), taken.count, taken.min, taken.p95, taken.max, self._phone.state())

    def close(self) -> None:
        """Nothing runs between rounds."""


def _binary(given: Path | None, abi: str) -> Path:
    """The benchmark_model to use.

    Raises:
        UsageError: `given` is not a file.
        DeviceError: there is none for this ABI.
    """
    path = given or BINARIES / abi
    if not path.is_file():
        if given is not None:
            raise UsageError(f"`benchmark_binary={given}` is not a file")
        raise DeviceError(
            f"there is no benchmark_model for this phone: get TensorFlow Lite's for {abi} (see docs/benchmark.md), and "
            f"name it with `benchmark_binary` or put it at {path}"
        )
    return path
