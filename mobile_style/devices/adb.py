"""Commands for a phone over adb, repeated if the phone was briefly disconnected."""

import re
import shutil
import subprocess
import time
from contextlib import suppress

from ..errors import DeviceError
from ..progress import Note, Progress, silent
from .protocol import THERMAL_STATUS, Facts

SECONDS = 300  # time limit of a command on the phone
RETURN_SECONDS = 20  # how long a phone may be away
ENDED = "ended with "  # printed after each command, before its exit status
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
    """The phone no longer answers."""


def find_phone(serial: str = "") -> str:
    """The serial number of the phone to use: the one given, or the only one.

    Raises:
        DeviceError: adb is missing or fails, or there is no such phone, several without a `serial`, or it is not ready.
    """
    if shutil.which("adb") is None:
        raise DeviceError("there is no adb; install Android's platform tools (Debian: apt-get install adb)")
    try:
        done = subprocess.run(["adb", "devices"], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise DeviceError("adb does not answer; try: adb kill-server") from None
    if done.returncode:
        raise DeviceError(f"adb fails: {last_line(done.stderr or done.stdout)}")
    # Splits at a tab, because the name of a phone on Wi-Fi may contain a space.
    lines = [
        line.split("\t" if "\t" in line else None, 1)
        for line in done.stdout.splitlines()
        if "\t" in line or "permissions" in line
    ]
    states = {parts[0]: parts[1].strip() for parts in lines if len(parts) == 2}
    if serial:
        if serial not in states:
            there = f"connected: {', '.join(states)}" if states else "nothing is"
            raise DeviceError(f"`device=adb:{serial}` is not connected; {there}")
        chosen = serial
    elif not states:
        raise DeviceError("no phone is connected; connect one and turn on USB debugging (Developer options)")
    elif len(states) > 1:
        choices = ", ".join(f"adb:{name} ({state})" for name, state in states.items())
        raise DeviceError(f"several phones are connected; name one with `device`: {choices}")
    else:
        (chosen,) = states
    state = states[chosen]
    if state != "device":
        why = next((text for name, text in STATES.items() if state.startswith(name)), f"is in state {state}")
        raise DeviceError(f"phone {chosen} {why}")
    return chosen


class Cable:
    """A phone that answers adb.

    Attributes:
        serial: its serial number.
        name: maker and model.
        abi: of its processor, such as "arm64-v8a".
        system: Android's version, API level and the ABI.

    Raises:
        DeviceError: as `find_phone` and `shell` do.
    """

    def __init__(self, serial: str = "", progress: Progress = silent) -> None:
        self.serial, self._progress = find_phone(serial), progress
        maker, model = (self.shell(f"getprop ro.product.{name}") for name in ("manufacturer", "model"))
        release, sdk = (self.shell(f"getprop ro.build.version.{name}") for name in ("release", "sdk"))
        self.abi = self.shell("getprop ro.product.cpu.abi")
        self.name, self.system = f"{maker} {model}", f"Android {release} (API {sdk}), {self.abi}"

    def facts(self, runtime: str) -> Facts:
        """Describes the phone, for a report on `runtime`."""
        # Android before 10 has no nproc.
        cores = self.shell("(nproc || grep -c ^processor /proc/cpuinfo) 2>/dev/null", check=False)
        governors = self.shell("cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor 2>/dev/null", check=False)
        return Facts(
            kind="adb",
            name=self.name,
            cores=int(cores) if cores.isdigit() else 0,
            system=self.system,
            governor=", ".join(dict.fromkeys(governors.split())),
            runtime=runtime,
        )

    def shell(self, command: str, check: bool = True) -> str:
        """Runs a command on the phone; returns its output, without white space around it.

        Raises:
            Gone: the phone was disconnected, and did not come back soon.
            DeviceError: the command failed, unless `check` is off.
        """
        # A disconnected phone ends the command without an error, so the command prints a mark at its end.
        _, text = self.adb("shell", f"{command}; echo {ENDED}$?")
        text, _, status = text.rpartition(ENDED)
        if status.strip() != "0" and check:
            raise DeviceError(f"on the phone, {command.split()[0]} failed: {last_line(text)}")
        return text.strip()

    def adb(self, *arguments: str) -> tuple[int, str]:
        """Exit status and output of an adb command, repeated once if the phone was briefly disconnected.

        Raises:
            Gone: the phone was disconnected, and did not come back or was disconnected again.
            DeviceError: the command took longer than `SECONDS`.
        """
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
                self._progress(Note(f"phone {self.serial} is away; waiting {RETURN_SECONDS} seconds", warning=True))
                self._wait()
        raise Gone(f"phone {self.serial} went away again and again; look at its cable")

    def _is_there(self) -> bool:
        """Whether the phone answers; adb itself notices late that it does not."""
        try:
            return self.try_once("echo here", seconds=10)
        except subprocess.TimeoutExpired:
            return False

    def try_once(self, command: str, seconds: float) -> bool:
        """Whether a command on the phone succeeds, without waiting for a disconnected phone.

        Raises:
            subprocess.TimeoutExpired: it takes longer than `seconds`.
        """
        ask = ["adb", "-s", self.serial, "shell", command]
        done = subprocess.run(ask, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
        return done.returncode == 0

    def _wait(self) -> None:
        end = time.monotonic() + RETURN_SECONDS
        while time.monotonic() < end:
            if re.fullmatch(r"\S+:\d+", self.serial):  # on a network, adb does not always reconnect by itself
                with suppress(subprocess.TimeoutExpired):
                    subprocess.run(["adb", "connect", self.serial], capture_output=True, timeout=30, check=False)
            if self._is_there():
                return
            time.sleep(1)
        raise Gone(f"phone {self.serial} went away; connect it again, and start again")

    def state(self) -> dict[str, float]:
        """Android's thermal status (0 none to 6 shutdown) and temperatures in degrees Celsius, as far as reported."""
        text = self.shell("dumpsys thermalservice; dumpsys battery", check=False)
        found = {}
        if status := re.search(r"Thermal Status: (\d+)", text):
            found[THERMAL_STATUS] = float(status[1])
        current = text.partition("Current temperatures from HAL:")[2].partition("Current cooling")[0]
        for value, name in re.findall(r"mValue=([\d.]+).*?mName=([\w-]+)", current):
            if name.lower() in ("skin", "cpu", "gpu", "battery"):
                found[name.lower()] = float(value)
        if battery := re.search(r"^\s*temperature: (\d+)", text, re.M):
            found.setdefault("battery", int(battery[1]) / 10)
        return found


def last_line(text: str) -> str:
    """The last line of a program's output."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
