"""Makes models/NAME/ from a finished run of many styles: the network, what tells its styles, its card and samples.

    python tools/bundle_many.py NAME --run RUN --data "..." --artists artists.json

The network is not exported: the package has files of its styles by networks of their own. models/NAME/about.json keeps
what was typed. Writes docs/styles.md for all models. artists.json has artist, painting and year of each style without a
network of its own in models/.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from bundle import MODEL, replacing, styles_page  # tools/bundle.py

from mobile_style.evaluation.style_grams import losses_of, save_grams
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.write import write
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.network.catalog import ModelInfo, with_mix
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.painting.sheet import model_sheet
from mobile_style.training.config import TrainConfig
from mobile_style.validation.checked_export import PHOTOS
from mobile_style.validation.validate import Validation, validate
from pictures import ROOT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--run", type=Path, required=True, help="a finished run of many styles")
    parser.add_argument("--data", required=True, help="what it was trained on, for the card")
    parser.add_argument("--artists", type=Path, required=True, help="JSON: artist, painting and year, by style")
    arguments = parser.parse_args()
    artists = json.loads(arguments.artists.read_text())
    for about in ROOT.glob("models/*/about.json"):
        if artist := json.loads(about.read_text()).get("artist"):
            artists[about.parent.name] = artist
    out = ROOT / "models" / arguments.name
    with replacing(out):
        _bundle(arguments.run, out, arguments.data, artists)
    styles_page()


def _bundle(run: Path, out: Path, data: str, artists: dict[str, str]) -> None:
    trained = Checkpoint.read(run / MODEL)
    config = TrainConfig.from_card(trained.card)
    public = replace(config.without_paths(), content="", init="")
    Checkpoint(trained.card | {"config": asdict(public)}, trained.weights, {}).write(out / MODEL)
    (out / "styles").mkdir()
    for entry in config.styles:
        _, card = load_network(with_mix(run / MODEL, entry.name))
        save_grams(losses_of(run / MODEL, TrainConfig.from_card(card)), out / "styles" / f"{entry.name}.npz")
    info = ModelInfo(out.name, out / MODEL, "bundled", Checkpoint.read(out / MODEL).card)
    (out / "samples.jpg").write_bytes(images.encode(model_sheet([info]), "JPEG", quality=85))
    with TemporaryDirectory() as folder:
        (written,) = write(out.name, find_recipe("tflite", "int8"), out=Path(folder) / "int8.tflite")
        size, measured = written.path.stat().st_size, validate(written.path, limit=PHOTOS)
    about = {"data": data, "artists": {entry.name: artists[entry.name] for entry in config.styles}}
    (out / "about.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    (out / "README.md").write_text(_card(info, config, about["artists"], data, size, measured))


def _card(
    info: ModelInfo, config: TrainConfig, artists: dict[str, str], data: str, size: int, measured: Validation
) -> str:
    rows = []
    for entry in config.styles:
        own = mean(row.psnr for row in measured.rows if row.photo.endswith(f", {entry.name}"))
        painting = f"`{entry.name}` | {artists[entry.name]} | {entry.size or config.style_size}"
        rows.append(f"| {painting} | {entry.weight:g} | {own:.1f} |")
    listed = "\n".join(rows)
    failed = "".join(f"\n- {failure}" for failure in measured.failures)
    verdict = f" These limits of the gate are not kept:\n{failed}" if failed else " It passes the gate."
    return f"""# {len(config.styles)} styles in one network

The styles share all kernels, and can be mixed.

![Photos and what the model makes of them](samples.jpg)

    mobile-style stylize photo.jpg --model {info.name} --mix {config.styles[0].name}=0.6,{config.styles[1].name}=0.4

[How it works](../../docs/many_styles.md)

| style | after | size of the painting, pixels | style weight, times | int8 against float, dB ({PHOTOS} photos) |
|---|---|---|---|---|
{listed}

All paintings are in the public domain. In int8, one file of {size / 1000:.0f} kB has all styles: mean PSNR \
{measured.mean.psnr:.1f} dB, worst {measured.rows[0].psnr:.1f} dB, over all styles and each mixed with the next \
one.{verdict}

| | |
|---|---|
| trained on | {data} |
| trained for | {info.card["step"]} steps, {info.card["seconds"] / 60:.0f} minutes, {info.card["date"][:10]} |
| losses | content + {config.objective.style_weight:g} x style; palette weight {config.palette_weight:g}, \
temporal weight {config.temporal_weight:g} |
| license of the weights | Apache-2.0 |
"""


if __name__ == "__main__":
    main()
