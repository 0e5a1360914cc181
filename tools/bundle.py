"""Makes models/NAME/ from a finished run: the network, its exports, its card (README.md) and sample pictures.

    python tools/bundle.py NAME --run RUN --title "..." --artist "..." --data "..." --scan "..." [--photos 2]
    python tools/bundle.py NAME [NAME ...]     # makes everything but the network again

The samples are bundled photos, which may be published. The evaluation compares with 50, 100 and 300 iterations of the
optimization-based method on the first `--photos` held-out photos (without it, the comparison of before is kept, if the
network is). models/NAME/about.json keeps what was typed. Writes docs/styles.md for all models.
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mobile_style.evaluation.evaluate import Evaluation, Row, evaluate
from mobile_style.evaluation.style_grams import GRAMS, losses_of, save_grams
from mobile_style.exporting.recipes import find_recipe
from mobile_style.inference import calibration_file
from mobile_style.inference.int8_calibration import calibration_photos
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.media.labels import Labeled, sheet
from mobile_style.network.architecture import Architecture
from mobile_style.network.card import MODEL, read_card, styles_of
from mobile_style.network.catalog import bundled_photos, list_models
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.painting.sheet import model_sheet
from mobile_style.painting.stylize import stylize_image
from mobile_style.training.config import TrainConfig
from mobile_style.validation.checked_export import Export, export
from pictures import ROOT, record  # tools/pictures.py

ABOUT = ("title", "artist", "data", "scan")  # what the card says of the style
CURVES = """## Losses in training

![Loss curves](losses.png)

