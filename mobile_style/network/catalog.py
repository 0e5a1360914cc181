"""What is there to use: the models, paintings and photos that the package carries, and the user's runs."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import CheckpointError, ImageError
from .card import MODEL, Card, read_card

DEFAULT = "starry_night"
START = "self_portrait"  # of new trainings: docs/training.md tells why this one
DATA = Path(__file__).parents[1] / "data"
STYLES = DATA / "styles"
# In a wheel the models lie inside the package, in a checkout beside it.
BUNDLED = next((p for p in (DATA / "models", DATA.parents[1] / "models") if p.is_dir()), DATA / "models")
RUNS = Path("runs")


@dataclass(frozen=True)
class ModelInfo:
    """One line of the list of models."""

    name: str
    path: Path
    origin: str
    card: Card


def bundled_photos(part: str) -> Path:
    """Folder of the photos that come with the package: "train" or "held_out"."""
    return DATA / "photos" / part


def style_path(style: str) -> Path:
    """The painting of a carried style's name, or a file.

    Raises:
        ImageError: neither.
    """
    if Path(style).is_file() and style not in bundled_paintings():
        return Path(style)
    try:
        return bundled_paintings()[style]
    except KeyError:
        carried = ", ".join(bundled_paintings())
        raise ImageError(f"`style={style}` is neither a file nor a bundled painting ({carried})") from None


def bundled_paintings() -> dict[str, Path]:
    """The paintings that the package has, by name."""
    return {path.stem: path for path in sorted(STYLES.glob("*.jpg"))}


def places(model: str | Path) -> list[Path]:
    """What a model's name may mean, the likeliest first: a folder or file that is here, a bundled style, a run.

    Every command takes the first place that holds what it needs.
    """
    return [place for place in (Path(model), BUNDLED / model, RUNS / model) if place.exists()]


def model_path(model: str | Path) -> Path:
    """The checkpoint of a run's folder, a bundled model's name, or a file, the first of `places` that has one.

    Raises:
        CheckpointError: none of them.
    """
    for place in places(model):
        for candidate in (place / MODEL, place):
            if candidate.is_file():
                return candidate
    raise CheckpointError(f"there is no model {model}; `mobile-style models` lists what there is")


def model_name(checkpoint: Path) -> str:
    """What a checkpoint is called: its run's folder, or a file that was given another name, that one."""
    path = checkpoint.resolve()
    return path.parent.name if path.name == MODEL else path.stem


def kept_style(checkpoint: Path) -> Path:
    """Where a run's folder has the style image as its losses saw it, cropped and at their size."""
    return checkpoint.parent / "style.png"


def painting_of(checkpoint: Path, style: str) -> Path:
    """The style image that a checkpoint was trained on: the copy kept in its run's folder, or the original.

    Raises:
        ImageError: neither is here.
    """
    kept = kept_style(checkpoint)
    try:
        return kept if kept.is_file() else style_path(style)
    except ImageError:
        raise ImageError(
            f"{style}, the painting of {checkpoint}, is not here; copy its run's style.png beside it"
        ) from None


def new_run(name: str) -> Path:
    """A folder under `RUNS` that does not exist yet."""
    return next(path for n in range(1, 10**6) if not (path := RUNS / f"{name}-{n}").exists())


def newest_run(file: str) -> Path | None:
    """The run under `RUNS` whose `file` was written last; None if no run has one."""
    newest = max(RUNS.glob(f"*/{file}"), key=lambda path: path.stat().st_mtime, default=None)
    return None if newest is None else newest.parent


def newest_model() -> str:
    """The newest run under `RUNS`, else the bundled default."""
    return str(newest_run(MODEL) or DEFAULT)


def list_models(runs: Path = RUNS) -> list[ModelInfo]:
    """Every bundled model by name, then every trained one under `runs`, newest last; damaged ones left out."""
    found = []
    for origin, folder in (("bundled", BUNDLED), ("trained here", runs)):
        infos = []
        for path in folder.glob(f"*/{MODEL}"):
            try:
                infos.append(ModelInfo(path.parent.name, path, origin, read_card(path)))
            except CheckpointError:
                continue  # `stylize --model` says what is wrong with it
        found += sorted(infos, key=lambda info: (info.card["date"] if folder == runs else "", info.name))
    return found
