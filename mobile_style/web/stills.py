"""Two files with which the page paints a photo at its own size, in tiles, as painting/stylize.py does.

Both hold the float network, made from the exported file's checkpoint, for fixed sizes. One computes the gains that all
tiles of a photo share, from crops spread over the photo; the other paints a tile with these gains.
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import CheckpointError
from ..exporting.card import source_checkpoint
from ..inference.fold import fold
from ..inference.graph import Convolution
from ..inference.network import reach
from ..inference.tiles import shared_gains, tile
from ..network.card import styles_of
from ..network.catalog import mix_of
from ..network.checkpoint import Checkpoint
from .models import Model

# Crops along each side of a photo, and pixels along each side of a crop. A crop counts whole, including the margin that
# its border affects: compared with the gains of the whole photo, five photos reached 31 to 38 dB this way, and 23 to 37
# dB with sixteen trimmed crops.
CROPS, CROP = 3, 256
TILE = 384  # pixels of a tile's side, including its margins
Files = dict[str, partial[bytes]]


def still_files(model: Model) -> tuple[Files, dict[str, Any]] | None:
    """The two files by name, made when they are read, and their sizes in pixels.

    None if the checkpoint is missing, changed or damaged: then the page paints photos at the exported file's size.
    """
    try:
        checkpoint = source_checkpoint(model.path, model.card)
        architecture = Checkpoint.read(checkpoint).architecture()
        mix = mix_of(model.card["source"]["checkpoint"])
    except CheckpointError:
        return None
    margin, sha256 = reach(architecture), model.card["source"]["sha256"]
    files = {
        "gains.tflite": partial(_gains, checkpoint, mix, sha256),
        "tile.tflite": partial(_tile, checkpoint, mix, sha256),
    }
    return files, {"crops": CROPS, "crop": CROP, "tile": TILE, "margin": margin}


def _gains(checkpoint: Path, mix: str, sha256: str) -> bytes:
    return shared_gains(_network(checkpoint, mix, sha256), (CROPS**2, CROP, CROP), "float16")


def _tile(checkpoint: Path, mix: str, sha256: str) -> bytes:
    return tile(_network(checkpoint, mix, sha256), (TILE, TILE), "float16")


def _network(checkpoint: Path, mix: str, sha256: str) -> list[Convolution]:
    if hashlib.sha256(checkpoint.read_bytes()).hexdigest() != sha256:
        raise CheckpointError(f"{checkpoint} was replaced while it was in use; start again")
    read = Checkpoint.read(checkpoint)
    chosen = read.mixed(mix) if mix or len(styles_of(read.card)) == 1 else read
    return fold(chosen.architecture(), chosen.weights)
