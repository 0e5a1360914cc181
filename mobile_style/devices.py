"""From what a user asks of `mobile-style benchmark` to measurements: which device, which files."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from . import runtimes
from .backend import loading
from .benchmark import Report, benchmark
from .errors import UsageError
from .export_card import read_export_card
from .host import Host, Worker
from .measuring import Device
from .phone import Phone
from .runtimes import Runner

ARM64 = "arm64-emulated"
BROWSER = "browser"


def open_device(name: str, runtime: str = "litert", binary: Path | None = None) -> Device:
    """The device of a --device flag that can tell time.

    Args:
        name: "host", "adb", "adb:SERIAL" or "browser".
        runtime: of the host.
        binary: benchmark_model for the phone.

    Raises:
        UsageError: there is no such device, or it does not go with another flag.
        DeviceError: the phone cannot be used.
    """
    kind, _, serial = name.partition(":")
    if kind != "adb" and binary is not None:
        raise UsageError(f"--benchmark-binary is for --device adb, not {name}")
    if kind != "host" and runtime != "litert":
        raise UsageError(f"--runtime is for --device host, not {name}")
    if name == "host":
        return Host(runtime)
    if kind == "adb":
        return Phone(serial, binary)
    if name == BROWSER:
        from .browser import Browser

        return Browser()
    raise UsageError(f"--device {name} is not known; choose from host, adb, adb:SERIAL, {BROWSER}, {ARM64}")


@contextmanager
def open_runner(
    exported: Path, device: str = "host", runtime: str = "litert", binary: Path | None = None
) -> Iterator[Runner]:
    """An exported model, loaded on the device of a --device flag, to be given pictures.

    Raises:
        UsageError: there is no such device, or it does not go with another flag, or not with an .mlpackage.
        CheckpointError: the model is missing or damaged.
        DeviceError: the device cannot be used.
    """
    if device != "host" and exported.suffix != ".tflite":
        raise UsageError(f"--device {device} runs .tflite files, not {exported}")
    if device == "host" and binary is None and runtime == "tflite-runtime" and exported.suffix == ".tflite":
        # In one process with TensorFlow, the two take each other's functions.
        with closing(Host(runtime).start(exported, "cpu", 1)) as session:
            yield _runner(session.worker, f"{runtime} {runtimes.runtime_version(runtime)}")
        return
    if binary is None and (device, runtime) in (("host", BROWSER), (BROWSER, "litert")):
        from .browser import Browser

        if exported.suffix != ".tflite":
            raise UsageError(f"--runtime {BROWSER} runs .tflite files, not {exported}")
        with closing(Browser()) as browser:
            painting = browser.start(exported, "cpu", min(browser.cores, 4))  # as the page does
            yield Runner((painting.size,), browser.facts.runtime, painting.stylise)
        return
    if device == "host" and binary is None:
        yield runtimes.load(exported, runtime)
        return
    if device == ARM64 and binary is None and runtime == "litert":
        from .arm64 import CPU, Emulator

        with closing(Emulator(exported)) as emulator:
            yield _runner(emulator.worker, f"litert {runtimes.runtime_version('litert')} on an emulated {CPU}")
        return
    with closing(open_device(device, runtime, binary)) as phone:
        assert isinstance(phone, Phone)  # the host without a runtime that it knows has raised
        given = read_export_card(exported)["input"]
        facts, (_, height, width, _) = phone.facts, given["shape"]
        name = f"{facts.runtime} on {facts.name}, {facts.system}"
        yield Runner(((height, width),), name, lambda picture: phone.stylise(exported, picture, given["type"]))


def _runner(running: Worker, name: str) -> Runner:
    return Runner((running.picture_size(),), name, lambda picture: running.compute(picture[None])[0])


def measure(
    device: str,
    runtime: str,
    binary: Path | None,
    models: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    threads: Sequence[int],
    runs: int,
    sustained: float | None,
    fps: float | None,
) -> tuple[Report, list[str]]:
    """Carries out `mobile-style benchmark`; its flags are the arguments.

    Returns:
        What was measured and, with `fps`, a line for each preset or model that says what holds the rate.
    """
    for flag, value in {"--fps": fps, "--sustained": sustained}.items():
        if device == ARM64 and value is not None:
            raise UsageError(f"{flag} is about time, and --device {ARM64} tells none")
    if device == ARM64 and (list(threads) != [1] or runtime != "litert" or binary is not None):
        raise UsageError(f"--device {ARM64} runs LiteRT on one thread: no --threads, --runtime or --benchmark-binary")
    if fps is not None and sustained is not None:
        raise UsageError("--fps and --sustained: one at a time")
    with TemporaryDirectory() as folder:
        if device == ARM64:
            from .arm64 import emulate, installation

            installation()  # fails before anything is exported
            return emulate(_files(models, sizes, Path(folder))), []
        # Before models are exported, and the browser starts.
        load = os.getloadavg()[0] if device in ("host", "browser") and hasattr(os, "getloadavg") else None
        with closing(open_device(device, runtime, binary)) as opened:
            if fps is None:
                report, answers = benchmark(_files(models, sizes, Path(folder)), opened, threads, runs, sustained), []
            else:
                with loading():
                    from .budget import find_budget
                budget = find_budget(models, opened, fps, sizes, threads, runs)
                report, answers = budget.report, [answer.sentence(fps) for answer in budget.answers]
        return replace(report, load_average=load), answers


def _files(models: Sequence[str], sizes: Sequence[tuple[int, int]], folder: Path) -> list[Path]:
    for model in models:
        if model.rstrip("/").endswith(".mlpackage"):
            raise UsageError(f"{model} is for Apple's devices, which cannot be measured from here; name .tflite files")
    if all(model.endswith(".tflite") for model in models):
        return [Path(model) for model in models]
    with loading():
        from .budget import export_models
    return export_models(models, sizes or [(256, 256)], folder)
