"""From a trained network to a phone: export, validate, lint, bundle, serve, benchmark. cli.py has the others."""

from pathlib import Path
from typing import Annotated, Any

import typer

from . import tables
from .backend import loading
from .errors import DeviceError, FidelityError, UsageError
from .files import refuse_existing
from .models import DEFAULT, RUNS, newest_model
from .progress import console, say
from .recipes import RECIPES, TARGETS, find_recipe


def _size(text: str) -> tuple[int, int]:
    """(height, width) of "256" or "320x240" (width x height, as screens are described)."""
    width, _, height = text.partition("x")
    try:
        return int(height or width), int(width)
    except ValueError:
        raise UsageError(f"--size takes 256, or 320x240 (width x height), not {text}") from None


def export(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A bundled model, a run's folder, or a checkpoint.",
            show_default=f"the newest run under ./{RUNS}, else {DEFAULT}",
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
        list[str], typer.Option(help="Pictures that the app will pass: 256, or 320x240 (width x height). Repeatable.")
    ] = ["256"],  # noqa: B006 (typer copies it)
    calibration: Annotated[
        Path | None,
        typer.Option(help="Folder of photos to choose int8 ranges on.", show_default="the carried photos"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File, or new folder for several.", show_default="exports/MODEL-RECIPE-SIZE/model.tflite"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Compare the file with the float network on a few photos.")
    ] = True,
) -> None:
    """Write a trained network as a file for phones, and prove that it still paints the same picture.

    Examples: `mobile-style export --int8 --target tflite`,
    `mobile-style export wave --fp16 --target coreml --size 256 --size 480x640`
    """
    short = {"int8": int8, "float16": fp16, "dynamic_int8": dynamic}
    asked = [name for name, wanted in short.items() if wanted] + ([recipe] if recipe else [])
    if len(asked) > 1:
        raise UsageError(f"one recipe at a time: {' and '.join(asked)} were asked for")
    chosen = asked[0] if asked else "int8" if target == "tflite" else "float16"
    sizes = list(dict.fromkeys(map(_size, size)))
    if model is None:
        model = newest_model()
        console.print(f"model {model}", markup=False, soft_wrap=True)
    with loading():
        from . import export as exporting

    if chosen == "auto":
        if target != "tflite" or len(sizes) > 1:
            raise UsageError("--recipe auto measures on this machine: with --target tflite and one --size only")
        frontier, fastest = exporting.export_fastest(model, sizes[0], calibration, out)
        tables.frontier(frontier)
        if fastest is None:
            raise FidelityError(f"no recipe passes its gate for {model}, so none was kept; train it for longer")
        exports = [fastest]
    else:
        exports = exporting.export(model, find_recipe(target, chosen), sizes, calibration, out, check, say)
    for made in exports:
        print(made.path)
        if made.validation is not None:
            tables.validation(made.validation)
    _fail_if_a_gate_is_not_passed(
        [made.validation for made in exports],
        "; the file is kept, to look at: train for longer, or try another recipe",
    )


def _fail_if_a_gate_is_not_passed(validations: list[Any], advice: str = "") -> None:
    failures = [failure for validation in validations if validation for failure in validation.failures]
    if failures:
        raise FidelityError("the gate is not passed: " + "; ".join(map(str, failures)) + advice)


def validate(
    exported: Annotated[Path, typer.Argument(help="A .tflite file or an .mlpackage.", show_default=False)],
    reference: Annotated[
        str | None, typer.Option(help="Float model to compare with.", show_default="the one it was exported from")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of photos.", show_default="the carried held-out photos")
    ] = None,
    runtime: Annotated[
        str, typer.Option(help="For .tflite: litert, tflite-runtime, tensorflow or browser.")
    ] = "litert",
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first so many photos.", show_default="all")] = None,
    device: Annotated[str, typer.Option(help="host, adb, adb:SERIAL, browser or arm64-emulated.")] = "host",
    benchmark_binary: Annotated[
        Path | None,
        typer.Option(help="TensorFlow Lite's benchmark_model for the phone.", show_default="the one in the cache"),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="New folder for report.html and report.json.", show_default="none")
    ] = None,
) -> None:
    """Prove that an exported file still paints what the float network paints.

    It runs the file itself on real photos, and exits with an error if its recipe's gate is not passed.

    Example: `mobile-style validate exports/starry_night-int8-256x256/model.tflite --report report`
    """
    if report is not None:
        refuse_existing(report, "--report")
    with loading():
        from .report import write
        from .validate import validate as run

    validation = run(exported, reference, images, runtime, limit, device, benchmark_binary, say)
    tables.validation(validation)
    if report is not None:
        write(validation, report)
        print(f"{report / 'report.html'}\n{report / 'report.json'}")
    _fail_if_a_gate_is_not_passed([validation])
    print("passed")


def lint(
    exported: Annotated[Path, typer.Argument(help="A .tflite file or an .mlpackage.", show_default=False)],
) -> None:
    """Name the operators in an exported file that phones refuse or get wrong.

    Example: `mobile-style lint exports/starry_night-int8-256x256/model.tflite`
    """
    from .lint import lint as run

    findings = run(exported)
    for finding in findings:
        print(finding)
    if findings:
        raise typer.Exit(1)
    print("nothing found")


