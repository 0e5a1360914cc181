"""What grain is worth to each bundled style, and what it costs: the table and the picture of docs/grain.md.

    python benchmarks/grain.py

On the carried photos at 256 x 256, without grain and with it: the total loss against the photo itself, of all and of
the flattest quarter; how much the brightness of a painted blank page varies; and, of the flattest quarter, how much
frames differ where the camera moves, and where only its sensor's noise does, and how near int8 is to the float network.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mobile_style.evaluation.style_grams import losses_of
from mobile_style.exporting.runtimes import load
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network.catalog import bundled_photos, list_models
from mobile_style.painting.grain import grained
from mobile_style.painting.stylize import stylize_image
from mobile_style.painting.temporal_consistency import temporal_error
from mobile_style.training.config import TrainConfig

PICTURE = Path(__file__).parents[1] / "docs" / "grain.jpg"
SIZE = 256
SHOWN = ("desert_dune_hikers", "red_hibiscus", "rocket_on_launch_pad")  # and a blank page
SHOWN_STYLES = ("starry_night", "great_wave", "udnie")
NOISE = 1.0  # gray levels, standard deviation
Paint = Callable[[np.ndarray], np.ndarray]


def prepared(seen: Paint, paint: Paint, picture: np.ndarray) -> np.ndarray:
    return paint(seen(picture))


def changed(picture: np.ndarray) -> float:
    """Share of the pixels that grain changes."""
    return float((grained(picture) != picture).any(2).mean())


def noisy_difference(paint: Paint, picture: np.ndarray) -> float:
    """Of two frames of a camera that stands still, in gray levels; the root of the mean square."""
    rng = np.random.default_rng(0)
    frames = [images.to_pixels(picture + NOISE * rng.normal(size=picture.shape)) for _ in range(2)]
    return float(np.sqrt(np.mean(np.square(np.subtract(*(paint(frame).astype(float) for frame in frames))))))


def main() -> None:
    photos = {path.stem: images.load(path) for path in images.photos(bundled_photos(""))}
    squares = {name: images.center_square(photo, SIZE) for name, photo in photos.items()}
    flat = sorted(squares, key=lambda name: -changed(squares[name]))[: len(squares) // 4]
    print(
        f"{len(squares)} photos; in the {len(flat)} flattest, grain changes at least {changed(squares[flat[-1]]):.0%}"
    )
    blank = np.full((SIZE, SIZE, 3), 250, np.uint8)
    shown = [*(squares[name] for name in SHOWN), blank]
    rows = [shown]
    print(
        "| style | total, all photos | total, flattest | blank page | moving camera | still camera | int8 mean, dB "
        "| int8 worst, dB |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for info in list_models():
        if info.origin != "bundled":
            continue
        network, card = load_network(info.path)
        measure = losses_of(info.path, TrainConfig.from_card(card))
        painter, int8 = partial(stylize_image, network, grain=False), load(info.path.with_name("int8.tflite"))
        figures = []
        for seen in (np.asarray, grained):
            paint = partial(prepared, seen, painter)
            painted = {name: paint(square) for name, square in squares.items()}
            losses = {name: measure(squares[name], [it])[0]["total"] for name, it in painted.items()}
            near = [psnr(painted[name], int8(seen(squares[name]))) for name in flat]
            figures.append(
                (
                    np.mean(list(losses.values())),
                    np.mean([losses[name] for name in flat]),
                    paint(blank)[SIZE // 8 : -SIZE // 8, SIZE // 8 : -SIZE // 8].mean(2).std(),
                    np.mean([temporal_error(paint, photos[name], SIZE) for name in flat]),
                    np.mean([noisy_difference(paint, squares[name]) for name in flat]),
                    np.mean(near),
                    min(near),
                )
            )
            if info.name in SHOWN_STYLES:
                rows.append([paint(photo) for photo in shown])
        cells = [f"{a:,.0f} → {b:,.0f}" if a > 1000 else f"{a:.1f} → {b:.1f}" for a, b in zip(*figures, strict=True)]
        print(f"| {info.name} | {' | '.join(cells)} |", flush=True)
    PICTURE.write_bytes(images.encode(images.grid(rows), "JPEG", quality=88))


if __name__ == "__main__":
    main()
