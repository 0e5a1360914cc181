"""Compares what a style reaches in a number of minutes: this training, a plain one, the optimization-based method.

    python benchmarks/budgets.py --style painting.jpg --content photos/ --images held_out/ --out DIR
        [--minutes 2,5,10,30,60] [--plain 60] [--optimize 50,100,300] [--limit 8]

`train --minutes N` is run for each N. The plain recipe is the usual one (pytorch/examples; the paper's is alike):
the same network from random weights, Adam with a constant learning rate of 1e-3, batches of 4 crops of 256 x 256,
float32. One run of `--plain` minutes is measured at each N, with the clock stopped meanwhile. The optimization-based
method starts from white noise. All are measured by the default objective on the same first `--limit` photos.

Each row is added to DIR/results.json at once, so a stopped benchmark continues where it was. DIR/budgets.png is the
plot. Run nothing else meanwhile: the minutes are wall-clock time.
"""

import argparse
import json
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from mobile_style.evaluation.evaluate import Evaluation, evaluate
from mobile_style.media import images
from mobile_style.network.card import MODEL, untrained_card
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.transform_net import arrays
from mobile_style.training.config import TrainConfig, configure
from mobile_style.training.dataset import Batches, Photos, build
from mobile_style.training.train import train
from mobile_style.training.trainer import make_trainer

OURS, PLAIN, OPTIMIZED = "train --minutes", "plain recipe", "optimization-based method"
COLORS = {OURS: "#1a7f6b", PLAIN: "#b4552d", OPTIMIZED: "#777777"}


class Results:
    """Rows of (method, minutes) -> losses, kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []

    def has(self, method: str, minutes: float) -> bool:
        return any(row["method"] == method and row["minutes"] == minutes for row in self.rows)

    def add(self, method: str, minutes: float, evaluation: Evaluation, row_name: str = "network") -> None:
        row = next(row for row in evaluation.rows if row.method == row_name)
        losses = {name: round(getattr(row, name)) for name in ("content", "style", "total")}
        self.rows.append({"method": method, "minutes": minutes, **losses, "photos": len(evaluation.photos)})
        self.write()
        print(self.rows[-1], flush=True)

    def write(self) -> None:
        self.path.write_text(json.dumps(self.rows, indent=1) + "\n")


def plain(
    config: TrainConfig, shards: Path, minutes: list[float], out: Path, measure: Callable[[Path, str, float], None]
) -> None:
    """Trains as the usual scripts do, and measures at each of the minutes."""
    painting = images.with_shorter_side(images.load(Path(config.style)), config.style_size)
    trainer = make_trainer(replace(config, init="", loss_precision="float32"), painting)
    trainer.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    out.mkdir(exist_ok=True)
    images.save(painting, out / "style.png")
    spent, step, motion = 0.0, 0, np.zeros(2, np.int32)
    with closing(Batches(Photos(shards), 4, 256, config.seed).starting_at(0)) as batches:
        for budget in sorted(minutes):
            while spent < 60 * budget:
                began = time.perf_counter()
                trainer.step(next(batches), motion)
                spent += time.perf_counter() - began
                step += 1
            card = untrained_card(asdict(config)) | {"step": step, "seconds": spent}
            Checkpoint(card, arrays(trainer.network), {}).write(out / MODEL)
            measure(out, PLAIN, budget)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Plots the objective over wall time; lines show the optimization-based method, whose minutes are per photo."""
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    ticks = sorted({row["minutes"] for row in rows if row["method"] != OPTIMIZED})
    for method in (OURS, PLAIN):
        points = sorted((row["minutes"], row["total"]) for row in rows if row["method"] == method)
        if points:
            axes.plot(*zip(*points, strict=True), "o-", color=COLORS[method], label=method)
    for row in rows:
        if row["method"] == OPTIMIZED:
            axes.axhline(row["total"], color=COLORS[OPTIMIZED], linestyle=":")
            seconds = 60 * row["minutes"]
            text = f"{row['iterations']} iterations of the optimization-based method, {seconds:.0f} s per photo"
            axes.annotate(text, (ticks[0], row["total"]), ha="left", va="bottom", fontsize=8, color=COLORS[OPTIMIZED])
    axes.set(xscale="log", yscale="log", xlabel="minutes of training", ylabel="content + 12 x style, held-out photos")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.set_yticks([1e5, 2e5, 5e5, 1e6, 2e6])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("style", "content", "images", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--minutes", default="2,5,10,30,60")
    parser.add_argument("--plain", type=float, default=60)
    parser.add_argument("--optimize", default="50,100,300")
    parser.add_argument("--limit", type=int, default=8)
    parser.add_argument("--init", help="of the trainings; by default what train starts from")
    arguments = parser.parse_args()
    minutes = [float(part) for part in arguments.minutes.split(",")]
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    results = Results(out / "results.json")
    shards = out / "shards"
    if not shards.is_dir():
        build([arguments.content], shards, 320)

    def config(**overrides: Any) -> TrainConfig:
        return configure(str(arguments.style), shards, None, "painterly", arguments.init, **overrides)

    def measure(run: Path, method: str, budget: float) -> None:
        results.add(method, budget, evaluate(str(run), photos=arguments.images, limit=arguments.limit))

    for budget in minutes:
        if not results.has(OURS, budget):
            run = out / f"{budget:g}-minutes"
            shutil.rmtree(run, ignore_errors=True)
            train(config(minutes=budget), run)
            measure(run, OURS, budget)
    before = {row["minutes"] for row in results.rows if row["method"] == PLAIN}
    wanted = sorted(before | {budget for budget in minutes if budget <= arguments.plain})
    if not all(results.has(PLAIN, budget) for budget in wanted):
        results.rows = [row for row in results.rows if row["method"] != PLAIN]
        plain(config(), shards, wanted, out / "plain", measure)
    iterations = [int(part) for part in arguments.optimize.split(",") if part]
    if iterations and not any(row["method"] == OPTIMIZED for row in results.rows):
        run = str(out / f"{minutes[-1]:g}-minutes")
        compared = evaluate(run, photos=arguments.images, iterations=iterations, limit=arguments.limit)
        for row in compared.rows:
            if row.method.startswith("optimization"):
                results.add(OPTIMIZED, round(row.seconds / 60, 2), compared, row.method)
                results.rows[-1]["iterations"] = int(row.method.split()[1])
        results.write()
    plot(results.rows, out / "budgets.png")


if __name__ == "__main__":
    main()
