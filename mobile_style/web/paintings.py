"""The painting of a style, for the page: a small copy of the one in the run's folder or the package."""

from pathlib import Path

from ..errors import CheckpointError, ImageError
from ..exporting.card import source_checkpoint
from ..media import images
from ..network.catalog import bundled_paintings, kept_style, mix_of
from .models import Model, read_regular

LONGEST = 720  # pixels of the longer side, at most
LARGEST_FILE = 64 << 20  # bytes


def painting_of_style(model: Model, name: str) -> bytes | None:
    """A JPEG of the painting, or None if there is none to show.

    Args:
        model: a file of the style.
        name: the style's name if the file mixes several, else the painting's.
    """
    mix = mix_of(model.card["source"]["checkpoint"])
    if "," in mix:
        return None  # a mix of several paintings
    places = [bundled_paintings().get(name)]
    try:
        checkpoint = source_checkpoint(model.path, model.card)
        if not (mix or model.styles):
            places.append(kept_style(checkpoint))
        elif Path(name).name == name:
            places.append(checkpoint.parent / "styles" / f"{name}.png")
    except CheckpointError:
        pass  # the checkpoint is missing or has changed
    return next((shown for place in places if place is not None and (shown := _shrunk(place))), None)


def _shrunk(path: Path) -> bytes | None:
    try:
        painting = images.load(read_regular(path, LARGEST_FILE))
    except (CheckpointError, ImageError):
        return None
    scale = min(1, LONGEST / max(painting.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in painting.shape[:2])
    return images.encode(images.resized(painting, height, width), "JPEG", 85)
