"""`mobile-style benchmark`: measures models on a device, both given by name, and returns a report."""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..devices.compared import is_compared
from ..devices.registry import open_device
from ..errors import UsageError
from ..progress import Progress, silent
from .benchmark import benchmark, check_counts
from .emulation import emulate
from .phone_app import benchmark_app
from .report import Report

Size = tuple[int, int]


@dataclass(frozen=True)
class Conditions:
    """How models are measured.

    Attributes:
        device: one of `registry.NAMES`; "app" or "app:SERIAL" lets the Android demo measure its own styles.
        runtime: what runs .tflite files on the host, a key of `runtimes.RUNTIMES`.
        benchmark_binary: TensorFlow Lite's benchmark_model for a phone.
        threads: numbers of threads on the CPU; each model is measured with each.
        runs: least number of timed inferences of each model.
        sustained: keep measuring for this many seconds; None for `runs`.
    """

    device: str = "host"
    runtime: str = "litert"
    benchmark_binary: Path | None = None
    threads: tuple[int, ...] = (1,)
    runs: int = 100
    sustained: float | None = None


def measure(
    models: Sequence[str | Path],
    sizes: Sequence[Size] = (),
    conditions: Conditions | None = None,
    progress: Progress = silent,
) -> Report:
    """Measures models on a device.

    Args:
        models: .tflite files, or models to export as int8.
        sizes: (height, width) of the exports, in pixels; empty for 256 x 256.
        conditions: the device, and how it measures.
        progress: called with what is done.

    Returns:
        A row for each model, accelerator and number of threads. Times are in milliseconds; a device that reports no
        timings has none.

    Raises:
        UsageError: the arguments contradict each other, or are out of range.
        CheckpointError: a model is missing or damaged.
        DeviceError: the device cannot be used.
    """
    chosen, names = conditions or Conditions(), [str(model) for model in models]
    kind, _, serial = chosen.device.partition(":")
    if kind == "app":
        if models or sizes or chosen != Conditions(device=chosen.device):
            raise UsageError("`device=app` measures the styles inside the app, in its own way: it takes nothing else")
        return benchmark_app(serial, progress)
    if not models:
        raise UsageError("name .tflite files or models to measure; `mobile-style export` makes a file")
    if sizes and all(name.endswith(".tflite") for name in names):
        raise UsageError("`size` is for models still to be exported; that of a .tflite file is fixed")
    load = load_average(chosen.device)
    with (
        TemporaryDirectory() as folder,
        closing(open_device(chosen.device, chosen.runtime, chosen.benchmark_binary, progress)) as device,
    ):
        if not device.reports_timings and replace(chosen, device="") != Conditions(device=""):
            raise UsageError(f"`device={chosen.device}` reports no timings, so it takes neither threads nor runs")
        if "cpu" not in device.accelerators and chosen.threads != (1,):
            raise UsageError(f"`threads` is about a CPU, and `device={chosen.device}` has none")
        check_counts(chosen.threads, chosen.runs, device)  # before anything is exported
        files = _files(names, sizes, Path(folder), progress)
        if is_compared(device):
            return emulate(files, device, progress)
        report = benchmark(files, device, chosen.threads, chosen.runs, chosen.sustained, progress)
        return replace(report, load_average=load)


def load_average(device: str) -> float | None:
    """This machine's load average over the last minute; None for other machines' devices and arm64-emulated."""
    return os.getloadavg()[0] if device in ("host", "browser", "gpu") and hasattr(os, "getloadavg") else None


def _files(models: Sequence[str], sizes: Sequence[Size], folder: Path, progress: Progress) -> list[Path]:
    for model in models:
        if model.rstrip("/").endswith(".mlpackage"):
            raise UsageError(f"{model} is for Apple's devices, which cannot be measured from here; name .tflite files")
    if all(model.endswith(".tflite") for model in models):
        return [Path(model) for model in models]
    from .exports import export_models  # which loads Keras

    return export_models(models, sizes or [(256, 256)], folder, progress)
