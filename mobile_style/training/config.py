"""Every setting of a training, as data.

Nothing here computes, so the command line can show the defaults without loading Keras.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from math import inf
from pathlib import Path
from typing import Any, Literal, get_args

from ..documents import read_document
from ..errors import CheckpointError, UsageError
from ..network.architecture import PRESETS, Architecture
from ..network.backend import Precision
from ..network.card import Card, architecture_of, read_card
from ..network.catalog import DEFAULT, START, model_path, style_path
from .objective import OBJECTIVES, Objective
from .paintings import StyleEntry, is_list, list_styles
from .style_crop import check_crop

MOST_STEPS = 10**9
ROUGH_SIZE = 2 / 3  # side of the first crops, in `image_size`


@dataclass(frozen=True)
class TrainConfig:
    """Every setting of a training; stored in the checkpoint.

    Attributes:
        style: file of the style image, or the name of a bundled one; for many styles, their names.
        styles: the styles of a network of many, which take turns; else none.
        content: folder of photos or of shards; empty for the bundled photos.
        architecture: the network's; `preset` is its name.
        objective: the losses.
        style_size: shorter side of the style image in pixels: the scale of the strokes.
        style_crop: the part of the style image that is used, LEFT,TOP,WIDTH,HEIGHT (style_crop.py); empty for all.
        image_size: side of the square crops that are trained on; the first ones are smaller (run.py).
        steps: optimizer steps of `batch_size` crops each; or
        minutes: wall-clock time. The other one is 0.
        learning_rate: its peak, between a short warm-up and a cosine to zero. None for one that suits the number of
            steps.
        qat_weight: factor of the quantization-aware training loss: the squared difference, in gray levels, that int8's
            rounding makes to the output.
        temporal_weight: factor of the squared difference, in gray levels, between neighboring frames of a video.
        checkerboard_weight: factor of the checkerboard loss.
        palette_weight: factor of the palette loss: the squared distance, in CIE Lab, between the sorted colors of the
            output and of the painting.
        brightness_weight: factor of the brightness loss: the squared difference, in gray levels, between the blurred
            brightness of the output and of the photo.
        loss_precision: precision of the loss network in training; "auto" for the fastest on the machine.
        init: model whose weights are the start; empty to start from random ones.
        only_style: leave the kernels of `init` as they are, and train the scales and offsets of new styles.
    """

    style: str
    content: str
    preset: str
    architecture: Architecture
    objective: Objective = field(default_factory=Objective)
    style_size: int = 256
    style_crop: str = ""
    image_size: int = 192
    batch_size: int = 1
    steps: int = 4000
    minutes: float = 0.0
    learning_rate: float | None = None
    qat_weight: float = 4000.0
    temporal_weight: float = 0.0
    checkerboard_weight: float = 4000.0
    palette_weight: float = 0.0
    brightness_weight: float = 0.0
    loss_precision: Literal["auto"] | Precision = "auto"
    seed: int = 0
    init: str = ""
    styles: tuple[StyleEntry, ...] = ()
    only_style: bool = False
    checkpoint_every: int = 100
    preview_every: int = 200

    def __post_init__(self) -> None:
        for name in ("style", "content", "init"):
            try:
                getattr(self, name).encode()
            except UnicodeError:
                raise UsageError(f"`{name}`: the path is not in UTF-8, as a checkpoint needs it; rename it") from None
        for name in ("style_size", "image_size"):
            if not 32 <= getattr(self, name) <= 4096:
                raise UsageError(f"`{name}` must be from 32 to 4096, not {getattr(self, name)}")
        check_crop(self.style_crop)
        if self.image_size % 4:
            raise UsageError(f"`image_size` must be a multiple of 4, not {self.image_size}")
        if bool(self.steps) == bool(self.minutes):
            raise UsageError("give exactly one of `steps` and `minutes`, above 0")
        for name, most in (("batch_size", 1024), ("checkpoint_every", MOST_STEPS), ("preview_every", MOST_STEPS)):
            if not 1 <= getattr(self, name) <= most:
                raise UsageError(f"`{name}` must be from 1 to {most}, not {getattr(self, name)}")
        if not 0 <= self.steps <= MOST_STEPS:
            raise UsageError(f"`steps` must be from 1 to {MOST_STEPS}, not {self.steps}")
        if not 0 <= self.minutes <= 100_000:
            raise UsageError(f"`minutes` must be above 0 and at most 100000, not {self.minutes:g}")
        if self.loss_precision not in ("auto", *get_args(Precision)):
            raise UsageError(f"`loss_precision` must be auto, float32 or bfloat16, not {self.loss_precision}")
        if self.learning_rate is not None and not 0 < self.learning_rate <= 1:
            raise UsageError(f"`learning_rate` must be above 0 and at most 1, not {self.learning_rate}")
        for name in ("qat_weight", "temporal_weight", "checkerboard_weight", "palette_weight", "brightness_weight"):
            if not 0 <= getattr(self, name) < inf:
                raise UsageError(f"`{name}` must be finite and not negative: {getattr(self, name)}")
        if len(self.styles) > 1 and self.style_crop:
            raise UsageError("`style_crop` is of one painting; of several, a list (JSON) has the parts")
        if self.only_style and not (self.init and self.styles):
            raise UsageError("`only_style` needs a network whose kernels stay as they are; name it with `init`")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"`seed` must be from 0 to {2**32 - 1}, not {self.seed}")

    @property
    def rough_size(self) -> int:
        """Side of the crops in the rough phase."""
        return max(32, int(self.image_size * ROUGH_SIZE) // 4 * 4)

    @property
    def packed_size(self) -> int:
        """Shorter side of photos that are packed for this training: crops are zoomed into by a quarter at most."""
        return max(288, round(self.image_size * 1.25))

    def without_paths(self) -> "TrainConfig":
        """The settings to share: file names in place of this machine's paths."""
        names = {key: Path(getattr(self, key)).name for key in ("style", "content", "init")}
        styles = tuple(replace(entry, file=Path(entry.file).name) for entry in self.styles)
        return replace(self, styles=styles, **names)  # type: ignore[arg-type]

    @classmethod
    def from_card(cls, card: Card) -> "TrainConfig":
        """The settings in a checkpoint's card.

        Raises:
            CheckpointError: one is missing, unknown, of another type or out of range.
        """
        try:
            content = json.dumps(card["config"]).encode()
            return read_document(cls, content, "the checkpoint's training configuration", CheckpointError)
        except UsageError as error:
            raise CheckpointError(f"the checkpoint's settings are not of this version ({error})") from None