"""
ITERATIONS = (50, 100, 300)
EXPORTS = {  # file: target, recipe
    "int8.tflite": ("tflite", "int8"),
    "float16.tflite": ("tflite", "float16"),
    "coreml.mlpackage": ("coreml", "float16"),
}
SAMPLES = (
    "held_out/astronaut_portrait", "train/mill_worker", "held_out/singapore_skyline_dusk", "held_out/roman_colosseum",
    "held_out/snowy_mountain_lake", "held_out/forest_stream", "held_out/river_otters", "train/tabby_cat",
    "held_out/espresso_cup", "train/fig_in_red_bowl", "held_out/dandelion_meadow", "train/spice_market",
    "train/beacon_street_sunset",
)  # fmt: skip
WORDS = ("The quick brown fox", "jumps over the lazy dog", "0123456789")  # set larger, then smaller


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="+", help="styles; with --run, one")
    parser.add_argument("--run", type=Path, help="a finished run; without it, all but the network is made again")
    parser.add_argument("--photos", type=int, default=0, help="photos for the optimization-based method")
    for text in ABOUT:
        parser.add_argument(f"--{text}", help="kept from before if not given")
    arguments = parser.parse_args()
    if arguments.run is not None and len(arguments.name) > 1:
        parser.error("a run makes one style")
    for name in arguments.name:
        out = ROOT / "models" / name
        if arguments.run is None and not (out / MODEL).is_file():
            parser.error(f"there is no bundled {name}; name a run to make it from")
        if arguments.run is not None and arguments.run.resolve() == out:
            parser.error("RUN is the bundled style itself")
        given = {key: value for key in ABOUT if (value := getattr(arguments, key)) is not None}
        with replacing(out) as before:
            _bundle(arguments.run, name, out, before, given, arguments.photos)
    styles_page()


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Moves what is at `out` aside, for the body to make it again; puts it back if that fails."""
    before = out.with_suffix(".before")
    if out.exists():
        out.rename(before)
    try:
        yield before
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        if before.exists():
            before.rename(out)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _bundle(run: Path | None, name: str, out: Path, before: Path, given: dict[str, str], photos: int) -> None:
    about = json.loads((before / "about.json").read_text()) if (before / "about.json").is_file() else {}
    about |= given
    if missing := [key for key in ABOUT if key not in about]:
        raise SystemExit(f"{name} needs --{missing[0]}")
    source = run if run is not None else before
    trained = Checkpoint.read(source / MODEL)
    config = TrainConfig.from_card(trained.card)
    public = replace(config.without_paths(), style=name, content="")
    Checkpoint(trained.card | {"config": asdict(public)}, trained.weights, {}).write(out / MODEL)
    if run is None:
        for kept in (GRAMS, "losses.png"):
            if (before / kept).is_file():
                shutil.copyfile(before / kept, out / kept)
    else:
        if config.style != name:  # the painting is not the bundled one
            save_grams(losses_of(run / MODEL, config), out / GRAMS)
        if (run / "log.jsonl").is_file():
            _loss_curves(run / "log.jsonl", out / "losses.png")
    calibration_file.keep(out, calibration_photos(None, calibration_file.CHOSEN_AT))
    exports = [export(name, find_recipe(*kind), out=out / file)[0] for file, kind in EXPORTS.items()]
    failed = [f"{each.path}: {failure}" for each in exports for failure in each.validation.failures]
    if failed:
        raise SystemExit("\n".join(failed))
    _samples(out)
    plain = evaluate(str(out))
    if photos:
        compared = evaluate(str(out), iterations=ITERATIONS, limit=photos)
        about["compared"] = {"photos": photos, "rows": [asdict(row) for row in compared.rows]}
    elif run is not None:
        about.pop("compared", None)  # of another network
    (out / "about.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    (out / "README.md").write_text(_card(out, about, plain, exports))


def _samples(out: Path) -> None:
    network, _ = load_network(out / MODEL)
    photos = [images.center_square(images.load(bundled_photos("") / f"{name}.jpg"), 256) for name in SAMPLES]
    photos.append(_written())
    painted = [stylize_image(network, photo) for photo in photos]
    half = len(photos) // 2
    above, below = (
        [Labeled(each, (words,)) for each in row] for row, words in ((photos, "photo"), (painted, out.name))
    )
    made = sheet([above[:half], below[:half], above[half:], below[half:]])
    (out / "samples.jpg").write_bytes(images.encode(made, "JPEG", quality=88))
    thumbnail = images.center_square(painted[SAMPLES.index("held_out/snowy_mountain_lake")], 128)
    (out / "thumbnail.jpg").write_bytes(images.encode(thumbnail, "JPEG", quality=88))


def _written() -> np.ndarray:
    """A page of text, (256, 256, 3)."""
    page = Image.new("RGB", (256, 256), "#f4efe2")
    top = 14
    for size in (20, 15, 11):
        for line in WORDS:
            ImageDraw.Draw(page).text((14, top), line, "#1d1d1d", ImageFont.load_default(size))
            top += round(1.35 * size)
        top += 10
    return np.asarray(page)


def styles_page() -> None:
    """docs/styles.md and docs/styles.jpg: every bundled style's samples and figures."""
    single = [info for info in list_models() if info.origin == "bundled" and not styles_of(info.card)]
    shown = images.encode(model_sheet(single), "JPEG", quality=82)
    (ROOT / "docs" / "styles.jpg").write_bytes(shown)
    record("styles.jpg")
    lines = [
        "# The bundled styles",
        "",
        "Bundled photos and a page of text, and what each model makes of them at 256 x 256. Nine of the fourteen pictures were",
        "never trained on; the mill worker, the cat, the figs, the market and the street were. `tools/bundle.py` writes this",
        "page.",
    ]
    for page in sorted((ROOT / "models").glob("*/README.md")):
        folder, card = page.parent, page.read_text()
        lines += ["", f"## {card.splitlines()[0].removeprefix('# ')}", "", card.splitlines()[2], ""]
        lines += [f"![{folder.name}](../models/{folder.name}/samples.jpg)", ""]
        mix = " --mix starry_night=0.6,udnie=0.4" if (folder / "styles").is_dir() else ""
        command = f"mobile-style stylize photo.jpg --model {folder.name}{mix}"
        lines += [f"`{command}` · [model card](../models/{folder.name}/README.md)"]
    (ROOT / "docs" / "styles.md").write_text("\n".join(lines) + "\n")


def _loss_curves(log: Path, picture: Path) -> None:
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for name in ("total", "content", "style"):
        values, smooth = [entry[name] for entry in entries], []
        for value in values:
            smooth.append(0.95 * smooth[-1] + 0.05 * value if smooth else value)
        axes.semilogy([entry["step"] for entry in entries], smooth, label=name)
    axes.set(xlabel="step", ylabel="loss (smoothed)")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(picture, dpi=110)


def _table(rows: list[Row]) -> str:
    lines = ["| method | content | style | total | seconds per photo |", "|---|---|---|---|---|"]
    for row in rows:
        seconds = "" if row.method == "photo" else f"{row.seconds:.2f}"
        lines.append(f"| {row.method} | {row.content:,.0f} | {row.style:,.0f} | {row.total:,.0f} | {seconds} |")
    return "\n".join(lines)


def _exports_table(exports: list[Export]) -> str:
    lines = ["| file | kB | PSNR, dB | worst photo | SSIM | pixels off by more than 8 |", "|---|---|---|---|---|---|"]
    for each in exports:
        size = sum(p.stat().st_size for p in [each.path, *each.path.rglob("*")] if p.is_file()) / 1000
        mean, worst = each.validation.mean, each.validation.rows[0]
        lines.append(
            f"| `{each.path.name}` | {size:.0f} | {mean.psnr:.1f} | {worst.psnr:.1f} | {mean.ssim:.4f} | {mean.off:.2%} |"
        )
    return "\n".join(lines)


def _comparison(compared: dict[str, Any]) -> str:
    return f"""
On {compared["photos"]} of the photos, compared with the optimization-based method (L-BFGS on the pixels, from white \
noise as in the paper) at several numbers of iterations. Times depend on the machine and its load:

{_table([Row(**row) for row in compared["rows"]])}
"""


def _card(out: Path, about: dict[str, Any], plain: Evaluation, exports: list[Export]) -> str:
    card = read_card(out / MODEL)
    config: dict[str, Any] = {**card["config"]}
    architecture = Architecture(**config["architecture"])
    settings = {**config.pop("architecture"), **config.pop("objective"), **config}
    listed = "\n".join(f"| {name} | {value if value != '' else 'none'} |" for name, value in settings.items())
    return f"""# {about["title"]}

After {about["artist"]}. The painting is in the public domain.

![Photos and what the model makes of them](samples.jpg)

| | |
|---|---|
| preset | {config["preset"]}: {architecture.parameters():,} parameters, {architecture.macs() / 1e9:.2f} G multiply-accumulates at 256 x 256 |
| painting | {about["scan"]} |
| trained on | {about["data"]} |
| trained for | {card["step"]} steps, {card["seconds"] / 60:.0f} minutes, {card["date"][:10]} |
| with | {", ".join(f"{name} {number}" for name, number in card["versions"].items())} |
| license of the weights | Apache-2.0 |

## Evaluation

Losses of the objective that it was trained with, on the {len(plain.photos)} bundled held-out photos at {plain.size} x {plain.size}, mean per photo. \
Lower is better:

{_table(list(plain.rows))}

The style loss is 1/{plain.rows[0].style / plain.rows[1].style:.0f} of the photos' own. Where only the camera moves, \
consecutive video frames differ by {plain.temporal_error:.1f} of 255 gray levels (temporal error; lower is better).
{_comparison(about["compared"]) if "compared" in about else ""}
## Exports

Files for pictures of 256 x 256, compared with the float network (higher PSNR and SSIM are better):

{_exports_table(exports)}

{CURVES if (out / "losses.png").is_file() else ""}## Every setting

| setting | value |
|---|---|
{listed}
"""


if __name__ == "__main__":
    main()
