"""Compares the outputs of an emulated processor or GPU with those of this machine's CPU, and counts instructions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ..devices.compared import ComparedDevice
from ..devices.host import Host
from ..inference.tflite_reader import macs, read_tflite
from ..media import images
from ..network.catalog import bundled_photos
from ..progress import Progress, silent, track
from .report import Emulated, Report, described, labels

PHOTOS = 2


def emulate(files: Sequence[Path], device: ComparedDevice, progress: Progress = silent) -> Report:
    """Runs each file on `PHOTOS` bundled photos, on this machine's CPU and on the device.

    Returns:
        A row without a latency for each file.

    Raises:
        CheckpointError: a file is missing, damaged, or takes something other than one picture.
        DeviceError: a process dies.
    """
    graphs = {path: read_tflite(path) for path in files}
    host, accelerator, rows = Host(), device.accelerators[0], []
    named = list(zip(labels(files), files, strict=True))
    for name, path in track(named, "Emulating", len(files), "models", progress):
        here, there = host.start(path, "cpu", 1), device.start(path, accelerator, 1)
        try:
            size, styles = there.worker.takes()
            photos = images.photos(bundled_photos("held_out"), PHOTOS)
            pictures = [images.center_crop(images.load(photo), *size)[None] for photo in photos]
            given = [(picture, *_shares(styles, number)) for number, picture in enumerate(pictures)]
            expected = np.stack([here.worker.compute(*inputs) for inputs in given])
            output = np.stack([there.worker.compute(*inputs) for inputs in given])
            instructions = there.instructions()
        finally:
            here.close()
            there.close()
        identical = bool(np.array_equal(expected, output))
        compared = Emulated(
            identical,
            None if identical else _decibels(expected, output),
            (min(instructions), max(instructions)) if instructions else None,
            device.wanted(graphs[path]),
        )
        loaded = replace(there.loaded, load_ms=(), first_ms=(), memory_bytes=None)
        row = described(name, path, macs(graphs[path]))
        rows.append(replace(row, accelerator=accelerator, loaded=loaded, emulated=compared))
    return Report(
        device=device.facts,
        method=device.method,
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        version=version("mobile-style"),
        load_average=None,
        runs=PHOTOS,
        sustained=None,
        rows=tuple(rows),
        probes=(),
    )


def _shares(styles: int, number: int) -> list[np.ndarray]:
    """The mix for the n-th picture: one style alone for an even n, half of two styles each for an odd n.

    Empty for a model of one style.
    """
    if styles == 1:
        return []
    alone = np.eye(styles, dtype=np.float32)
    return [alone[number % styles] if number % 2 == 0 else (alone[number % styles] + alone[number - 1]) / 2]


def _decibels(one: np.ndarray, other: np.ndarray) -> float:
    """PSNR of outputs that differ, data range 255. That of metrics.py is capped at 100 dB, which floats exceed."""
    return float(10 * np.log10(255**2 / np.mean(np.square(one.astype(np.float64) - other))))
