"""Lets the Android demo benchmark its own styles on a phone: starts it, waits, and reads its result over adb."""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from msgspec import Meta

from ..devices.adb import Cable, last_line
from ..devices.protocol import THERMAL_STATUS, Loaded
from ..documents import Count, Figure, Label, Sha256, Text, read_document
from ..errors import DeviceError
from ..progress import Note, Progress, silent
from .latency import latency, ratio
from .report import Report, Row

APP = "mobile.style.demo"
SCHEMA = 1  # of the app's file; Benchmark.kt writes it
RESULT = PurePosixPath(f"/sdcard/Android/data/{APP}/files/benchmark.json")
LONGEST = 1800  # seconds until it must be done: many styles on a slow phone
PAUSE = 2  # seconds between two checks
ROUND_RUNS = 5  # inferences in a round: the app times all of them in a row, and they are divided into rounds
METHOD = (
    f"One model after the other, so a phone that warms up slows the later ones; {ROUND_RUNS} inferences in a row count "
    "as a round. PSNR: of the golden picture that this phone painted, against the float network's."
)
ACCELERATORS = {"xnnpack": "cpu", "plain": "cpu without XNNPACK", "gpu": "gpu"}

Milliseconds = Annotated[float, Meta(ge=0, le=1e9)]
Side = Annotated[int, Meta(ge=1, le=65_536)]  # pixels


@dataclass(frozen=True)
class AppRow:
    """One model on one accelerator, as the app writes it.

    Attributes:
        width, height: of the pictures, in pixels.
        bytes: size of the model's file.
        accelerator: "plain" is the CPU without XNNPACK.
        load_ms, first_ms, times_ms: milliseconds of loading, of the first inference, and of each timed inference; no
            times after a failure, else at least `2 * ROUND_RUNS`.
        psnr: of the golden picture as this phone painted it, in dB; None without one.
        thermal_status: Android's, after the last inference, 0 (none) to 6 (shutdown).
        failure: why it did not run; None if it did.
    """

    model: Label
    sha256: Sha256
    width: Side
    height: Side
    recipe: Label
    bytes: Count
    accelerator: Literal["xnnpack", "plain", "gpu"]
    threads: Annotated[int, Meta(ge=1, le=1024)]
    load_ms: Milliseconds = 0.0
    nodes: Count | None = None
    delegated: Count | None = None
    first_ms: Milliseconds = 0.0
    times_ms: tuple[Milliseconds, ...] = ()
    psnr: Figure | None = None
    golden_passed: bool = False
    thermal_status: int = 0
    failure: Text | None = None

    def __post_init__(self) -> None:
        if self.failure is None and len(self.times_ms) < 2 * ROUND_RUNS:
            raise ValueError(f"{self.model} has {len(self.times_ms)} times, of which no rounds can be made")


@dataclass(frozen=True)
class AppReport:
    """The app's file; Benchmark.kt writes it."""

    schema: Literal[1]
    device: dict[Label, Any]
    runtime: Label
    rows: tuple[AppRow, ...]


def benchmark_app(serial: str = "", progress: Progress = silent) -> Report:
    """Starts the app's benchmark and waits for its result; `serial` is empty for the only phone connected.

    Raises:
        DeviceError: the phone cannot be used; or the app is not on it, ends early, takes too long or measures nothing.
    """
    cable = Cable(serial, progress)
    if not cable.shell(f"pm path {APP}", check=False):
        raise DeviceError(
            f"the Android demo is not on phone {cable.serial}: make android, then "
            "adb install -r android_demo/build/mobile-style.apk"
        )
    cable.shell(f"rm -f {RESULT}")
    cable.shell("input keyevent KEYCODE_WAKEUP", check=False)  # a dark screen slows the processor down
    output = cable.shell(f"am start -W -S -n {APP}/.MainActivity --ez benchmark true")
    if "Error" in output:
        raise DeviceError(f"the Android demo does not start: {last_line(output)}")
    progress(Note("the app measures; keep the phone unlocked and its screen on"))
    _wait(cable)
    measured = read_app_report(cable.shell(f"cat {RESULT}").encode())
    rows, left_out = rows_of(measured)
    return Report(
        device=replace(cable.facts(f"Android demo, {measured.runtime}"), kind="app"),
        method=METHOD,
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        version=version("mobile-style"),
        load_average=None,
        runs=min(row.latency.runs for row in rows if row.latency),
        sustained=None,
        rows=tuple(rows),
        probes=(),
        left_out=tuple(left_out),
    )


def _wait(cable: Cable) -> None:
    """Waits until the result is there; the app moves the file into place when it is complete."""
    end = time.monotonic() + LONGEST
    while not cable.shell(f"ls {RESULT} 2>/dev/null", check=False):
        if not cable.shell(f"pidof {APP}", check=False):
            raise DeviceError("the app ended before it had measured everything; adb logcat tells why")
        if time.monotonic() > end:
            raise DeviceError(f"the app has not finished within {LONGEST // 60} minutes")
        time.sleep(PAUSE)


def read_app_report(content: bytes) -> AppReport:
    """Parses the app's file.

    Raises:
        DeviceError: it has another schema, or is damaged.
    """

    def checked(document: dict[str, Any]) -> dict[str, Any]:
        if document["schema"] != SCHEMA:
            raise DeviceError(f"the app's report is of schema {document['schema']}, this version reads {SCHEMA}")
        return document

    advice = "; build and install the app anew"
    return read_document(AppReport, content, f"the app's {RESULT.name}", DeviceError, advice, checked)


def rows_of(report: AppReport) -> tuple[list[Row], list[str]]:
    """The rows of a benchmark, and a sentence for each model and accelerator that the app could not run.

    Raises:
        DeviceError: the app could run nothing.
    """
    first = report.rows[0].model if report.rows else ""
    references: dict[tuple[str, int], Row] = {}
    rows, left_out = [], []
    for each in report.rows:
        if each.failure is not None:
            left_out.append(f"{each.model} on {ACCELERATORS[each.accelerator]} x{each.threads}: {each.failure}")
            continue
        row = _row(each)
        if each.model == first:
            references.setdefault((row.accelerator, row.threads), row)
        reference = references.get((row.accelerator, row.threads), row)
        if reference is not row:  # the app measures models one after the other, not in rounds
            row = replace(row, relative=ratio(row.rounds, reference.rounds, paired=False))
        rows.append(row)
    if not rows:
        raise DeviceError(f"the app could run no model on anything ({'; '.join(left_out) or 'it holds none'})")
    return rows, left_out


def _row(measured: AppRow) -> Row:
    times = measured.times_ms
    rounds = tuple(times[at : at + ROUND_RUNS] for at in range(0, len(times) - ROUND_RUNS + 1, ROUND_RUNS))
    golden = None if measured.psnr is None else {"psnr": measured.psnr, "ssim": None, "passed": measured.golden_passed}
    return Row(
        model=f"{measured.model} {measured.width}x{measured.height}",
        path="",
        bytes=measured.bytes,
        sha256=measured.sha256,
        size=(measured.height, measured.width),
        recipe=measured.recipe,
        fidelity=golden,
        accelerator=ACCELERATORS[measured.accelerator],
        threads=measured.threads,
        loaded=Loaded((measured.load_ms,), (measured.first_ms,), None, measured.delegated, measured.nodes, None, ""),
        latency=latency(rounds),
        relative=None,
        macs={},
        peak_share=None,
        profile={},
        emulated=None,
        rounds=rounds,
        seconds=(),
        states=({THERMAL_STATUS: float(measured.thermal_status)},),
    )
