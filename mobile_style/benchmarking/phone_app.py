"""What the Android demo measures of its own styles on a phone: started, awaited and read over adb."""

import json
import time
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any

from ..devices.adb import Cable, last_line
from ..devices.protocol import THERMAL_STATUS, Loaded
from ..errors import DeviceError
from ..progress import Note, Progress, silent
from .latency import latency, ratio
from .report import Report, Row

APP = "mobile.style.demo"
SCHEMA = 1  # of the app's file; Benchmark.kt writes it
RESULT = PurePosixPath(f"/sdcard/Android/data/{APP}/files/benchmark.json")
LONGEST = 1800  # seconds: many styles on a slow phone
PAUSE = 2  # seconds between two looks
ROUND_RUNS = 5  # the app times in one go; what it took is cut into rounds of so many
METHOD = (
    f"One model after the other, so a phone that warms up slows the later ones; {ROUND_RUNS} inferences in a row count "
    "as a round. PSNR: of the golden picture that this phone painted, against the float network's."
)
ACCELERATORS = {"xnnpack": "cpu", "plain": "cpu without XNNPACK", "gpu": "gpu"}


def benchmark_app(serial: str = "", progress: Progress = silent) -> Report:
    """Starts the app's benchmark and waits for it.

    Raises:
        DeviceError: the phone cannot be used, the app is not on it, ends early, or measures nothing.
    """
    cable = Cable(serial, progress)
    if not cable.shell(f"pm path {APP}", check=False):
        raise DeviceError(
            f"the Android demo is not on phone {cable.serial}: make android, then "
            "adb install -r android_demo/build/mobile-style.apk"
        )
    cable.shell(f"rm -f {RESULT}")
    cable.shell("input keyevent KEYCODE_WAKEUP", check=False)  # a dark screen slows the processor down
    told = cable.shell(f"am start -W -S -n {APP}/.MainActivity --ez benchmark true")
    if "Error" in told:
        raise DeviceError(f"the Android demo does not start: {last_line(told)}")
    progress(Note("the app measures; keep the phone unlocked and its screen on"))
    _wait(cable)
    text = cable.shell(f"cat {RESULT}")
    try:
        told = json.loads(text)
        (rows, left_out), runtime = read_rows(told), told["runtime"]
    except (ValueError, KeyError, TypeError) as error:
        raise DeviceError(f"the app's {RESULT.name} is not understood ({error!r}); build and install it anew") from None
    return Report(
        device=replace(cable.facts(f"Android demo, {runtime}"), kind="app"),
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
    """Until the file is there, which the app moves into place when it is whole."""
    end = time.monotonic() + LONGEST
    while not cable.shell(f"ls {RESULT} 2>/dev/null", check=False):
        if not cable.shell(f"pidof {APP}", check=False):
            raise DeviceError("the app ended before it had measured everything; adb logcat tells why")
        if time.monotonic() > end:
            raise DeviceError(f"the app has not finished within {LONGEST // 60} minutes")
        time.sleep(PAUSE)


def read_rows(told: dict[str, Any]) -> tuple[list[Row], list[str]]:
    """The rows of the app's file, and a sentence for each thing that it could not run.

    Raises:
        DeviceError: it is of another schema, or nothing could be run.
        ValueError, KeyError, TypeError: it is not what the app writes.
    """
    if told["schema"] != SCHEMA:
        raise DeviceError(f"the app's report is of schema {told['schema']}, this version reads {SCHEMA}")
    first = told["rows"][0]["model"] if told["rows"] else ""
    references: dict[tuple[str, int], Row] = {}
    rows, left_out = [], []
    for each in told["rows"]:
        if "failure" in each:
            place = f"{ACCELERATORS[each['accelerator']]} x{each['threads']}"
            left_out.append(f"{each['model']} on {place}: {each['failure']}")
            continue
        row = _row(each)
        if each["model"] == first:
            references.setdefault((row.accelerator, row.threads), row)
        reference = references.get((row.accelerator, row.threads), row)
        if reference is not row:  # they were measured one after the other, not in rounds
            row = replace(row, relative=ratio(row.rounds, reference.rounds, paired=False))
        rows.append(row)
    if not rows:
        raise DeviceError(f"the app could run no model on anything ({'; '.join(left_out) or 'it holds none'})")
    return rows, left_out


def _row(told: dict[str, Any]) -> Row:
    times = [float(ms) for ms in told["times_ms"]]
    rounds = tuple(tuple(times[at : at + ROUND_RUNS]) for at in range(0, len(times) - ROUND_RUNS + 1, ROUND_RUNS))
    size = (int(told["height"]), int(told["width"]))
    golden = None if told["psnr"] is None else {"psnr": told["psnr"], "ssim": None, "passed": told["golden_passed"]}
    delegated, nodes = ((None if told[key] is None else int(told[key])) for key in ("delegated", "nodes"))
    return Row(
        model=f"{told['model']} {size[1]}x{size[0]}",
        path="",
        bytes=int(told["bytes"]),
        sha256=told["sha256"],
        size=size,
        recipe=told["recipe"],
        fidelity=golden,
        accelerator=ACCELERATORS[told["accelerator"]],
        threads=int(told["threads"]),
        loaded=Loaded((told["load_ms"],), (told["first_ms"],), None, delegated, nodes, None, ""),
        latency=latency(rounds),
        relative=None,
        macs={},
        peak_share=None,
        profile={},
        emulated=None,
        rounds=rounds,
        seconds=(),
        states=({THERMAL_STATUS: float(told["thermal_status"])},),
    )
