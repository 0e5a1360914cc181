"""A picture of what each model makes of a few photos."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..inference.network import load_network
from ..media import images
from ..network.card import styles_of
from ..network.catalog import ModelInfo, bundled_photos, with_mix
from ..progress import Progress, silent, track
from .stylize import stylize_image

PHOTOS = ("astronaut_portrait", "singapore_skyline_dusk", "espresso_cup", "snowy_mountain_lake", "river_otters")
SIDE, LABEL = 256, 28  # pixels


def model_sheet(models: Sequence[ModelInfo], progress: Progress = silent) -> np.ndarray:
    """The photos, then a row for each model, or each of its styles, with its name below: (H, W, 3) uint8."""
    photos = [images.center_square(images.load(bundled_photos("held_out") / f"{name}.jpg"), SIDE) for name in PHOTOS]
    rows = [_row(photos, "photos")]
    for info in track(models, "Stylizing", len(models), "models", progress):
        for style in [style["name"] for style in styles_of(info.card)] or [""]:
            network, _ = load_network(with_mix(info.path, style))
            rows.append(_row([stylize_image(network, photo) for photo in photos], with_mix(info.name, style)))
    return np.concatenate(rows)


def _row(pictures: list[np.ndarray], name: str) -> np.ndarray:
    strip = images.grid([pictures])
    label = Image.new("RGB", (strip.shape[1], LABEL), "white")
    ImageDraw.Draw(label).text((6, 3), name, "black", ImageFont.load_default(16))
    return np.concatenate([strip, np.asarray(label)])
