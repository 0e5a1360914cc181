"""Options that several commands share, and how their texts are read."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..files import refuse_existing

TrainedModel = Annotated[str, typer.Argument(help="A bundled model, a run's folder, or a checkpoint.")]
StrokeWidth = Annotated[
    float | None,
    typer.Option(
        help="Width of the strokes: 1 to 8 times the network's own.", show_default="broader above 540 pixels, up to 3"
    ),
]
Mix = Annotated[
    str | None,
    typer.Option(
        help="Style or mix of a network of many styles: udnie, or starry_night=0.7,udnie=0.3.", show_default="none"
    ),
]
Photos = Annotated[Path | None, typer.Option(help="Folder of photos.", show_default="the bundled held-out photos")]
Limit = Annotated[int | None, typer.Option(min=1, help="Use only the first N photos.", show_default="all")]
BenchmarkBinary = Annotated[
    Path | None,
    typer.Option(help="TensorFlow Lite's benchmark_model for the phone.", show_default="the one in the cache"),
]
Runtime = Annotated[
    str, typer.Option(help="Runtime for .tflite files on the host: litert, tflite-runtime or tensorflow.")
]
Threads = Annotated[str, typer.Option(help="Comma-separated thread counts, such as 1,2,4.")]
Runs = Annotated[int, typer.Option(help="Minimum number of timed inferences per model.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show every column, however narrow the terminal is.")]
Json = Annotated[Path | None, typer.Option(help="New file for all figures.", show_default="none")]
Device = Annotated[str, typer.Option(help="host, adb, adb:SERIAL, browser, gpu or arm64-emulated.")]


def parse_size(text: str) -> tuple[int, int]:
    """(height, width) of "256" or "320x240" (width x height, as screens are described)."""
    width, _, height = text.partition("x")
    try:
        return int(height or width), int(width)
    except ValueError:
        raise UsageError(f"`size` takes 256, or 320x240 (width x height), not {text}") from None


def check_new(**places: Path | None) -> None:
    """Raises an error if a file that a parameter names for a result is there already, or named twice."""
    named = {parameter: place for parameter, place in places.items() if place is not None}
    for parameter, place in named.items():
        other = next(each for each in named if named[each] == place)
        if other != parameter:
            raise UsageError(f"`{parameter}` and `{other}` name the same file")
        refuse_existing(place, parameter)


def parse_numbers(text: str, parameter: str, example: str) -> tuple[int, ...]:
    """The integers of a comma-separated list."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"`{parameter}` takes numbers such as {example}, not {text}") from None


def given(ctx: typer.Context) -> set[str]:
    """The parameters that the command line names."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
