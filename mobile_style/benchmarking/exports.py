"""Exports models to time them."""

from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path

from ..exporting.recipes import find_recipe
from ..exporting.write import Written, write
from ..network.catalog import mix_of, model_name, model_path, with_mix
from ..progress import Note, Progress
from ..validation.checked_export import check

RECIPE = "int8"
Size = tuple[int, int]


def export_models(models: Iterable[str], sizes: Sequence[Size], folder: Path, progress: Progress) -> list[Path]:
    """The files to time: .tflite files as they are; other models are exported as int8 into `folder` for each size.

    Sizes are (height, width) in pixels. Exports are validated on a few photos, and their cards hold the figures.

    Raises:
        CheckpointError: there is no such model.
    """
    files: list[Path] = []
    models = list(models)
    names = names_of(model for model in models if not model.endswith(".tflite"))
    for model in models:
        if model.endswith(".tflite"):
            files.append(Path(model))
        else:
            for size in sizes:
                written = export_to_time(model, names[model], size, folder, progress)
                files.append(check(written, progress).path)
    return files


def names_of(models: Iterable[str]) -> dict[str, str]:
    """A name for each model; numbered if different checkpoints have the same name.

    Raises:
        CheckpointError: there is no such model.
    """
    names: dict[str, str] = {}
    found = {model: with_mix(model_path(model).resolve(), mix_of(model)) for model in models}
    for path in dict.fromkeys(found.values()):
        name = model_name(path)
        numbered = (f"{name}-{number}" for number in count(2))
        names[path] = next(each for each in chain([name], numbered) if each not in names.values())
    return {model: names[path] for model, path in found.items()}


def export_to_time(model: str, name: str, size: Size, folder: Path, progress: Progress) -> Written:
    """Writes an int8 file NAME-WIDTHxHEIGHT.tflite into `folder`; `size` is (height, width) in pixels."""
    out = folder / f"{name}-{size[1]}x{size[0]}.tflite"
    progress(Note(f"exporting {name} to measure it"))
    (written,) = write(model, find_recipe("tflite", RECIPE), [size], out=out)
    return written