def configure(
    style: str | Path | Sequence[str | Path] = DEFAULT,
    content: Path | str | None = None,
    preset: str | None = None,
    objective: str = "painterly",
    init: str | None = None,
    **overrides: Any,
) -> TrainConfig:
    """Puts a training's settings together from named presets and single overrides.

    Args:
        style: file of the style image, or the name of a bundled one; or several, folders of them, or a list in JSON,
            for a network of many styles.
        content: folder of photos or shards; None for the bundled photos.
        preset: name of an architecture; None for that of `init`, or "small".
        objective: name of a preset in `OBJECTIVES`.
        init: model whose weights are the start; "none" for random ones, None for the bundled `START` if it is of
            this architecture.
        **overrides: values by field name of `Architecture`, `Objective` or `TrainConfig`. A `temporal_weight` without
            a style weight raises the preset's style weight by a thousandth of it.

    Raises:
        UsageError: a name is unknown, or a value is out of range.
        ImageError: there is no such style image.
        CheckpointError: there is no such `init`.
    """
    known = {field.name for kind in (Architecture, Objective, TrainConfig) for field in fields(kind)}
    if unknown := sorted(set(overrides) - known):
        raise UsageError(f"there is no setting `{unknown[0]}`; `mobile-style train --help` lists them")
    if content is not None and not Path(content).is_dir():
        raise UsageError(f"`content={content}` is not a folder")
    name, styles = _styles(style, overrides.get("only_style", False))
    start = None if init in (None, "none") else str(init)
    if preset is None and start is not None:
        chosen = read_card(model_path(start))
        preset, architecture = chosen["config"]["preset"], architecture_of(chosen)
    else:
        preset = preset or "small"
        architecture = _named(PRESETS, preset, "preset")

    architecture = replace(architecture, **_settings_of(Architecture, overrides))
    if init is None and "only_style" not in overrides and architecture_of(read_card(model_path(START))) == architecture:
        start = START
    weighed = replace(_named(OBJECTIVES, objective, "objective"), **_settings_of(Objective, overrides))
    if "style_weight" not in overrides:
        # Steady strokes would cost style: so much more weight keeps it (docs/training.md).
        weighed = replace(weighed, style_weight=weighed.style_weight * (1 + overrides.get("temporal_weight", 0) / 1000))
    if "minutes" in overrides:
        overrides = {"steps": 0} | overrides
    return TrainConfig(
        style=name,
        styles=styles,
        content="" if content is None else str(Path(content).resolve()),  # a run may be resumed from elsewhere
        preset=preset,
        architecture=architecture,
        objective=weighed,
        init=start or "",
        **_settings_of(TrainConfig, overrides),
    )


def _styles(style: str | Path | Sequence[str | Path], alone: bool) -> tuple[str, tuple[StyleEntry, ...]]:
    """The name of a training's style; and its styles, if it trains many, or styles alone."""
    given = [str(each) for each in ([style] if isinstance(style, str | Path) else style)]
    if alone or len(given) != 1 or is_list(given[0]):
        styles = list_styles(given)
        return ", ".join(entry.name for entry in styles), styles
    style_path(given[0])  # fails early
    return given[0], ()


def _settings_of(kind: type[Architecture | Objective | TrainConfig], overrides: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in overrides.items() if name in names}


def _named(table: dict[str, Any], name: str, parameter: str) -> Any:
    if name not in table:
        raise UsageError(f"`{parameter}={name}` is unknown; choose from {', '.join(table)}")
    return table[name]
