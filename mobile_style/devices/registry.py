"""Opens devices by name. Add a new device here."""

from pathlib import Path

from ..errors import UsageError
from ..progress import Progress, silent
from .arm64 import Emulator
from .gpu import Gpu
from .host import Host
from .phone import Phone
from .protocol import Device

NAMES = ("host", "adb", "adb:SERIAL", "browser", "gpu", "arm64-emulated")


def open_device(
    name: str = "host", runtime: str = "litert", benchmark_binary: Path | None = None, progress: Progress = silent
) -> Device:
    """Opens a device; the caller closes it.

    Args:
        name: one of `NAMES`.
        runtime: what runs .tflite files on the host, a key of `runtimes.RUNTIMES`.
        benchmark_binary: TensorFlow Lite's benchmark_model for a phone; None for the one in the user's cache.
        progress: called when a phone is away for a moment.

    Raises:
        UsageError: there is no such device, or another parameter does not apply to it.
        DeviceError: the device cannot be used.
    """
    kind, _, serial = name.partition(":")
    if kind != "adb" and benchmark_binary is not None:
        raise UsageError(f"`benchmark_binary` applies to `device=adb`, not to {name}")
    if kind != "host" and runtime != "litert":
        raise UsageError(f"`runtime` applies to `device=host`, not to {name}")
    if name == "host":
        return Host(runtime)
    if kind == "adb":
        return Phone(serial, benchmark_binary, progress)
    if name == "browser":
        from .browser import Browser  # importing its server takes a second

        return Browser()
    if name == "gpu":
        return Gpu()
    if name == "arm64-emulated":
        return Emulator()
    raise UsageError(f"`device={name}` is unknown; choose from {', '.join(NAMES)}")
