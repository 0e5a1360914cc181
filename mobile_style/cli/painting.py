"""Commands that paint: stylize, bulk, models."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UnpaintedError
from ..network.catalog import DEFAULT, list_models, with_mix
from . import tables
from .options import Json, Mix, StrokeWidth, Verbose, check_new
from .pipes import piped
from .terminal import progress_bars, show


def stylize(
    inputs: Annotated[
        list[Path], typer.Argument(help="Photos, videos and folders; - is standard input.", show_default=False)
    ],
    model: Annotated[str, typer.Option(help="A bundled model, a run's folder, or a checkpoint.")] = DEFAULT,
    mix: Mix = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="File, or folder for several; NAME/ is always a folder, - standard output.",
            metavar="PATH",
            show_default="INPUT-MODEL beside the input",
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Shorter side of the result, in pixels.", show_default="the input's own")
    ] = None,
    strength: Annotated[float, typer.Option(help="0 gives the photo, 1 the full style.")] = 1.0,
    preserve_color: Annotated[bool, typer.Option("--preserve-color", help="Keep the photo's colors.")] = False,
    stroke_width: StrokeWidth = None,
    precision: Annotated[
        str | None,
        typer.Option(help="float or int8.", show_default="float; for videos, int8 if faster and close enough"),
    ] = None,
    metadata: Annotated[
        bool, typer.Option("--metadata/--no-metadata", help="Keep date, place, EXIF data and titles.")
    ] = True,
) -> None:
    """Paint photos and videos with a trained network.

    Results that are already in an output folder are skipped, so the same command continues after a stop.

    Examples:

    - `mobile-style stylize photo.jpg --model starry_night --out painted.png`
    - `mobile-style stylize photos --out painted/`
    - `mobile-style stylize photo.jpg --model runs/many --mix starry_night=0.7,udnie=0.3`
    """
    from ..painting.files import Look, stylize_files

    chosen = with_mix(model, mix or "")
    with piped(inputs, out) as (files, place, naming):
        try:
            with progress_bars() as bars:
                look = Look(
                    strength=strength, preserve_color=preserve_color, precision=precision, stroke_width=stroke_width
                )
                done = stylize_files(files, chosen, place, size, metadata, naming(bars), **look)
        except UnpaintedError as error:
            show(*error.written)
            raise
        if place == out:
            show(*done)


def bulk(
    source: Annotated[
        str, typer.Argument(help="Folder, or URI such as s3://bucket/photos (extra: cloud).", show_default=False)
    ],
    target: Annotated[
        str, typer.Argument(help="Folder or URI for the results and their manifest.", show_default=False)
    ],
    model: Annotated[str, typer.Option(help="A bundled model, a run's folder, or a checkpoint.")] = DEFAULT,
    mix: Mix = None,
    size: Annotated[
        int | None, typer.Option(help="Shorter side of the results, in pixels.", show_default="the sources' own")
    ] = None,
    strength: Annotated[float, typer.Option(help="0 gives the photo, 1 the full style.")] = 1.0,
    preserve_color: Annotated[bool, typer.Option("--preserve-color", help="Keep the photos' colors.")] = False,
    stroke_width: StrokeWidth = None,
    precision: Annotated[str, typer.Option(help="float or int8.")] = "float",
    metadata: Annotated[
        bool, typer.Option("--metadata/--no-metadata", help="Keep date, place, EXIF data and titles.")
    ] = True,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of processes that paint.", show_default="one for each core")
    ] = None,
    shard: Annotated[str, typer.Option(help="Paint part I of N, such as 3/16; start one command per part.")] = "1/1",
    ray: Annotated[
        str | None,
        typer.Option(
            help="Paint on a Ray cluster: its address, auto, or local for one on this machine (extra: ray).",
            show_default="none",
        ),
    ] = None,
) -> None:
    """Paint all photos and videos of a folder or object store into another, on every core or on a cluster.

    Run the same command again to continue after a stop, and to paint what is new, has changed or failed. A manifest
    in TARGET/.mobile-style-bulk records how each result was made, and why others failed.

    Examples:

    - `mobile-style bulk photos painted --model udnie`
    - `mobile-style bulk /data/photos /data/painted --shard 3/16`
    - `mobile-style bulk s3://bucket/photos s3://bucket/painted --ray auto`
    """
    from ..bulk.plan import parse_shard
    from ..bulk.run import Crew
    from ..bulk.run import bulk as run
    from ..bulk.worker import Rendering

    crew = Crew(workers, ray, parse_shard(shard))
    rendering = Rendering(size, strength, preserve_color, precision, metadata, stroke_width)
    with progress_bars() as progress:
        done = run(source, target, with_mix(model, mix or ""), rendering, crew, progress)
    show(f"{done.painted} painted, {done.before} unchanged: {target}")


def models(
    sheet: Annotated[
        Path | None, typer.Option(help="New picture of what each model makes of a few photos.", show_default="none")
    ] = None,
    json: Json = None,
    verbose: Verbose = False,
) -> None:
    """List the bundled models and those trained here (under ./runs).

    Examples:

    - `mobile-style models`
    - `mobile-style models --sheet styles.png`
    """
    check_new(sheet=sheet, json=json)
    tables.models(list_models(), json, verbose)
    if sheet is not None:
        from ..media.images import save
        from ..painting.sheet import model_sheet

        with progress_bars() as progress:
            save(model_sheet(list_models(), progress), sheet)
        show(sheet)
