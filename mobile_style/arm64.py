"""An arm64 processor, emulated: what its kernels compute, and how many instructions they take. Never how long.

The same .tflite file runs through LiteRT's own ARM kernels under qemu-aarch64 (user mode), as the Cortex-A76
of phones of 2019 and later, and the outputs are compared with those of this machine's kernels. That a model is
bit-identical on both means that what was validated here is what phones paint.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from . import images, worker
from .benchmark import Emulated, Report, described, labels
from .errors import DeviceError
from .files import CACHE
from .graph import Node, macs, read_tflite
from .host import Host, HostSession, Worker
from .measuring import Facts
from .models import carried_photos
from .progress import track
from .runtimes import RUNTIMES

FOLDER = CACHE / "arm64"
CPU = "cortex-a76"
PLUGIN = "count_instructions.so"
SETUP = "python -m mobile_style.arm64_setup"
PHOTOS = 2
PEAK = 255.0


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
    """A .tflite file, loaded on the emulated processor."""

    def __init__(self, path: Path) -> None:
        installed = installation()
        self._folder = TemporaryDirectory()
        self.counted = Path(self._folder.name) / "counted" if installed.counts else None
        command = [*installed.command(self.counted), worker.__file__, str(path.resolve()), RUNTIMES["litert"][0], "1"]
        self.worker = Worker(command, path)

    def instructions(self) -> list[int]:
        """Of each inference so far; none if they are not counted."""
        if self.counted is None:
            return []
        marks = list(map(int, self.counted.read_text().split()))
        return [after - before for before, after in zip(marks[::2], marks[1::2], strict=True)]

    def close(self) -> None:
        """Ends the emulated process."""
        self.worker.close()
        self._folder.cleanup()


def emulate(files: Sequence[Path]) -> Report:
    """Runs each file on carried photos, here and on the emulated processor.

    Raises:
        CheckpointError: a file is missing, damaged, or takes something other than one picture.
        DeviceError: the emulation is not set up, or ends.
    """
    graphs = {path: read_tflite(path) for path in files}
    host, rows = Host(), []
    for name, path in track(list(zip(labels(files), files, strict=True)), "Emulating", len(files)):
        here, there = host.start(path, "cpu", 1), Emulator(path)
        try:
            height, width = there.worker.picture_size()
            photos = images.photos(carried_photos("held_out"), PHOTOS)
            pictures = [images.centre_crop(images.load(photo), height, width)[None] for photo in photos]
            expected = np.stack([here.worker.compute(picture) for picture in pictures])
            output = np.stack([there.worker.compute(picture) for picture in pictures])
            instructions = there.instructions()
            emulated = HostSession(there.worker).loaded
        finally:
            here.close()
            there.close()
        compared = Emulated(
            bool(np.array_equal(expected, output)),
            _decibels(expected, output),
            (min(instructions), max(instructions)) if instructions else None,
            _wanted(graphs[path]),
        )
        loaded = replace(emulated, load_ms=(), first_ms=(), memory_bytes=None)
        rows.append(replace(described(name, path, macs(graphs[path])), loaded=loaded, emulated=compared))
    return Report(
        device=Facts("arm64-emulated", f"{CPU}, emulated", 1, "qemu-aarch64", "none", host.facts.runtime),
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        version=version("mobile-style"),
        load_average=None,
        runs=PHOTOS,
        sustained=None,
        rows=tuple(rows),
        probes=(),
    )


def _wanted(nodes: list[Node]) -> str:
    if any(node.integer for node in nodes):
        return "identical"
    return "" if macs(nodes)["int8"] else "100 dB"


def _decibels(expected: np.ndarray, output: np.ndarray) -> float | None:
    """Peak signal to noise ratio of raw outputs, data range 255; None if they are equal."""
    error = float(np.mean((expected.astype(np.float64) - output.astype(np.float64)) ** 2))
    return 10 * float(np.log10(PEAK**2 / error)) if error else None