def bundle(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Bundled styles, .tflite files, or folders of them.", show_default="the bundled styles"),
    ] = None,
    android: Annotated[
        Path | None, typer.Option(help="Folder of the Android app, such as android_demo.", show_default="none")
    ] = None,
    web: Annotated[
        Path | None, typer.Option(help="New folder: the browser page as files for any web host.", show_default="none")
    ] = None,
) -> None:
    """Put exported models into the Android app, or write the browser page with them as static files.

    Examples: `mobile-style bundle exports/*/model.tflite --android android_demo`,
    `mobile-style bundle starry_night the_scream --web site`
    """
    if web is not None and android is None:
        from .web_bundle import bundle_web

        print(bundle_web(models or [], web))
    elif android is not None and web is None:
        with loading():
            from .android_bundle import bundle_android

        for folder in bundle_android(models or [], android):
            print(folder)
    else:
        raise UsageError("say what the models are for: --android android_demo, or --web DIR")


def given(ctx: typer.Context) -> set[str]:
    """The parameters that the command line names."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}


def benchmark(
    ctx: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(help=".tflite files, or models to export as int8 for it.", show_default=False),
    ] = None,
    device: Annotated[str, typer.Option(help="host, adb, adb:SERIAL, browser or arm64-emulated.")] = "host",
    runtime: Annotated[str, typer.Option(help="On the host: litert, tflite-runtime or tensorflow.")] = "litert",
    threads: Annotated[str, typer.Option(help="Such as 1,2,4: each model with each.")] = "1",
    runs: Annotated[int, typer.Option(help="Timed inferences of each, at least.")] = 100,
    sustained: Annotated[
        float | None, typer.Option(min=1, help="Go on for so many seconds, to show throttling.", show_default="off")
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            help="For models that are no files yet: 256, or 320x240. Repeatable.",
            show_default="256; with --fps 96 to 768",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=1, help="Name the largest size that holds this rate, of each preset.", show_default="off"),
    ] = None,
    benchmark_binary: Annotated[
        Path | None,
        typer.Option(help="TensorFlow Lite's benchmark_model for the phone.", show_default="the one in the cache"),
    ] = None,
    app: Annotated[
        bool, typer.Option("--app", help="With --device adb: what the Android demo measures of its own styles.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="New file for all figures.", show_default="none")] = None,
    html: Annotated[Path | None, typer.Option(help="New file: a page to share.", show_default="none")] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Two files of --json, the older first: what has changed?", show_default="off"),
    ] = None,
) -> None:
    """Measure how long models take here or on a phone, or count their work on an emulated one.

    Examples: `mobile-style benchmark exports/*/model.tflite --html latency.html`,
    `mobile-style benchmark starry_night --device adb --sustained 120`,
    `mobile-style benchmark --device adb --app`,
    `mobile-style benchmark --fps 30`,
    `mobile-style benchmark --compare old.json new.json`
    """
    if compare is not None:
        if models or json or html:
            raise UsageError("--compare takes two reports and no models, and only prints")
        from .compare import compare as run

        tables.changes(run(*compare))
        return
    for flag, place in {"--json": json, "--html": html}.items():
        if place is not None:
            refuse_existing(place, flag)
    models, sizes = models or [], [_size(text) for text in size or []]
    try:
        counts = [int(part) for part in threads.split(",")]
    except ValueError:
        raise UsageError(f"--threads takes numbers from 1, such as 1,2,4, not {threads}") from None
    if not models and fps is None and not app:
        raise UsageError("name .tflite files or models to measure; `mobile-style export` makes a file")
    if sizes and fps is None and all(model.endswith(".tflite") for model in models):
        raise UsageError("--size is for models that are exported for this; that of a .tflite file is fixed")
    from .benchmark_page import notes, write_json, write_page

    if app:
        kind, _, serial = device.partition(":")
        if kind != "adb":
            raise UsageError("--app goes with --device adb")
        if models or sizes or benchmark_binary or sustained or fps or given(ctx) & {"runs", "threads", "runtime"}:
            raise UsageError("--app measures the styles inside the app, in its own way: leave the others of these out")
        from .phone_app import benchmark_app

        report = benchmark_app(serial)
        answers: list[str] = []
    else:
        from .devices import measure

        report, answers = measure(device, runtime, benchmark_binary, models, sizes, counts, runs, sustained, fps)
    tables.benchmark(report)
    for line in (*notes(report), *answers):
        print(line)
    if json is not None:
        write_json(report, json)
    if html is not None:
        write_page(report, html)
    if report.interrupted:
        raise DeviceError(report.interrupted)
    wrong = [row.model for row in report.rows if row.emulated and not row.emulated.kept()]
    if wrong:
        raise FidelityError(f"on the emulated processor the output is another than here: {', '.join(wrong)}")


def serve(
    models: Annotated[
        Path | None,
        typer.Option(help="Folder of .tflite files that `export` wrote.", show_default="the bundled styles"),
    ] = None,
    port: Annotated[int, typer.Option(help="0 for any that is free.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Address of this machine to listen on; 0.0.0.0 for phones on the same network.")
    ] = "127.0.0.1",
    https: Annotated[
        bool, typer.Option("--https", help="With a certificate made here; without it a phone gives the page no camera.")
    ] = False,
) -> None:
    """Open a page that paints the camera and photos in the browser, with the exported files themselves.

    Nothing is uploaded: the models run on the visitor's own device.

    Examples: `mobile-style serve`,
    `mobile-style serve --models exports`,
    `mobile-style serve --host 0.0.0.0 --https` (shows a QR code for a phone)
    """
    from .serve import serve as run

    run(models, port, host, https)
