"""Commands that train and measure a network: dataset, proof, train, evaluate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from ..errors import UsageError
from ..network.architecture import PRESETS
from ..network.backend import loading
from ..network.card import STATE, read_card
from ..network.catalog import DEFAULT, RUNS, START, new_run, newest_run, with_mix
from ..progress import Note, Progress
from ..training.config import TrainConfig, configure
from ..training.objective import OBJECTIVES, Objective
from ..training.team import assemble
from . import tables
from .options import Json, Limit, Mix, Photos, TrainedModel, Verbose, check_new, given, parse_numbers
from .terminal import progress_bars, say, show

LAYOUT = ("devices", "coordinator", "processes", "process")  # of a training, which may go on with another one
StyleCrop = Annotated[
    str,
    typer.Option(
        help="Part of the style image, LEFT,TOP,WIDTH,HEIGHT in pixels or percent: 86,0,938,640 or 8%,0,92%,100%.",
        show_default="all of it",
    ),
]


def dataset(
    photos: Annotated[list[Path], typer.Argument(help="Photos and folders of photos.", show_default=False)],
    out: Annotated[Path, typer.Option(help="New folder for the shards.", show_default=False)],
    size: Annotated[int, typer.Option(help="Shorter side of the stored photos, in pixels.")] = 288,
    seed: Annotated[int, typer.Option(help="Determines the order of the photos.")] = 0,
) -> None:
    """Pack folders of photos into TFRecord shards for training.

    Example: `mobile-style dataset ~/Pictures --out shards`
    """
    from ..training.dataset import build, note_unreadable

    if not 32 <= size <= 4096:
        raise UsageError(f"`size` must be from 32 to 4096, not {size}")
    if seed < 0:
        raise UsageError(f"`seed` must not be negative, not {seed}")
    with progress_bars() as progress:
        manifest = build(photos, out, size, seed, progress)
        note_unreadable(manifest, progress)
    megabytes = sum(shard.bytes for shard in manifest.shards) / 1e6
    count = len(manifest.shards)
    show(f"{manifest.photos} photos, {count} shard{'s' * (count != 1)}, {megabytes:.1f} MB in {out}")


def _layers(text: str) -> tuple[str, ...]:
    return tuple(layer.strip().removeprefix("relu") for layer in text.split(","))


def train(
    ctx: typer.Context,
    style: Annotated[
        list[str],
        typer.Option(
            help="Style image, or the name of a bundled one. Several, a folder or a JSON list train one network."
        ),
    ] = [DEFAULT],  # noqa: B006 (typer copies it)
    content: Annotated[
        Path | None, typer.Option(help="Folder of photos or shards.", show_default="the bundled photos")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help=f"Size of the network: {', '.join(PRESETS)}.", show_default="small, or that of --init"),
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps.")] = TrainConfig.steps,
    minutes: Annotated[
        float | None, typer.Option(help="Train for this long, instead of for --steps.", show_default="by steps")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New folder for the run.", show_default=f"{RUNS}/STYLE-PRESET-N")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue the run in --out (by default the newest under runs)."),
    ] = False,
    init: Annotated[
        str | None,
        typer.Option(
            help="Start from this model's weights; none starts from random ones.",
            show_default=f"{START} for preset small, else none",
        ),
    ] = None,
    only_style: Annotated[
        bool,
        typer.Option("--only-style", help="Keep the kernels of --init; train only the scales and offsets of --style."),
    ] = False,
    image_size: Annotated[
        int, typer.Option(help="Side of the training crops, in pixels; the rough phase uses two thirds.")
    ] = TrainConfig.image_size,
    style_size: Annotated[
        int, typer.Option(help="Shorter side of the style image: smaller gives finer strokes.")
    ] = TrainConfig.style_size,
    style_crop: StyleCrop = TrainConfig.style_crop,
    batch_size: Annotated[int, typer.Option(help="Crops per step.")] = TrainConfig.batch_size,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Peak learning rate.", show_default="0.003, less for more than 4000 steps"),
    ] = None,
    qat_weight: Annotated[
        float,
        typer.Option(help="Weight of quantization-aware training: larger makes the int8 export more faithful."),
    ] = TrainConfig.qat_weight,
    temporal_weight: Annotated[
        float, typer.Option(help="Weight of temporal consistency: larger makes videos flicker less; 250 is strong.")
    ] = TrainConfig.temporal_weight,
    checkerboard_weight: Annotated[
        float, typer.Option(help="Weight of the checkerboard loss: larger removes more of the grid.")
    ] = TrainConfig.checkerboard_weight,
    palette_weight: Annotated[
        float, typer.Option(help="Weight of the palette loss: larger brings the colors nearer to the painting's.")
    ] = TrainConfig.palette_weight,
    brightness_weight: Annotated[
        float, typer.Option(help="Weight of the brightness loss: larger keeps light and dark where the photo has them.")
    ] = TrainConfig.brightness_weight,
    loss_precision: Annotated[
        str, typer.Option(help="Precision of the loss network: float32, bfloat16, or auto for the faster one.")
    ] = TrainConfig.loss_precision,
    seed: Annotated[
        int, typer.Option(help="Determines the first weights, the order of the photos and the crops.")
    ] = TrainConfig.seed,
    objective: Annotated[
        str, typer.Option(help=f"Layers and weights of the losses: {', '.join(OBJECTIVES)}.")
    ] = "painterly",
    content_weight: Annotated[
        float | None,
        typer.Option(help="Weight of the content loss: larger keeps more of the photo.", show_default="--objective's"),
    ] = None,
    style_weight: Annotated[
        float | None,
        typer.Option(help="Weight of the style loss: larger takes more of the painting.", show_default="--objective's"),
    ] = None,
    tv_weight: Annotated[
        float | None,
        typer.Option(help="Weight of total variation: larger removes noisy pixels.", show_default="--objective's"),
    ] = None,
    content_layers: Annotated[
        str | None, typer.Option(help="Layers of the content loss, such as relu3_3.", show_default="--objective's")
    ] = None,
    style_layers: Annotated[
        str | None,
        typer.Option(help="Layers of the style loss, such as relu1_2,relu2_2.", show_default="--objective's"),
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Channels of the layers at full size.", show_default="--preset's")
    ] = None,
    blocks: Annotated[int | None, typer.Option(help="Number of residual blocks.", show_default="--preset's")] = None,
    end_kernel: Annotated[
        int | None, typer.Option(help="Side of the first and last kernel.", show_default="--preset's")
    ] = None,
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = TrainConfig.checkpoint_every,
    preview_every: Annotated[int, typer.Option(help="Steps between previews.")] = TrainConfig.preview_every,
    devices: Annotated[
        str, typer.Option(help="one, or all of this machine's; each takes a part of --batch-size.")
    ] = "one",
    coordinator: Annotated[
        str,
        typer.Option(
            help="HOST:PORT of process 0, to train with several; auto asks SLURM and the like.", show_default="none"
        ),
    ] = "",
    processes: Annotated[int, typer.Option(help="Number of processes that train together.", show_default="none")] = 0,
    process: Annotated[int, typer.Option(help="Number of this process, from 0.", show_default="0")] = 0,
) -> None:
    """Train a network that paints photos in one style.

    Examples:

    - `mobile-style train` (the bundled painting and photos)
    - `mobile-style train --style painting.jpg --content photos/`
    - `mobile-style train --resume`
    """
    chosen = {name: ctx.params[name] for name in given(ctx)}
    if resume:
        config = None
        if clash := sorted(set(chosen) - {"resume", "out", *LAYOUT}):
            raise UsageError(f"`resume` keeps all settings, so `{clash[0]}` cannot be changed; use `init` for that")
        out = out or _newest_run()
        say(f"continuing {out}")
        _say_if_ended(out)
    else:
        for layers in ("content_layers", "style_layers"):
            if layers in chosen:
                chosen[layers] = _layers(chosen[layers])
        named = {"style", "content", "preset", "objective", "init", "out", "resume", *LAYOUT}
        overrides = {name: value for name, value in chosen.items() if name not in named}
        config = configure(style, content, preset, objective, init, **overrides)
        out = out or new_run(f"{'many' if config.styles else Path(config.style).stem}-{config.preset}")
        length = f"{config.steps} steps"
        if config.minutes:
            length = f"{config.minutes:g} minute{'s' * (config.minutes != 1)}"
        say(
            f"style {config.style}, photos {config.content or 'bundled'}, preset {config.preset}, {length}, "
            f"starting from {config.init or 'random weights'}, into {out}"
        )
    team = assemble(devices, coordinator, processes, process)
    try:
        with progress_bars() as progress:
            with _keras(progress):
                from ..training.train import resume as go_on
                from ..training.train import train as start

            model = go_on(out, progress, team) if config is None else start(config, out, progress, team=team)
    except KeyboardInterrupt:
        if (out / STATE).is_file():
            say(f"stopped; continue with: mobile-style train --resume --out {quote(str(out))}")
        else:
            say(f"stopped before training began{f'; to start again, remove {out}' if out.exists() else ''}")
        raise typer.Exit(130) from None
    if team.writes:
        names = [each.name for each in (TrainConfig.from_card(read_card(model)) if config is None else config).styles]
        mix = f" --mix {quote(names[-1])}" if names else ""  # of a network with a new style that one
        command = f"mobile-style stylize PHOTO --model {quote(str(out))}{mix}"
        show(model, f"preview: {out / 'preview.png'}", f"try it: {command}")


@contextmanager
def _keras(progress: Progress) -> Iterator[None]:
    """Imports in the body that load Keras, which takes a while."""
    progress(Note("loading Keras"))
    with loading():
        yield


def _newest_run() -> Path:
    run = newest_run(STATE)
    if run is None:
        raise UsageError(f"`resume` found no run under {RUNS}; name one with `out`")
    return run


def _say_if_ended(run: Path) -> None:
    """Of a training that has ended, how to train it further."""
    state = run / STATE
    if state.is_file():
        card = read_card(state)
        config = TrainConfig.from_card(card)
        if card["seconds"] >= 60 * config.minutes if config.minutes else card["step"] >= config.steps:
            again = "" if config.only_style else f"; to train it further: {further(config, run)}"
            say(f"{run} has ended{again}")


def further(config: TrainConfig, out: Path) -> str:
    """The command that trains the run in `out` further with the same losses: what is not the default is named."""

    def kind(objective: Objective) -> tuple[Any, ...]:
        return objective.content_layers, objective.style_layers, objective.reduction

    named = next((name for name, each in OBJECTIVES.items() if kind(each) == kind(config.objective)), "painterly")
    usual = {"content": "", "objective": "painterly"} | asdict(OBJECTIVES[named])
    chosen: dict[str, Any] = {"content": config.content, "objective": named}
    weights = [f"{name}_weight" for name in ("qat", "temporal", "checkerboard", "palette", "brightness")]
    for name in ("style_size", "image_size", *weights):
        usual[name], chosen[name] = getattr(TrainConfig, name), getattr(config, name)
    for name in ("content_layers", "style_layers", "content_weight", "style_weight", "tv_weight"):
        chosen[name] = getattr(config.objective, name)
    if config.temporal_weight:
        usual["style_weight"] = None  # or it would be raised once more
    kept = [out / "styles" / f"{entry.name}.png" for entry in config.styles] or [out / "style.png"]
    command = f"mobile-style train --init {quote(str(out))}" + "".join(f" --style {quote(str(path))}" for path in kept)
    for name, value in chosen.items():
        if value != usual[name]:
            text = ",".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else value
            command += f" --{name.replace('_', '-')} {text}"
    return command


def add_styles(
    model: TrainedModel,
    styles: Annotated[list[Path], typer.Argument(help="Style files, such as styles/NAME.style in a run's folder.")],
    out: Annotated[Path, typer.Option(help="New folder for the network with the added styles.", show_default=False)],
) -> None:
    """Put styles that were trained with --only-style into the network that they were trained on.

    Example: `mobile-style add-styles runs/many runs/cafe/styles/cafe.style --out runs/more`
    """
    from ..training.style_files import add_styles as run

    show(run(model, styles, out))


def evaluate(
    model: TrainedModel = DEFAULT,
    mix: Mix = None,
    style: Annotated[str | None, typer.Option(help="Style image.", show_default="the one it was trained on")] = None,
    images: Photos = None,
    size: Annotated[int, typer.Option(help="Side of the square that is compared, in pixels.")] = 256,
    optimize: Annotated[
        str,
        typer.Option(help="Iterations of the optimization-based method to compare with, such as 50,100,300."),
    ] = "",
    start: Annotated[
        str, typer.Option(help="Where the optimization-based method starts: noise, as in the paper, or photo.")
    ] = "noise",
    limit: Limit = None,
    out: Annotated[
        Path | None, typer.Option(help="New folder for evaluation.json and grid.png.", show_default="none")
    ] = None,
    json: Json = None,
    verbose: Verbose = False,
) -> None:
    """Compare a network with the optimization-based method, by the losses it was trained on.

    Example: `mobile-style evaluate starry_night --optimize 50,100 --limit 2 --out evaluation`
    """
    iterations = parse_numbers(optimize, "optimize", "50,100,300") if optimize else ()
    check_new(out=out, json=json)
    from ..evaluation.evaluate import evaluate as run
    from ..evaluation.evaluate import write

    with progress_bars() as progress:
        if iterations:
            with _keras(progress):
                from ..evaluation import pixel_optimization as _  # noqa: F401
        result = run(with_mix(model, mix or ""), style, images, size, iterations, start, limit, progress)
    tables.evaluation(result, size, json, verbose)
    if out is not None:
        write(result, out)
        show(out / "evaluation.json", out / "grid.png")
    if result.stopped:
        raise KeyboardInterrupt


def proof(
    style: Annotated[str, typer.Option(help="Style image, or the name of a bundled one.")] = DEFAULT,
    photo: Annotated[Path | None, typer.Option(help="Photo that is painted.", show_default="a bundled one")] = None,
    out: Annotated[Path, typer.Option(help="New picture of all cells.")] = Path("proof.png"),
    json: Annotated[
        Path | None,
        typer.Option(help="New file for the settings and commands.", show_default="--out's name with .json"),
    ] = None,
    style_crop: StyleCrop = "",
    minutes: Annotated[float, typer.Option(help="Time that it may take.")] = 3.0,
) -> None:
    """Show what a training would give with several style sizes, a palette weight and a crop of the painting.

    Each cell of the picture is a short training. The command that trains a cell's style for ten minutes is printed.

    Example: `mobile-style proof --style painting.jpg --photo photo.jpg`
    """
    json = json or out.with_suffix(".json")
    check_new(out=out, json=json)
    from ..media.images import format_of

    format_of(out)
    try:
        with progress_bars() as progress:
            with _keras(progress):
                from ..proofs.proof import proof as run
                from ..proofs.proof import write

            found = run(style, photo, style_crop, minutes, progress)
        write(found, out, json)
    except KeyboardInterrupt:
        say("stopped; nothing was written")
        raise typer.Exit(130) from None
    tables.proof(found)
    show(out, json)
