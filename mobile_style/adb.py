"""A phone on the end of a cable: models run on it by TensorFlow Lite's benchmark_model, over adb."""

import hashlib
import os
import re
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from . import benchmark_model
from .benchmark_model import NotUnderstood, Timings
from .errors import CheckpointError, DeviceError, UsageError
from .measuring import Facts, Loaded, Turn
from .profiler import shares
from .progress import console

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mobile-style" / "benchmark_model"
PLACE = "/data/local/tmp"
TURN_RUNS = 10
SECONDS = 300  # after which a command on the phone is taken for stuck
RETURN_SECONDS = 20  # that a phone may be away
ENDED = "ended with "
STATES = {
    "unauthorized": "does not trust this computer yet: unlock it and allow USB debugging",
    "offline": "is offline: pull the cable out and put it in again, or restart it",
    "no permissions": "may not be opened by this user: add a udev rule for it, or the user to the group plugdev",
    "authorizing": "is still deciding whether to trust this computer; try again",
    "connecting": "is still connecting; try again",
    "recovery": "is in recovery; start Android",
    "sideload": "is waiting for an update; start Android",
}


class Gone(DeviceError):
    """The phone does not answer any more."""


def find_phone(serial: str = "") -> str:
    """The serial number of the phone that is meant.

    Raises:
        DeviceError: there is no adb, no phone, several, not this one, or it is not ready.
    """
    if shutil.which("adb") is None:
        raise DeviceError("there is no adb; install Android's platform tools (Debian: apt-get install adb)")
    try:
        done = subprocess.run(["adb", "devices"], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise DeviceError("adb does not answer; try: adb kill-server") from None
    if done.returncode:
        raise DeviceError(f"adb fails: {_last_line(done.stderr or done.stdout)}")
    lines = [line.split(None, 1) for line in done.stdout.splitlines() if "\t" in line or "permissions" in line]
    states = {parts[0]: parts[1].strip() for parts in lines if len(parts) == 2}
    if serial:
        if serial not in states:
            there = f"connected: {', '.join(states)}" if states else "nothing is"
            raise DeviceError(f"--device adb:{serial} is not connected; {there}")
        chosen = serial
    elif not states:
        raise DeviceError("no phone is connected; connect one and turn on USB debugging (Developer options)")
    elif len(states) > 1:
        told = ", ".join(f"adb:{name} ({state})" for name, state in states.items())
        raise DeviceError(f"several phones are connected; name one with --device: {told}")
    else:
        (chosen,) = states
    state = states[chosen]
    if state != "device":
        why = next((text for name, text in STATES.items() if state.startswith(name)), f"is in state {state}")
        raise DeviceError(f"phone {chosen} {why}")
    return chosen


class Phone:
    """A phone with benchmark_model on it, in a folder of its own that `close` removes."""

    turn_runs = TURN_RUNS

    def __init__(self, serial: str = "", binary: Path | None = None) -> None:
        self.serial = find_phone(serial)
        abi = self.shell("getprop ro.product.cpu.abi")
        chosen = _binary(binary, abi)
        self._folder = f"{PLACE}/mobile-style-{secrets.token_hex(4)}"
        self._pushed: dict[Path, str] = {}
        try:
            self.shell(f"mkdir -p {self._folder}")
            self._tool = self.push(chosen)
            self.shell(f"chmod 755 {self._tool}")
            self.accelerators = benchmark_model.accelerators(self.shell(f"{self._tool} --help 2>&1", check=False))
            self.facts = self._facts(abi, hashlib.sha256(chosen.read_bytes()).hexdigest())
        except BaseException:
            self.close()
            raise

    def _facts(self, abi: str, digest: str) -> Facts:
        maker, model = (self.shell(f"getprop ro.product.{name}") for name in ("manufacturer", "model"))
        release, sdk = (self.shell(f"getprop ro.build.version.{name}") for name in ("release", "sdk"))
        governors = self.shell("cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor 2>/dev/null", check=False)
        return Facts(
            kind="adb",
            name=f"{maker} {model}",
            cores=int(self.shell("nproc", check=False) or 0),
            system=f"Android {release} (API {sdk}), {abi}",
            governor=", ".join(dict.fromkeys(governors.split())) or "not told",
            runtime=f"benchmark_model {digest[:12]}",
        )

    def shell(self, command: str, check: bool = True) -> str:
        """What a command on the phone prints, without white space around it.

        Raises:
            Gone: the phone went away, and did not come back soon.
            DeviceError: the command failed, unless `check` is off.
        """
        # A phone that goes away ends the command without an error, so that its end must be told.
        _, text = self._adb("shell", f"{command}; echo {ENDED}$?")
        text, _, status = text.rpartition(ENDED)
        if status.strip() != "0" and check:
            raise DeviceError(f"on the phone, {command.split()[0]} failed: {_last_line(text)}")
        return text.strip()

    def push(self, path: Path) -> str:
        """Copies a file to the phone, once, and checks that it arrived whole; its place there."""
        if path not in self._pushed:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            place = f"{self._folder}/{digest[:16]}"
            status, text = self._adb("push", str(path), place)
            if status:
                raise DeviceError(f"{path} cannot be copied to the phone: {_last_line(text)}")
            arrived = self.shell(f"sha256sum {place}").split()[0]
            if arrived != digest:
                raise DeviceError(
                    f"{path} arrived damaged (sha256 {arrived[:12]}, not {digest[:12]}); try another cable"
                )
            self._pushed[path] = place
        return self._pushed[path]

    def _adb(self, *arguments: str) -> tuple[int, str]:
        """Exit status and output of an adb command; once more if the phone was away for a moment."""
        for attempt in range(2):
            try:
                done = subprocess.run(
                    ["adb", "-s", self.serial, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    timeout=SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise DeviceError(f"phone {self.serial} has not finished within {SECONDS} seconds") from None
            whole = arguments[0] != "shell" or ENDED in done.stdout
            if whole and (done.returncode == 0 or self._is_there()):
                return done.returncode, done.stdout
            if attempt == 0:
                console.print(f"phone {self.serial} is away; waiting {RETURN_SECONDS} seconds", markup=False)
                self._wait()
        raise Gone(f"phone {self.serial} went away again and again; look at its cable")

    def _is_there(self) -> bool:
        """Whether it answers; adb itself notices late that it does not."""
        try:
            ask = ["adb", "-s", self.serial, "shell", "echo here"]
            done = subprocess.run(
                ask, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.stdout.strip() == "here"

    def _wait(self) -> None:
        end = time.monotonic() + RETURN_SECONDS
        while time.monotonic() < end:
            if re.fullmatch(r"\S+:\d+", self.serial):  # on a network, adb does not always come back by itself
                subprocess.run(["adb", "connect", self.serial], capture_output=True, timeout=30, check=False)
            if self._is_there():
                return
            time.sleep(1)
        raise Gone(f"phone {self.serial} went away; connect it again, and start again")

    def run(self, path: Path, accelerator: str, threads: int, runs: int, *flags: str) -> str:
        """What benchmark_model prints, for a file that is on the phone already or not yet."""
        wanted = [
            *("--graph=" + self.push(path), f"--num_threads={threads}", f"--num_runs={runs}", "--min_secs=0"),
            *("--warmup_runs=1", "--warmup_min_secs=0", "--max_secs=120", *flags),
        ]
        if accelerator != "cpu":
            wanted.append(f"--use_{accelerator}=true")
        return self.shell(f"{self._tool} {' '.join(wanted)} 2>&1", check=False)

    def timed(self, path: Path, accelerator: str, threads: int, runs: int, *flags: str) -> Timings:
        """`run`, read.

        Raises:
            CheckpointError: the tool cannot run the model.
        """
        try:
            return benchmark_model.parse(self.run(path, accelerator, threads, runs, *flags), accelerator)
        except NotUnderstood as error:
            raise CheckpointError(f"{path} cannot be run on the phone ({accelerator}): {error}") from None

    def start(self, path: Path, accelerator: str, threads: int) -> "PhoneSession":
        """Copies a model to the phone and runs it once."""
        return PhoneSession(self, path, accelerator, threads)

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        """Share of each operator."""
        return shares(self.run(path, accelerator, 1, TURN_RUNS, "--enable_op_profiling=true"))

    def state(self) -> dict[str, float]:
        """Android's thermal status (0 none to 6 shutdown) and temperatures in degrees Celsius, as far as it tells."""
        text = self.shell("dumpsys thermalservice; dumpsys battery", check=False)
        found = {}
        if status := re.search(r"Thermal Status: (\d+)", text):
            found["thermal status"] = float(status[1])
        current = text.partition("Current temperatures from HAL:")[2].partition("Current cooling")[0]
        for value, name in re.findall(r"mValue=([\d.]+).*?mName=([\w-]+)", current):
            if name.lower() in ("skin", "cpu", "gpu", "battery"):
                found[name.lower()] = float(value)
        if battery := re.search(r"^\s*temperature: (\d+)", text, re.M):
            found.setdefault("battery", int(battery[1]) / 10)
        return found

    def stylise(self, path: Path, picture: np.ndarray, kind: str) -> np.ndarray:
        """What the model on the phone's CPU makes of a (H, W, 3) uint8 picture, in its own type."""
        with TemporaryDirectory() as folder:
            given, wanted = Path(folder) / "input", Path(folder) / "output"
            given.write_bytes(np.ascontiguousarray(picture, kind).tobytes())
            source, target = self.push(given), f"{self._folder}/output"
            del self._pushed[given]
            shape = ",".join(map(str, (1, *picture.shape)))
            flags = ("--input_layer=image", f"--input_layer_shape={shape}", f"--input_layer_value_files=image:{source}")
            self.timed(path, "cpu", 1, 1, *flags, f"--output_filepath={target}")
            status, text = self._adb("pull", target, str(wanted))
            if status or not wanted.exists():
                raise DeviceError(
                    f"the phone's output cannot be fetched ({_last_line(text)}); is the binary of 2023 or later?"
                )
            self.shell(f"rm -f {source} {target}")
            return np.frombuffer(wanted.read_bytes(), kind).reshape(picture.shape)

    def close(self) -> None:
        """Removes what was put on the phone, if it is still there."""
        try:
            done = subprocess.run(
                ["adb", "-s", self.serial, "shell", f"rm -rf {self._folder}"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=30,
                check=False,
            )
            left = done.returncode != 0
        except subprocess.TimeoutExpired:
            left = True
        if left:
            console.print(f"left on phone {self.serial}: {self._folder}", markup=False, soft_wrap=True)


class PhoneSession:
    """A model on the phone; each turn is a run of benchmark_model."""

    def __init__(self, phone: Phone, path: Path, accelerator: str, threads: int) -> None:
        self._phone, self._path, self._accelerator, self._threads = phone, path, accelerator, threads
        self._first = phone.timed(path, accelerator, threads, 1, "--print_preinvoke_state=true")
        self._runs: list[Timings] = []

    @property
    def loaded(self) -> Loaded:
        """What loading took, in each turn so far."""
        runs = [self._first, *self._runs]
        told = next((run for run in runs if run.delegated is not None), self._first)
        return Loaded(
            load_ms=tuple(run.init for run in runs),
            first_ms=tuple(run.first for run in runs),
            memory_bytes=max((run.memory_bytes for run in runs if run.memory_bytes is not None), default=None),
            delegated=told.delegated,
            nodes=told.nodes,
            kernels=told.kernels,
            note=next((run.note for run in runs if run.note), ""),
        )

    def turn(self, runs: int) -> Turn:
        """One run of the tool."""
        taken = self._phone.timed(self._path, self._accelerator, self._threads, runs)
        self._runs.append(taken)
        return Turn((taken.typical,), taken.count, taken.min, taken.p95, taken.max, self._phone.state())

    def close(self) -> None:
        """Nothing runs between turns."""


def _binary(given: Path | None, abi: str) -> Path:
    """The benchmark_model to use.

    Raises:
        DeviceError: there is none.
    """
    path = given or CACHE / abi
    if not path.is_file():
        if given is not None:
            raise UsageError(f"--benchmark-binary {given} is not a file")
        raise DeviceError(
            f"there is no benchmark_model for this phone: get TensorFlow Lite's for {abi} (see docs/benchmark.md), and "
            f"name it with --benchmark-binary or put it at {path}"
        )
    return path


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
