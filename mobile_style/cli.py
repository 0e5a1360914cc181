"""The command line: each command parses, calls one function of the package, and prints.

Heavy libraries are imported inside the commands, so that `--help` answers at once.
"""

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import cli_phone, tables
from .backend import loading
from .config import OBJECTIVES, PRESETS, TrainConfig, configure
from .errors import MobileStyleError, OutputError, UsageError
from .files import refuse_existing
from .models import DEFAULT, RUNS, START, list_models, new_run, newest_run
from .progress import console, say


class _Commands(TyperGroup):
    """Turns the package's errors into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="surrogateescape")  # names of files in any encoding
        if os.environ.get("MOBILE_STYLE_DEBUG"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except OSError as error:  # a full disk in the middle of a run, say
            self._fail(OutputError(f"{error.filename or 'a file'}: {error.strerror or error}"))
        except MobileStyleError as error:
            self._fail(error)
        except MemoryError:
            self._fail(MobileStyleError("there is not enough memory; try a smaller --size, or fewer at a time"))
        except KeyboardInterrupt:
            console.print("stopped")
            raise typer.Exit(130) from None

    @staticmethod
    def _fail(error: MobileStyleError) -> None:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(error.exit_code)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="From a painting to a real-time filter on a phone: fast neural style transfer.",
)


@app.command()
def dataset(
    photos: Annotated[list[Path], typer.Argument(help="Photos and folders of photos.", show_default=False)],
    out: Annotated[Path, typer.Option(help="New folder for the shards.", show_default=False)],
    size: Annotated[int, typer.Option(help="Shorter side of the stored photos, in pixels.")] = 288,
    seed: Annotated[int, typer.Option(help="Of the order of the photos.")] = 0,
) -> None:
    """Pack folders of photos into TFRecord shards for training.

    Example: `mobile-style dataset ~/Pictures --out shards`
    """
    from .dataset import build, report_unreadable

    if not 32 <= size <= 4096:
        raise UsageError(f"--size must be from 32 to 4096, not {size}")
    if seed < 0:
        raise UsageError(f"--seed must not be negative, not {seed}")
    manifest = build(photos, out, size, seed)
    report_unreadable(manifest)
    megabytes = sum(shard.bytes for shard in manifest.shards) / 1e6
    print(f"{manifest.photos} photos, {len(manifest.shards)} shards, {megabytes:.1f} MB in {out}")


def _layers(text: str) -> tuple[str, ...]:
    return tuple(layer.strip().removeprefix("relu") for layer in text.split(","))


@app.command()
def train(
    ctx: typer.Context,
    style: Annotated[str, typer.Option(help="Style image, or the name of a carried one.")] = DEFAULT,
    content: Annotated[
        Path | None, typer.Option(help="Folder of photos or shards.", show_default="the carried photos")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help=f"Size of the network: {', '.join(PRESETS)}.", show_default="small, or that of --init"),
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps.")] = TrainConfig.steps,
    minutes: Annotated[
        float | None, typer.Option(help="Train for so long instead of for --steps.", show_default="by steps")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New folder for the run.", show_default=f"{RUNS}/STYLE-PRESET-N")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the run in --out (by default the newest under runs), as it was."),
    ] = False,
    init: Annotated[
        str | None,
        typer.Option(
            help="Start from this model's weights, or from random ones: none.",
            show_default=f"{START}, if it is of --preset",
        ),
    ] = None,
    image_size: Annotated[
        int, typer.Option(help="Side of the training crops; two thirds of it at first.")
    ] = TrainConfig.image_size,
    style_size: Annotated[
        int, typer.Option(help="Shorter side of the style image: smaller gives finer strokes.")
    ] = TrainConfig.style_size,
    batch_size: Annotated[int, typer.Option(help="Crops per step.")] = TrainConfig.batch_size,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Muon's and Adam's, at its peak.", show_default="0.003, less for more than 4000 steps"),
    ] = None,
    rounding_weight: Annotated[
        float, typer.Option(help="Larger makes the int8 export more faithful.")
    ] = TrainConfig.rounding_weight,
    stability: Annotated[
        float, typer.Option(help="Larger makes videos flicker less; 250 is much.")
    ] = TrainConfig.stability,
    loss_precision: Annotated[
        str, typer.Option(help="Of the loss network: float32, bfloat16, or auto for the faster one here.")
    ] = TrainConfig.loss_precision,
    seed: Annotated[int, typer.Option(help="Of the weights, the photos' order and the crops.")] = TrainConfig.seed,
    objective: Annotated[
        str, typer.Option(help=f"Layers and weights of the losses: {', '.join(OBJECTIVES)}.")
    ] = "painterly",
    content_weight: Annotated[
        float | None, typer.Option(help="Larger keeps more of the photo.", show_default="--objective's")
    ] = None,
    style_weight: Annotated[
        float | None, typer.Option(help="Larger takes more of the painting.", show_default="--objective's")
    ] = None,
    tv_weight: Annotated[
        float | None, typer.Option(help="Larger removes noisy pixels.", show_default="--objective's")
    ] = None,
    content_layers: Annotated[str | None, typer.Option(help="Such as relu3_3.", show_default="--objective's")] = None,
    style_layers: Annotated[
        str | None, typer.Option(help="Such as relu1_2,relu2_2.", show_default="--objective's")
    ] = None,
    width: Annotated[int | None, typer.Option(help="Channels at full size.", show_default="--preset's")] = None,
    blocks: Annotated[int | None, typer.Option(help="Residual blocks.", show_default="--preset's")] = None,
    end_kernel: Annotated[
        int | None, typer.Option(help="Side of the first and last kernel.", show_default="--preset's")
    ] = None,
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = TrainConfig.checkpoint_every,
    preview_every: Annotated[int, typer.Option(help="Steps between previews.")] = TrainConfig.preview_every,
) -> None:
    """Train a network that paints photos in one style.

    Examples: `mobile-style train` (the carried painting and photos),
    `mobile-style train --style painting.jpg --content photos/`,
    `mobile-style train --resume`
    """
    given = {name: ctx.params[name] for name in cli_phone.given(ctx)}
    if resume:
        clash = sorted(set(given) - {"resume", "out"})
        if clash:
            flag = "--" + clash[0].replace("_", "-")
            raise UsageError(f"--resume keeps the run's settings, so {flag} cannot be changed; use --init for that")
        out = out or _newest_run()
        console.print(f"going on with {out}", markup=False, soft_wrap=True)
    else:
        for layers in ("content_layers", "style_layers"):
            if layers in given:
                given[layers] = _layers(given[layers])
        named = {"style", "content", "preset", "objective", "init", "out", "resume"}
        overrides = {name: value for name, value in given.items() if name not in named}
        config = configure(style, content, preset, objective, init, overrides)
        out = out or new_run(f"{Path(config.style).stem}-{config.preset}")
        console.print(
            f"style {config.style}, photos {config.content or 'carried with the package'}, preset {config.preset}, "
            f"{f'{config.minutes:g} minutes' if config.minutes else f'{config.steps} steps'}, "
            f"starting from {config.init or 'random weights'}, into {out}",
            markup=False,
            soft_wrap=True,
        )
    with loading():
        from . import train as training

    try:
        model = training.resume(out) if resume else training.train(config, out)
    except KeyboardInterrupt:
        if (out / training.STATE).is_file():
            text = f"stopped; go on with: mobile-style train --resume --out {out}"
        else:
            text = f"stopped before training began; start again with another --out, or remove {out}"
        console.print(text, markup=False, soft_wrap=True)
        raise typer.Exit(130) from None
    print(f"{model}\npreview: {out / 'preview.png'}\ntry it: mobile-style stylize PHOTO --model {out}")


def _newest_run() -> Path:
    run = newest_run("training.safetensors")
    if run is None:
        raise UsageError(f"--resume found no run under {RUNS}; name one with --out")
    return run


@app.command()
def stylize(
    inputs: Annotated[list[Path], typer.Argument(help="Photos, videos and folders.", show_default=False)],
    model: Annotated[str, typer.Option(help="A bundled model, a run's folder, or a checkpoint.")] = DEFAULT,
    out: Annotated[
        Path | None, typer.Option(help="File, or folder for several.", show_default="INPUT-MODEL beside the input")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Shorter side of the result.", show_default="the input's own")
    ] = None,
    strength: Annotated[float, typer.Option(help="0 is the photo, 1 the full style.")] = 1.0,
    preserve_color: Annotated[bool, typer.Option("--preserve-color", help="Keep the photo's colours.")] = False,
    metadata: Annotated[
        bool, typer.Option("--metadata/--no-metadata", help="Keep date, place, EXIF data and titles.")
    ] = True,
) -> None:
    """Paint photos and videos with a trained network.

    Example: `mobile-style stylize photo.jpg --model starry_night --out painted.png`
    """
    with loading():
        from .stylize import stylize as run

    for path in run(inputs, model, out, size, strength, preserve_color, metadata, say):
        print(path)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A bundled model, a run's folder, or a checkpoint.")] = DEFAULT,
    style: Annotated[str | None, typer.Option(help="Style image.", show_default="the one it was trained on")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of photos.", show_default="the carried held-out photos")
    ] = None,
    size: Annotated[int, typer.Option(help="Side of the square that is compared.")] = 256,
    optimise: Annotated[
        str, typer.Option(help="Iterations of the slow method to compare with, such as 50,100,300.")
    ] = "",
    start: Annotated[str, typer.Option(help="Of the slow method: noise, as in the paper, or photo.")] = "noise",
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first so many photos.", show_default="all")] = None,
    out: Annotated[
        Path | None, typer.Option(help="New folder for evaluation.json and grid.png.", show_default="none")
    ] = None,
) -> None:
    """Compare a network with the slow optimisation, by the losses it was trained on.

    Example: `mobile-style evaluate starry_night --optimise 50,100 --limit 2 --out evaluation`
    """
    try:
        iterations = tuple(int(part) for part in optimise.split(",")) if optimise else ()
    except ValueError:
        raise UsageError(f"--optimise takes numbers such as 50,100,300, not {optimise}") from None
    with loading():
        from .evaluate import evaluate as run

    result = run(model, style, images, size, iterations, start, limit, out, say)
    tables.evaluation(result, size)
    if out is not None:
        print(f"{out / 'evaluation.json'}\n{out / 'grid.png'}")


_PHONE = (cli_phone.export, cli_phone.validate, cli_phone.lint, cli_phone.benchmark, cli_phone.bundle, cli_phone.serve)
for _command in _PHONE:
    app.command()(_command)


@app.command()
def models(
    sheet: Annotated[
        Path | None, typer.Option(help="New picture: what each of them makes of a few photos.", show_default="none")
    ] = None,
) -> None:
    """List the bundled models and those trained here (under ./runs).

    Examples: `mobile-style models`, `mobile-style models --sheet styles.png`
    """
    if sheet is not None:
        refuse_existing(sheet, "--sheet")
    tables.models(list_models())
    if sheet is not None:
        with loading():
            from .images import save
            from .sheet import model_sheet
        save(model_sheet(list_models()), sheet)
        print(sheet)
