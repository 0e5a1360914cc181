"""From a trained network to files that phones run, each with its card and its measured fidelity."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..documents import printable
from ..errors import UsageError
from ..files import refuse_existing, writing
from ..inference.calibration_file import CHOSEN_AT, Calibration, kept
from ..inference.float_ops import MIX
from ..inference.fold import fold, typical_magnitudes
from ..inference.graph import Convolution, styles
from ..inference.int8_calibration import calibrate, calibration_photos
from ..inference.int8_ops import Quantization
from ..inference.int8_tone import with_float_tone
from ..network.card import Card, styles_of
from ..network.catalog import BUNDLED, mix_of, model_name, model_path, reference, with_mix
from ..network.checkpoint import Checkpoint, read_model
from ..network.styles import WHOLE
from ..progress import Note, Progress, silent
from .card import SCHEMA, card_path, digest, for_apps, is_left_alone, write_card
from .lint import lint
from .recipes import Recipe

EXPORTS = Path("exports")
LICENSE = "the style's own; network and weights Apache-2.0"
SMALLEST_SIDE = 12  # a multiple of 4 that holds a window of SSIM


@dataclass(frozen=True)
class Written:
    """One exported file, and what it was made of.

    Attributes:
        path: the .tflite file or the .mlpackage.
        card: its card, as written beside it.
        checkpoint: the float network's file.
    """

    path: Path
    card: dict[str, Any]
    checkpoint: Path


def write(
    model: str | Path,
    recipe: Recipe,
    sizes: Sequence[tuple[int, int]] = ((256, 256),),
    calibration: Path | None = None,
    out: Path | None = None,
    progress: Progress = silent,
) -> list[Written]:
    """Writes a model for phones: a .tflite file for each size, or one .mlpackage for all of them.

    Args:
        model: a bundled model's name, a run's folder or a checkpoint. Of many styles without a mix: one file for all,
            whose second input is the mix.
        recipe: a row of recipes.py.
        sizes: (height, width) of the pictures that the app will pass.
        calibration: folder of photos that int8 ranges are chosen on; by default the bundled training photos.
        out: the file (.tflite or .mlpackage), or with several files the new folder for them; by default
            exports/NAME-RECIPE-WIDTHxHEIGHT/model.tflite, or exports/NAME-coreml-RECIPE-WIDTHxHEIGHT/model.mlpackage.
        progress: called with what is done.

    Raises:
        UsageError, CheckpointError, OutputError, ImageError: before anything is written.
    """
    checkpoint = model_path(model)
    trained = read_model(model, all_styles=True)
    card = trained.card
    sha256 = digest(checkpoint)  # now: a training that is under way replaces the file
    for height, width in sizes:
        if not SMALLEST_SIDE <= min(height, width) <= max(height, width) <= 4096:
            raise UsageError(f"`size={width}x{height}`: each side must be from {SMALLEST_SIDE} to 4096 pixels")
    name = printable(model_name(reference(model)))
    groups: list[tuple[tuple[int, int], ...]]
    groups = [tuple(sizes)] if recipe.target == "coreml" else [(size,) for size in sizes]
    places = output_paths(name, recipe, groups, out)
    photos = calibration_photos(calibration, sizes[0], progress)
    chosen = kept(model, trained) if calibration is None and sizes[0] == CHOSEN_AT else None
    convolutions, quantization = _prepared(trained, recipe, photos, chosen, progress)
    source = {
        "checkpoint": str(model),
        "sha256": sha256,
        "preset": card["config"]["preset"],
        "training": card,
    }
    described = _described(name, recipe, source, photos)
    done = []
    for path, group in zip(places, groups, strict=True):
        progress(Note(f"writing {path}"))
        if not checkpoint.is_relative_to(BUNDLED):  # found from the file, whatever the working folder
            relative = os.path.relpath(checkpoint.resolve(), path.parent.resolve())
            source["checkpoint"] = with_mix(printable(relative), mix_of(model))
        written = _write(path, convolutions, recipe, group, quantization, described | {"source": dict(source)})
        for finding in lint(path).findings:
            progress(Note(str(finding), warning=True))
        done.append(Written(path, written, checkpoint))
    return done


def _prepared(
    trained: Checkpoint, recipe: Recipe, photos: np.ndarray, chosen: Calibration | None, progress: Progress
) -> tuple[list[Convolution], Quantization | None]:
    """The convolutions of the files, and for int8 what its operators need."""
    architecture = trained.architecture()
    typical = chosen.magnitudes() if chosen else typical_magnitudes(architecture, trained.weights, photos)
    convolutions = fold(architecture, trained.weights, typical)
    if recipe.activations != "int8":
        return convolutions, None
    if chosen is not None:
        return convolutions, chosen.quantization()
    progress(Note(f"choosing int8 ranges on {len(photos)} photos"))
    quantization = calibrate(convolutions, photos)
    if styles(convolutions) > 1:
        convolutions, quantization = with_float_tone(convolutions, quantization, photos)
    return convolutions, quantization


def _described(name: str, recipe: Recipe, source: dict[str, Any], photos: np.ndarray) -> dict[str, Any]:
    """What the cards of all sizes share."""
    return {
        "schema": SCHEMA,
        "name": name,
        "style": Path(source["training"]["config"]["style"]).name,
        "target": recipe.target,
        "recipe": recipe.name,
        "source": source,
        "calibration": {"photos": len(photos), "sha256": hashlib.sha256(photos.tobytes()).hexdigest()},
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def output_paths(name: str, recipe: Recipe, groups: list[tuple[tuple[int, int], ...]], out: Path | None) -> list[Path]:
    """Where each file goes; refuses to overwrite before anything is computed."""
    suffix = ".tflite" if recipe.target == "tflite" else ".mlpackage"
    if out is not None and out.is_file():
        refuse_existing(out)  # it cannot be the folder either
    of = f"{name}-coreml-{recipe.name}-" if recipe.target == "coreml" else f"{name}-{recipe.name}-"
    labels = [of + "-".join(f"{w}x{h}" for h, w in group) for group in groups]
    if out is None:
        places = [EXPORTS / label / f"model{suffix}" for label in labels]
    elif out.suffix in (".tflite", ".mlpackage"):
        if len(groups) > 1:
            raise UsageError(f"`out={out}` names one file, but `size` asks for {len(groups)}; name a folder")
        if out.suffix != suffix:
            raise UsageError(f"`out={out}` does not fit `target={recipe.target}`, which writes {suffix}")
        places = [out]
    elif len(groups) == 1:
        places = [out / f"model{suffix}"]
    else:
        places = [out / label / f"model{suffix}" for label in labels]
    for path in places:
        refuse_existing(path)
        if not is_left_alone(path):
            refuse_existing(card_path(path))
    return places


def _mix(training: Card, recipe: Recipe) -> dict[str, Any]:
    """What the card says of the second input; nothing of a file of one style."""
    names = [style["name"] for style in styles_of(training)]
    if not names:
        return {}
    in_bytes = recipe.pixels == "uint8"
    mix = {
        "name": MIX,
        "shape": [1, len(names), 1, 1] if recipe.target == "coreml" else [1, 1, 1, len(names)],
        "type": "uint8" if in_bytes else "float32",
        "scale": float(np.float32(1 / WHOLE)) if in_bytes else 1.0,
        "zero_point": 0,
        "styles": names,
    }
    return {"mix": mix}


def _write(
    path: Path,
    convolutions: Sequence[Convolution],
    recipe: Recipe,
    sizes: tuple[tuple[int, int], ...],
    quantization: Quantization | None,
    described: dict[str, Any],
) -> dict[str, Any]:
    """Writes the file, and beside it its card, which is returned; nothing was measured yet."""
    tools = ("mobile-style", "coremltools") if recipe.target == "coreml" else ("mobile-style", "ai-edge-litert")
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
        "output": {"name": "stylized"} | tensor,
        **_mix(described["source"]["training"], recipe),
        "tools": {tool: version(tool) for tool in tools},
        "file": None,
        "fidelity": None,
    }
    with writing(path) as temporary:
        if recipe.target == "coreml":
            from . import coreml

            about = {
                "author": "mobile-style",
                "license": LICENSE,
                "version": described["source"]["sha256"][:12],
                "short_description": f"Paints photos in the style of {card['style']}",
                "mobile_style": json.dumps(for_apps(card)),
            }
            coreml.write(temporary, convolutions, sizes, 8 if recipe.weights == "int8" else 16, about)
        else:
            from . import tflite

            temporary.write_bytes(tflite.convert(convolutions, recipe, sizes[0], quantization, for_apps(card)))
        files = [temporary] if temporary.is_file() else [file for file in temporary.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        card |= {"file": {"name": printable(path.name), "bytes": size, "sha256": digest(temporary)}}
        write_card(path, card)  # before the file is there: a process that is killed leaves no file without its card
    return card
