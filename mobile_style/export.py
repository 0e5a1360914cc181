"""From a trained network to files that phones run, each with its card and its measured fidelity."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from . import images
from .deploy import Convolution
from .errors import UsageError
from .export_card import SCHEMA, card_path, digest, for_apps, read_export_card, write_card
from .files import refuse_existing, writing
from .lint import lint
from .losses import style_source
from .models import BUNDLED, carried_photos, model_name, model_path
from .network import SMALLEST, load_network
from .progress import console
from .recipes import RECIPES, Recipe
from .validate import Validation, validate

if TYPE_CHECKING:
    from .tflite import Quantization

EXPORTS = Path("exports")
LICENSE = "the style's own; network and weights Apache-2.0"
CALIBRATION_PHOTOS = 32
CALIBRATION_PIXELS = 1_200_000  # in all: enough for ranges and means, and within 2 GB of memory
VALIDATION_PHOTOS = 4
LATENCY_RUNS = 30
SMALLEST_SIDE = 12  # a multiple of 4 that holds a window of SSIM


@dataclass(frozen=True)
class Export:
    """One exported file.

    Attributes:
        path: the .tflite file or the .mlpackage.
        validation: what was measured on a few photos; None if that was skipped.
    """

    path: Path
    validation: Validation | None


@dataclass(frozen=True)
class Frontier:
    """What a recipe costs and keeps.

    Attributes:
        milliseconds: per picture on this machine, one thread.
        psnr, ssim: means against the float network.
    """

    recipe: str
    bytes: int
    milliseconds: float
    psnr: float
    ssim: float
    passed: bool


def export(
    model: str,
    recipe: Recipe,
    sizes: Sequence[tuple[int, int]] = ((256, 256),),
    calibration: Path | None = None,
    out: Path | None = None,
    check: bool = True,
    note: Callable[[str], None] | None = None,
) -> list[Export]:
    """Writes a model for phones: a .tflite file for each size, or one .mlpackage for all of them.

    Args:
        model: a bundled model's name, a run's folder or a checkpoint.
        recipe: a row of recipes.py.
        sizes: (height, width) of the pictures that the app will pass.
        calibration: folder of photos that int8 ranges are chosen on; by default the carried training photos.
        out: the file (.tflite or .mlpackage), or with several files the new folder for them; by default
            exports/NAME-RECIPE-WIDTHxHEIGHT/model.tflite, or exports/NAME-coreml-RECIPE-WIDTHxHEIGHT/model.mlpackage.
        check: validate each file on a few photos.
        note: told of each photo that cannot be read, and why.

    Raises:
        UsageError, CheckpointError, OutputError, ImageError: before anything is written.
    """
    checkpoint = model_path(model)
    network, card = load_network(checkpoint)
    sha256 = digest(checkpoint)  # now: a training that is under way replaces the file
    for height, width in sizes:
        if not SMALLEST_SIDE <= min(height, width) <= max(height, width) <= 4096:
            raise UsageError(f"--size {width}x{height}: each side must be from {SMALLEST_SIDE} to 4096 pixels")
    if check:
        style_source(checkpoint, card["config"]["style"])  # or the check would fail when all is written
    name = model_name(checkpoint)
    groups: list[tuple[tuple[int, int], ...]]
    groups = [tuple(sizes)] if recipe.target == "coreml" else [(size,) for size in sizes]
    places = _places(name, recipe, groups, out)
    photos = _calibration_photos(calibration, sizes[0], note)
    convolutions = network.convolutions(photos)
    quantization = None
    if recipe.activations == "int8":
        from .quantize import calibrate

        console.print(f"choosing int8 ranges on {len(photos)} photos", markup=False)
        quantization = calibrate(convolutions, photos)
    described = {
        "schema": SCHEMA,
        "name": name,
        "style": Path(card["config"]["style"]).name,
        "target": recipe.target,
        "recipe": recipe.name,
        "source": {
            "checkpoint": model if checkpoint.is_relative_to(BUNDLED) else str(checkpoint),
            "sha256": sha256,
            "preset": card["config"]["preset"],
            "training": card,
        },
        "calibration": {"photos": len(photos), "sha256": hashlib.sha256(photos.tobytes()).hexdigest()},
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    done = []
    for path, group in zip(places, groups, strict=True):
        _write(path, convolutions, recipe, group, quantization, described)
        done.append(_checked(path) if check else Export(path, None))
    return done


def _places(name: str, recipe: Recipe, groups: list[tuple[tuple[int, int], ...]], out: Path | None) -> list[Path]:
    """Where each file goes; refuses to overwrite before anything is computed."""
    suffix = ".tflite" if recipe.target == "tflite" else ".mlpackage"
    of = f"{name}-coreml-{recipe.name}-" if recipe.target == "coreml" else f"{name}-{recipe.name}-"
    labels = [of + "-".join(f"{w}x{h}" for h, w in group) for group in groups]
    if out is None:
        places = [EXPORTS / label / f"model{suffix}" for label in labels]
    elif out.suffix in (".tflite", ".mlpackage"):
        if len(groups) > 1:
            raise UsageError(f"--out {out} names one file, but --size asks for {len(groups)}; name a folder")
        if out.suffix != suffix:
            raise UsageError(f"--out {out} does not fit --target {recipe.target}, which writes {suffix}")
        places = [out]
    elif len(groups) == 1:
        places = [out / f"model{suffix}"]
    else:
        places = [out / label / f"model{suffix}" for label in labels]
    for path in places:
        refuse_existing(path)
        refuse_existing(card_path(path))
    return places


def _calibration_photos(
    folder: Path | None, size: tuple[int, int], note: Callable[[str], None] | None = None
) -> np.ndarray:
    """Photos of the shape that the app will pass, smaller where many large ones would not fit into memory."""
    folder = folder or carried_photos("train")
    files = images.photos(folder, CALIBRATION_PHOTOS)
    scale = min(1.0, (CALIBRATION_PIXELS / len(files) / (size[0] * size[1])) ** 0.5)
    height, width = (max(SMALLEST, round(side * scale)) for side in size)
    height, width = (max(SMALLEST, side // 4 * 4) for side in (height, width))
    read = images.read_photos(folder, CALIBRATION_PHOTOS, note)
    return np.stack([images.centre_crop(photo, height, width) for _, photo in read])


def _write(
    path: Path,
    convolutions: Sequence[Convolution],
    recipe: Recipe,
    sizes: tuple[tuple[int, int], ...],
    quantization: "Quantization | None",
    described: dict[str, Any],
) -> None:
    """The file, and beside it its card without the figures that are yet to be measured."""
    console.print(f"writing {path}", markup=False, soft_wrap=True)
    tools = ("mobile-style", "coremltools") if recipe.target == "coreml" else ("mobile-style", "tensorflow")
    tensor = {
        "shape": [1, *sizes[0], 3],
        "sizes": [list(size) for size in sizes],
        "layout": "NHWC" if recipe.target == "tflite" else "image",
        "type": recipe.pixels,
        "range": [0, 255],
        "color": "RGB",
        "scale": 1.0,
        "zero_point": 0,
    }
    card = described | {
        "input": {"name": "image"} | tensor,
        "output": {"name": "stylised"} | tensor,
        "tools": {tool: version(tool) for tool in tools},
        "file": None,
        "fidelity": None,
    }
    if recipe.target == "coreml":
        from . import coreml

        coreml.write(
            path,
            convolutions,
            sizes,
            8 if recipe.weights == "int8" else 16,
            {
                "author": "mobile-style",
                "license": LICENSE,
                "version": described["source"]["sha256"][:12],
                "short_description": f"Paints photos in the style of {card['style']}",
                "mobile_style": json.dumps(for_apps(card)),
            },
        )
    else:
        from . import tflite

        content = tflite.convert(convolutions, recipe, sizes[0], quantization)
        content = tflite.with_card(content, for_apps(card))
        with writing(path) as temporary:
            temporary.write_bytes(content)
    size = path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    for finding in lint(path):
        console.print(f"warning: {finding}", style="yellow", markup=False, soft_wrap=True)
    write_card(path, card | {"file": {"name": path.name, "bytes": size, "sha256": digest(path)}})


def _checked(path: Path) -> Export:
    """Validates the file on a few photos, and notes the figures on its card."""
    validation = validate(path, limit=VALIDATION_PHOTOS)
    card = read_export_card(path)
    places = ("exported", "reference")  # on this machine; the card has names and sha256 of both
    figures = {name: value for name, value in validation.figures().items() if name not in places}
    write_card(path, card | {"fidelity": figures})
    return Export(path, validation)


def export_fastest(
    model: str, size: tuple[int, int], calibration: Path | None, out: Path | None
) -> tuple[list[Frontier], Export | None]:
    """Exports by every TensorFlow Lite recipe, and keeps the fastest that passes its gate.

    Returns:
        The frontier, a row for each recipe, and the export that was kept; None if none passes.

    Raises:
        UsageError, CheckpointError, OutputError, ImageError: as `export`.
    """
    name = model_name(model_path(model))
    recipes = {recipe.name: recipe for recipe in RECIPES if recipe.target == "tflite"}
    for recipe in recipes.values():  # nobody knows yet which it will be
        _places(name, recipe, [(size,)], out)
    rows, made = [], {}
    with TemporaryDirectory() as folder:
        for recipe in recipes.values():
            place = Path(folder) / recipe.name / "model.tflite"
            (made[recipe.name],) = export(model, recipe, [size], calibration, place)
        times = latencies([each.path for each in made.values()])
        for (tried, each), milliseconds in zip(made.items(), times, strict=True):
            assert each.validation is not None
            mean, passed = each.validation.mean, not each.validation.failures
            rows.append(Frontier(tried, each.path.stat().st_size, milliseconds, mean.psnr, mean.ssim, passed))
        passing = [row for row in rows if row.passed]
        if not passing:
            return rows, None
        best = min(passing, key=lambda row: row.milliseconds)
        (target,) = _places(name, recipes[best.recipe], [(size,)], out)
        kept = made[best.recipe]
        with writing(target) as temporary:
            temporary.write_bytes(kept.path.read_bytes())
        card = read_export_card(kept.path)
        write_card(target, card | {"file": card["file"] | {"name": target.name}})
    return rows, Export(target, kept.validation)


def latencies(files: Sequence[Path]) -> list[float]:
    """Median milliseconds per picture on this machine, one thread, as `mobile-style benchmark` measures them."""
    from .devices import measure  # which exports, too

    report, _ = measure("host", "litert", None, [str(file) for file in files], [], [1], LATENCY_RUNS, None, None)
    return [row.latency.median.value for row in report.rows if row.latency is not None]
