"""The losses that a checkpoint was trained with, from its style image or the Gram matrices kept in its place.

A painting that may not be shared is replaced by an .npz file, `GRAMS`, or styles/NAME.npz for many styles: for each
style layer the upper half of the Gram matrix, row by row, float16.
"""

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from ..errors import CheckpointError
from ..files import regular
from ..media import images
from ..network.catalog import kept_style, painting_of
from ..training.config import TrainConfig
from ..training.objective import VGG16_CHANNELS
from ..training.style_crop import cropped
from .picture_losses import PictureLosses

GRAMS = "style_grams.npz"  # beside a checkpoint, in place of its style image


def losses_of(checkpoint: Path, config: TrainConfig, style: Path | None = None) -> PictureLosses:
    """The losses that a checkpoint was trained with, for its own style or the style image `style`.

    Raises:
        ImageError: the style image is not here.
        CheckpointError: the Gram matrices are damaged, or of other layers.
    """
    source = style or style_source(checkpoint, config.style)
    if style is None and source.suffix == ".npz":
        return PictureLosses(config.objective, read_grams(source, config.objective.style_layers))
    picture = images.load(source)
    if style is None and source != kept_style(checkpoint):  # the painting that it was cut from
        picture = cropped(picture, config.style_crop, config.style)
    return PictureLosses(config.objective, images.with_shorter_side(picture, config.style_size))


def style_source(checkpoint: Path, style: str) -> Path:
    """The source of a checkpoint's style, or of one of its styles: the Gram matrices beside it, or the painting.

    Raises:
        ImageError: the style image is not here.
    """
    kept = [checkpoint.parent / "styles" / f"{style}.npz", checkpoint.parent / GRAMS]
    return next((path for path in kept if path.is_file()), None) or painting_of(checkpoint, style)


def save_grams(losses: PictureLosses, path: Path) -> None:
    """Keeps a style image's Gram matrices, which are all that is needed of a painting that may not be shared."""
    halves: dict[str, Any] = {
        layer: gram[np.triu_indices(len(gram))].astype(np.float16) for layer, gram in losses.style_grams.items()
    }
    np.savez_compressed(path, **halves)


def read_grams(path: Path, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The Gram matrices of `layers`, (C, C) float32 each.

    It reads only numbers, and no more than matrices of these sizes take: `numpy.load` allocates whatever size a file
    names.

    Raises:
        CheckpointError: the file is damaged, or lacks a layer.
    """
    try:
        with zipfile.ZipFile(regular(path)) as archive:
            grams = {}
            for layer in layers:
                with archive.open(f"{layer}.npy") as file:
                    grams[layer] = _whole(_half(file, VGG16_CHANNELS[layer]), VGG16_CHANNELS[layer])
            return grams
    except MemoryError:
        raise
    except Exception as error:  # of what is damaged, zipfile and NumPy raise whatever they stumble over
        raise CheckpointError(
            f"{path} is damaged ({error}); put the style image beside it as style.png, and remove it"
        ) from None


def _half(file: IO[bytes], channels: int) -> np.ndarray:
    if npy.read_magic(file) != (1, 0):
        raise ValueError("an array of an unknown version")
    shape, _, dtype = npy.read_array_header_1_0(file)
    count = channels * (channels + 1) // 2
    if shape != (count,) or dtype != np.float16:
        raise ValueError(f"an array of {dtype} {shape}, not float16 ({count},)")
    half = np.frombuffer(file.read(2 * count), np.float16, count)
    if file.read(1) or not np.isfinite(half).all():  # at its end, the archive checks what was read
        raise ValueError("an array with more, or with other than finite numbers")
    return half


def _whole(half: np.ndarray, channels: int) -> np.ndarray:
    """The symmetric matrix, (C, C), from its upper half, row by row."""
    whole = np.zeros((channels, channels), np.float32)
    whole[np.triu_indices(channels)] = half
    return whole + np.triu(whole, 1).T
