"""Commands between a network and a phone: export, validate, lint, bundle."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from ..errors import FidelityError, UsageError
from ..exporting.recipes import RECIPES, TARGETS, find_recipe
from ..network.catalog import DEFAULT, RUNS, newest_model, with_mix
from . import tables
from .options import BenchmarkBinary, Device, Json, Limit, Photos, Runtime, Verbose, check_new, parse_size
from .terminal import progress_bars, say, show


def export(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A bundled model, a run's folder, or a checkpoint.",
            show_default=f"the newest run under ./{RUNS}, else {DEFAULT}",
        ),
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(
            help="Style or mix of a network of many styles: udnie, or starry_night=0.7,udnie=0.3.",
            show_default="all, in one file whose second input is the mix",
        ),
    ] = None,
    target: Annotated[str, typer.Option(help=f"{' or '.join(TARGETS)}.")] = TARGETS[0],
    int8: Annotated[bool, typer.Option("--int8", help="Short for --recipe int8.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Short for --recipe float16.")] = False,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="Short for --recipe dynamic_int8.")] = False,
    recipe: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(dict.fromkeys(r.name for r in RECIPES))}, or auto: the fastest that passes the gate.",
            show_default="int8; float16 for coreml",
        ),
    ] = None,
    size: Annotated[
        list[str], typer.Option(help="Size that the app will pass: 256, or 320x240 (width x height). Repeatable.")
    ] = ["256"],  # noqa: B006 (typer copies it)
    calibration: Annotated[
        Path | None,
        typer.Option(help="Folder of photos that int8 ranges are chosen on.", show_default="the bundled photos"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File, or new folder for several.", show_default="exports/MODEL-RECIPE-SIZE/model.tflite"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Compare the file with the float network on a few photos.")
    ] = True,
    json: Json = None,
    verbose: Verbose = False,
) -> None:
    """Write a trained network as a file for phones, and check that it still paints the same picture.

    Examples:

    - `mobile-style export --int8 --target tflite`
    - `mobile-style export great_wave --fp16 --target coreml --size 256 --size 480x640`
    - `mobile-style export runs/many --mix udnie`
    """
    short = {"int8": int8, "float16": fp16, "dynamic_int8": dynamic}
    asked = [name for name, wanted in short.items() if wanted] + ([recipe] if recipe else [])
    if len(asked) > 1:
        raise UsageError(f"one recipe at a time: {' and '.join(asked)} were asked for")
    chosen = asked[0] if asked else "int8" if target == "tflite" else "float16"
    sizes = list(dict.fromkeys(map(parse_size, size)))
    check_new(json=json)
    if json is not None and not check:
        raise UsageError("`json` holds what the check measures, so it cannot go with --no-check")
    if model is None:
        model = newest_model()
        say(f"model {model}")
    model = with_mix(model, mix or "")
    from ..benchmarking.fastest import export_fastest
    from ..exporting.write import write
    from ..validation.checked_export import export as export_and_check

    if chosen == "auto":
        if target != "tflite" or len(sizes) > 1 or not check:
            raise UsageError("`recipe=auto` measures and checks here: with `target=tflite` and one `size` only")
        with progress_bars() as progress:
            frontier, fastest = export_fastest(model, sizes[0], calibration, out, progress)
        tables.frontier(frontier)
        if fastest is None:
            raise FidelityError(f"no recipe passes its gate for {model}, so none was kept; train it for longer")
        say("kept: the fastest on this machine of those that pass")
        exports = [fastest]
    elif check:
        with progress_bars() as progress:
            exports = export_and_check(model, find_recipe(target, chosen), sizes, calibration, out, progress)
    else:
        with progress_bars() as progress:
            written = write(model, find_recipe(target, chosen), sizes, calibration, out, progress)
        show(*(each.path for each in written))
        return
    show(*(made.path for made in exports))
    advice = "; the file is kept, to look at: train for longer, or try another recipe"
    tables.validations([made.validation for made in exports], json, verbose, advice)


def validate(
    exported: Annotated[Path, typer.Argument(help="A .tflite file or an .mlpackage.", show_default=False)],
    reference: Annotated[
        str | None, typer.Option(help="Float model to compare with.", show_default="the one it was exported from")
    ] = None,
    images: Photos = None,
    runtime: Runtime = "litert",
    limit: Limit = None,
    device: Device = "host",
    benchmark_binary: BenchmarkBinary = None,
    report: Annotated[
        Path | None, typer.Option(help="New folder for report.html and report.json.", show_default="none")
    ] = None,
    json: Json = None,
    verbose: Verbose = False,
) -> None:
    """Check that an exported file still paints what the float network paints.

    This runs the file itself on real photos, and exits with an error if the file does not pass its recipe's gate.

    Example: `mobile-style validate exports/starry_night-int8-256x256/model.tflite --report report`
    """
    check_new(report=report, json=json)
    from ..validation.report import write
    from ..validation.validate import validate as run

    with progress_bars() as progress:
        validation = run(exported, reference, images, limit, device, runtime, benchmark_binary, progress)
    if report is not None:
        write(validation, report)
        show(report / "report.html", report / "report.json")
    tables.validations([validation], json, verbose)


def lint(
    exported: Annotated[Path, typer.Argument(help="A .tflite file or an .mlpackage.", show_default=False)],
) -> None:
    """Name the operators in an exported file that phones refuse or compute wrongly.

    Example: `mobile-style lint exports/starry_night-int8-256x256/model.tflite`
    """
    from ..exporting.lint import lint as run

    found = run(exported)
    show(*found.findings)
    count = len(found.findings) or "nothing"
    show(f"{found.operators} operators checked against {', '.join(found.targets)}: {count} found")
    if found.findings:
        raise typer.Exit(1)


def bundle(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Bundled styles, .tflite files, or folders of them.", show_default="the bundled styles"),
    ] = None,
    android: Annotated[
        Path | None, typer.Option(help="Folder of the Android app, such as android_demo.", show_default="none")
    ] = None,
    web: Annotated[
        Path | None,
        typer.Option(help="New folder for the browser page, as files for any web host.", show_default="none"),
    ] = None,
) -> None:
    """Put exported models into the Android app, or write the browser page with them as static files.

    Examples:

    - `mobile-style bundle exports/*/model.tflite --android android_demo`
    - `mobile-style bundle starry_night the_scream --web site`
    """
    if (web is None) == (android is None):
        raise UsageError("say what the models are for: `android=android_demo` or `web=DIR`")
    if web is not None:
        from ..web.bundle import bundle_web

        check_new(web=web)
        with progress_bars() as progress:
            made = bundle_web(models or [], web, progress)
        show(made)
        say(f"try it: python -m http.server --directory {quote(str(web))}, then open http://localhost:8000")
    elif android is not None:
        from ..exporting.android_bundle import bundle_android

        with progress_bars() as progress:
            folders = bundle_android(models or [], android, progress)
        show(*folders)
        say("then make android, beside that folder, builds the app with them")
