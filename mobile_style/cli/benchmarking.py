"""Commands about speed: benchmark, compare, find-size."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DeviceError, FidelityError
from . import tables
from .options import BenchmarkBinary, Json, Runs, Runtime, Threads, Verbose, check_new, parse_numbers, parse_size
from .terminal import progress_bars

Html = Annotated[Path | None, typer.Option(help="New file for a page to share.", show_default="none")]


def benchmark(
    models: Annotated[
        list[str] | None,
        typer.Argument(help=".tflite files, or models that are exported as int8 first.", show_default=False),
    ] = None,
    device: Annotated[
        str,
        typer.Option(help="host, adb, adb:SERIAL, app (the Android demo on a phone), browser, gpu or arm64-emulated."),
    ] = "host",
    runtime: Runtime = "litert",
    threads: Threads = "1",
    runs: Runs = 100,
    sustained: Annotated[
        float | None, typer.Option(min=1, help="Keep measuring for N seconds, to show throttling.", show_default="off")
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(help="Size of models to be exported: 256, or 320x240. Repeatable.", show_default="256"),
    ] = None,
    benchmark_binary: BenchmarkBinary = None,
    json: Json = None,
    html: Html = None,
    verbose: Verbose = False,
) -> None:
    """Measure how fast models run on this machine, a phone or a browser, or compare an emulated device's output.

    Examples:

    - `mobile-style benchmark exports/*/model.tflite --html latency.html`
    - `mobile-style benchmark starry_night --device adb --sustained 120`
    - `mobile-style benchmark --device app`
    """
    check_new(json=json, html=html)
    from ..benchmarking.measure import Conditions, measure

    counts = parse_numbers(threads, "threads", "1,2,4")
    conditions = Conditions(device, runtime, benchmark_binary, counts, runs, sustained)
    with progress_bars() as progress:
        report = measure(models or [], [parse_size(text) for text in size or []], conditions, progress)
    tables.benchmark(report, [], json, html, verbose)
    _raise_if_interrupted(report)
    wrong = [row.model for row in report.rows if row.emulated and not row.emulated.kept()]
    if wrong:
        raise FidelityError(f"the output is too far from that of this machine's CPU: {', '.join(wrong)}")


def compare(
    old: Annotated[Path, typer.Argument(help="A file of `benchmark --json`.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="A later file.", show_default=False)],
    json: Json = None,
    verbose: Verbose = False,
) -> None:
    """Tell whether models became slower between two benchmarks, or only the machine did.

    Example: `mobile-style compare old.json new.json`
    """
    check_new(json=json)
    from ..benchmarking.compare import compare as run

    tables.changes(run(old, new), json, verbose)


def find_size(
    fps: Annotated[float, typer.Option(min=1, help="Frame rate to keep, in pictures per second.", show_default=False)],
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Bundled models, runs or checkpoints.", show_default="every preset, untrained"),
    ] = None,
    device: Annotated[str, typer.Option(help="host, adb, adb:SERIAL, browser or gpu.")] = "host",
    runtime: Runtime = "litert",
    threads: Threads = "1",
    runs: Runs = 100,
    size: Annotated[
        list[str] | None,
        typer.Option(help="Sizes to choose from: 256, or 320x240. Repeatable.", show_default="96 to 768"),
    ] = None,
    benchmark_binary: BenchmarkBinary = None,
    json: Json = None,
    html: Html = None,
    verbose: Verbose = False,
) -> None:
    """Find the largest picture that each model paints at a frame rate, by exporting and measuring.

    Example: `mobile-style find-size --fps 30`
    """
    check_new(json=json, html=html)
    from ..benchmarking.budget import find_size as run
    from ..benchmarking.measure import Conditions

    counts = parse_numbers(threads, "threads", "1,2,4")
    conditions = Conditions(device, runtime, benchmark_binary, counts, runs)
    with progress_bars() as progress:
        budget = run(models or [], fps, [parse_size(text) for text in size or []], conditions, progress)
    tables.benchmark(budget.report, [answer.sentence(fps) for answer in budget.answers], json, html, verbose)
    _raise_if_interrupted(budget.report)


def _raise_if_interrupted(report: Any) -> None:
    from ..benchmarking.report import STOPPED

    if report.interrupted == STOPPED:
        raise KeyboardInterrupt
    if report.interrupted:
        raise DeviceError(report.interrupted)
