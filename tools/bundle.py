"""Makes models/NAME/ of a finished run: the network, its card (README.md), evaluation and sample pictures.

    python tools/bundle.py RUN NAME --title "..." --artist "..." --licence "..." --data "..." [--photos 3]

The samples are the package's held-out photos, which may be published. The evaluation compares with
50 and 100 iterations of the slow method on the first `--photos` of them.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from mobile_style import images
from mobile_style.card import MODEL, read_card
from mobile_style.checkpoint import Checkpoint
from mobile_style.config import Architecture
from mobile_style.evaluate import Evaluation, evaluate
from mobile_style.models import carried_photos
from mobile_style.network import load_network
from mobile_style.stylize import stylize_image

ROOT = Path(__file__).parents[1]
ITERATIONS = (50, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--photos", type=int, default=3)
    for text in ("title", "artist", "licence", "data"):
        parser.add_argument(f"--{text}", required=True)
    arguments = parser.parse_args()

    out = ROOT / "models" / arguments.name
    out.mkdir(parents=True, exist_ok=True)
    trained = Checkpoint.read(arguments.run / MODEL)
    earlier = "an earlier run" if trained.card["config"]["init"] else ""
    public = trained.card["config"] | {"content": arguments.data, "style": arguments.name, "init": earlier}  # no paths
    Checkpoint(trained.card | {"config": public}, trained.weights, {}).write(out / MODEL)
    _samples(out)
    _loss_curves(arguments.run / "log.jsonl", out / "losses.png")
    plain = evaluate(str(out), style=arguments.name)
    compared = evaluate(str(out), style=arguments.name, iterations=ITERATIONS, limit=arguments.photos)
    (out / "README.md").write_text(_card(arguments, out, plain, compared))


def _samples(out: Path) -> None:
    network, _ = load_network(out / MODEL)
    rows: list[list] = [[], []]
    for path in images.find([carried_photos("held_out")]):
        photo = images.centre_square(images.load(path), 256)
        rows[0].append(photo)
        rows[1].append(stylize_image(network, photo))
    half = len(rows[0]) // 2
    sheet = images.grid([rows[0][:half], rows[1][:half], rows[0][half:], rows[1][half:]])
    (out / "samples.jpg").write_bytes(images.encode(sheet, "JPEG", quality=88))


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


def _table(evaluation: Evaluation) -> str:
    lines = ["| method | content | style | total | seconds per photo |", "|---|---|---|---|---|"]
    for row in evaluation.rows:
        seconds = "" if row.method == "photo" else f"{row.seconds:.2f}"
        lines.append(f"| {row.method} | {row.content:,.0f} | {row.style:,.0f} | {row.total:,.0f} | {seconds} |")
    return "\n".join(lines)


def _card(arguments: argparse.Namespace, out: Path, plain: Evaluation, compared: Evaluation) -> str:
    card = read_card(out / MODEL)
    config = card["config"]
    architecture = Architecture(**config["architecture"])
    settings = {**config.pop("architecture"), **config.pop("objective"), **config}
    listed = "\n".join(f"| {name} | {value if value != '' else 'none'} |" for name, value in settings.items())
    slow = {row.method: row for row in compared.rows}
    return f"""# {arguments.title}

After {arguments.artist}. {arguments.licence}

![The model's output on photos it never saw](samples.jpg)

| | |
|---|---|
| preset | {config["preset"]}: {architecture.parameters():,} parameters, {architecture.macs() / 1e9:.2f} G multiply-accumulates at 256 x 256 |
| trained on | {arguments.data} |
| trained for | {card["step"]} steps, {card["seconds"] / 60:.0f} minutes on 2 CPU cores, {card["date"][:10]} |
| with | {", ".join(f"{name} {number}" for name, number in card["versions"].items())} |
| weights' licence | Apache-2.0 |

## Evaluation

Losses of its own objective on the package's {len(plain.photos)} held-out photos at {plain.size} x {plain.size}, mean per photo:

{_table(plain)}

The style loss falls to 1/{plain.rows[0].style / plain.rows[1].style:.0f} of the photos' own. On {len(compared.photos)} of \
them, next to the slow method (L-BFGS on the pixels, from the photo) after so many iterations:

{_table(compared)}

The network is {slow["optimise 100"].speedup:,.0f} times as fast as 100 iterations.

## Losses while training

![Loss curves](losses.png)

## Every setting

| setting | value |
|---|---|
{listed}
"""


if __name__ == "__main__":
    main()
