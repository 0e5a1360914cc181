"""What is there to use: the models, paintings and photos that the package carries, and the user's runs."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import CheckpointError, ImageError
from .card import MODEL, Card, read_card

DEFAULT = "starry_night"
START = "self_portrait"  # of new trainings: docs/training.md tells why this one
DATA = Path(__file__).parents[1] / "data"
PAINTINGS = DATA / "paintings"
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


def style_path(style: str | Path) -> Path:
    """The painting of a bundled style's name, or a file.

    Raises:
        ImageError: neither.
    """
    if Path(style).is_file() and str(style) not in bundled_paintings():
        return Path(style)
    try:
        return bundled_paintings()[str(style)]
    except KeyError:
        names = ", ".join(bundled_paintings())
        raise ImageError(f"`style={style}` is neither a file nor a bundled painting ({names})") from None


def bundled_paintings() -> dict[str, Path]:
    """The paintings that the package has, by name."""
    return {path.stem: path for path in sorted(PAINTINGS.glob("*.jpg"))}


def places(model: str | Path) -> list[Path]:
    """What a model's name may mean, the likeliest first: a folder or file that is here, a bundled style, a run.

    Every command takes the first place that holds what it needs.
    """
    return [place for place in (Path(model), BUNDLED / model, RUNS / model) if place.exists()]


def model_path(model: str | Path) -> Path:
    """The checkpoint of a run's folder, a bundled model's name, or a file, the first of `places` that has one.

    A mix that is named after a colon is left out.

    Raises:
        CheckpointError: none of them.
    """
    for place in places(without_mix(model)):
        for candidate in (place / MODEL, place):
            if candidate.is_file():
                return candidate
    raise CheckpointError(f"there is no model {model}; `mobile-style models` lists what there is")


def mix_of(model: str | Path) -> str:
    """The mix of styles that is named after a colon: of "many:udnie=0.3,starry_night=0.7"; empty without one."""
    last = re.split(r"[/\\]", str(model))[-1]
    return last.rpartition(":")[2] if ":" in last and not Path(model).exists() else ""


def without_mix(model: str | Path) -> Path:
    """The rest."""
    mix = mix_of(model)
    return Path(str(model)[: -len(mix) - 1]) if mix else Path(model)


def with_mix(model: str | Path, mix: str) -> str:
    """A model's name and a mix in one."""
    return f"{model}:{mix}" if mix else str(model)


def reference(model: str | Path) -> str:
    """The path of a model's checkpoint, and its mix."""
    return with_mix(model_path(model), mix_of(model))


def model_name(model: str | Path) -> str:
    """What a `reference` is called: its run's folder, or a file that was given another name, that one; and its mix."""
    path = without_mix(model).resolve()
    name = path.parent.name if path.name == MODEL else path.stem
    return "-".join([name, *re.findall(r"[^,=]+", mix_of(model))])


def kept_style(checkpoint: Path) -> Path:
    """Where a run's folder has the style image as its losses saw it, cropped and at their size."""
    return checkpoint.parent / "style.png"


def painting_of(checkpoint: Path, style: str) -> Path:
    """The style image that a checkpoint was trained on: the copy kept in its run's folder, or the original.

    Of many styles, `style` is the name of one.

    Raises:
        ImageError: neither is here.
    """
    kept = [checkpoint.parent / "styles" / f"{style}.png", kept_style(checkpoint)]
    try:
        return next((path for path in kept if path.is_file()), None) or style_path(style)
    except ImageError:
        raise ImageError(
            f"{style}, the painting of {checkpoint}, is not here; copy its run's style.png beside it"
        ) from None


def new_run(name: str) -> Path:
    """A folder under `RUNS` that does not exist yet."""
    return next(path for n in range(1, 10**6) if not (path := RUNS / f"{name}-{n}").exists())


def newest_run(file: str) -> Path | None:
    """The run under `RUNS` whose `file` was written last; None if no run has one."""
    found = (path for path in RUNS.glob(f"*/{file}") if path.is_file())
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return None if newest is None else newest.parent


def newest_model() -> str:
    """The newest run under `RUNS`, else the bundled default."""
    return str(newest_run(MODEL) or DEFAULT)


def list_models(runs: Path | str = RUNS) -> list[ModelInfo]:
    """Every bundled model by name, then every trained one under `runs`, newest last; damaged ones are left out."""
    found = []
    for origin, folder in (("bundled", BUNDLED), ("trained here", Path(runs))):
        infos = []
        for path in folder.glob(f"*/{MODEL}"):
            try:
                infos.append(ModelInfo(path.parent.name, path, origin, read_card(path)))
            except CheckpointError:
                continue  # `stylize --model` says what is wrong with it
        found += sorted(infos, key=lambda info: (info.card["date"] if origin == "trained here" else "", info.name))
    return found
