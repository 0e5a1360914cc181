"""Every setting of a training, as data: architectures, objectives and their named presets.

Nothing here computes, so the command line can show the defaults without loading Keras.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from math import inf
from pathlib import Path
from typing import Any, Literal, get_args

from .card import read_card
from .errors import CheckpointError, UsageError
from .models import START, model_path, style_path

ROUGH_SIZE = 2 / 3  # side of the first crops, in `image_size`
PLAIN = ("stem", "up2", "out")  # convolutions that nothing normalises
Precision = Literal["float32", "bfloat16"]
VGG16_LAYERS = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3")


@dataclass(frozen=True)
class Architecture:
    """The shape of a transform network.

    Attributes:
        width: channels at full resolution; doubled at each of the two downsamplings.
        blocks: residual blocks at a quarter of the resolution.
        end_kernel: side of the first and the last kernel.
    """

    width: int
    blocks: int
    end_kernel: int

    def __post_init__(self) -> None:
        if not (1 <= self.width <= 256 and 0 <= self.blocks <= 16 and self.end_kernel in range(1, 16, 2)):
            raise UsageError(f"--width must be 1 to 256, --blocks 0 to 16, --end-kernel odd and at most 15: {self}")

    def convolutions(self) -> list[tuple[str, int, int, int, int]]:
        """Every convolution: (name, kernel side, channels in, channels out, output downsampling)."""
        w, k = self.width, self.end_kernel
        blocks = [(f"block{b}{part}", 3, 4 * w, 4 * w, 4) for b in range(1, self.blocks + 1) for part in "ab"]
        return [
            ("stem", k, 3, w, 1),
            ("down1", 3, w, 2 * w, 2),
            ("down2", 3, 2 * w, 4 * w, 4),
            *blocks,
            ("up1", 3, 4 * w, 2 * w, 2),
            ("up2", 3, 2 * w, w, 1),
            ("out", k, w, 3, 1),
        ]

    def parameters(self) -> int:
        """Trainable numbers: kernels, and for each channel an offset, a scale, or both."""
        convolutions = self.convolutions()
        kernels = sum(k * k * i * o for _, k, i, o, _ in convolutions)
        one = (*PLAIN, *(f"block{b}b" for b in range(1, self.blocks + 1)))
        return kernels + sum(o if name in one else 2 * o for name, _, _, o, _ in convolutions)

    def macs(self, height: int = 256, width: int = 256) -> int:
        """Multiply-accumulates of the convolutions for one image of height x width pixels."""
        return sum(k * k * i * o * -(-height // down) * -(-width // down) for _, k, i, o, down in self.convolutions())


PRESETS = {
    "nano": Architecture(width=8, blocks=3, end_kernel=5),
    "small": Architecture(width=16, blocks=5, end_kernel=5),
    "base": Architecture(width=24, blocks=5, end_kernel=5),
    "johnson": Architecture(width=32, blocks=5, end_kernel=9),  # the paper's full network
}


@dataclass(frozen=True)
class Objective:
    """Which features of the loss network are compared, how, and with what weights.

    Attributes:
        content_layers: VGG-16 layers ("3_3" is relu3_3) whose features are compared.
        style_layers: VGG-16 layers whose Gram matrices are compared.
        content_weight, style_weight, tv_weight: factors of the three losses in the total.
        gram_divisor: what a Gram matrix is divided by: "chw" (the paper) or "hw".
        reduction: how the squared differences of two Gram matrices become a number: "mean" over
            their elements, or "sum" (the squared Frobenius norm of the paper).
    """

    content_layers: tuple[str, ...] = ("3_3",)
    style_layers: tuple[str, ...] = ("1_2", "2_2", "3_3", "4_3")
    content_weight: float = 1.0
    style_weight: float = 5.0
    tv_weight: float = 1e-6
    gram_divisor: Literal["chw", "hw"] = "chw"
    reduction: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        for layer in (*self.content_layers, *self.style_layers):
            if layer not in VGG16_LAYERS:
                raise UsageError(f"no layer {layer!r} in the loss network; choose from {', '.join(VGG16_LAYERS)}")
        if not self.style_layers or not self.content_layers:
            raise UsageError("an objective needs at least one content layer and one style layer")
        if not all(0 <= weight < inf for weight in (self.content_weight, self.style_weight, self.tv_weight)):
            raise UsageError("a loss weight must be a finite number, and not negative")


# "painterly", the default, is johnson's with more weight on the painting (docs/losses.md). The others: layers, weights
# and normalisations as published. VGG-16 here takes pixels of 0..255 and ends at relu4_3; what a source does otherwise
# is translated as docs/losses.md explains.
OBJECTIVES = {
    "painterly": Objective(style_weight=12.0),
    "johnson": Objective(),
    "lengstrom": Objective(
        content_layers=("4_2",),
        style_layers=("1_1", "2_1", "3_1", "4_1"),
        content_weight=7.5,
        style_weight=100.0,
        tv_weight=200 * 2 / (256 * 256 * 3),
    ),
    "pytorch-examples": Objective(content_layers=("2_2",), content_weight=30.2, style_weight=911.0, tv_weight=0.0),
    "olaralex-blog": Objective(
        content_layers=("2_2",), content_weight=1.0, style_weight=1e-4, tv_weight=0.0, reduction="sum"
    ),
}


@dataclass(frozen=True)
class TrainConfig:
    """Every setting of a training; stored in the checkpoint.

    Attributes:
        style: file of the style image, or the name of a carried one.
        content: folder of photos or of shards; empty for the carried photos.
        architecture: of the network; `preset` is its name.
        objective: the losses.
        style_size: shorter side of the style image in pixels: the scale of the strokes.
        image_size: side of the square crops that are trained on; the first ones are smaller (train.py).
        steps: optimizer steps of `batch_size` crops each; or
        minutes: wall-clock time. The other one is 0.
        learning_rate: at its peak; a short warm-up, then a cosine to zero. None for one that suits the number of steps.
        rounding_weight: factor of the squared difference, in grey levels, that int8's rounding makes to the output.
        stability: factor of the squared difference, in grey levels, between neighbouring frames of a video.
        loss_precision: of the loss network while training; "auto" for the fastest on the machine.
        init: model whose weights are the start; empty to start from random ones.
    """

    style: str
    content: str
    preset: str
    architecture: Architecture
    objective: Objective = field(default_factory=Objective)
    style_size: int = 256
    image_size: int = 192
    batch_size: int = 1
    steps: int = 4000
    minutes: float = 0.0
    learning_rate: float | None = None
    rounding_weight: float = 4000.0
    stability: float = 0.0
    loss_precision: Literal["auto"] | Precision = "auto"
    seed: int = 0
    init: str = ""
    checkpoint_every: int = 100
    preview_every: int = 200

    def __post_init__(self) -> None:
        for name in ("style_size", "image_size"):
            if not 32 <= getattr(self, name) <= 4096:
                raise UsageError(f"--{name.replace('_', '-')} must be from 32 to 4096, not {getattr(self, name)}")
        if self.image_size % 4:
            raise UsageError(f"--image-size must be a multiple of 4, not {self.image_size}")
        if bool(self.steps) == bool(self.minutes):
            raise UsageError("train for --steps or for --minutes, one of them and more than 0")
        for name in ("batch_size", "checkpoint_every", "preview_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")
        if self.steps < 0 or not 0 <= self.minutes <= 100_000:
            raise UsageError("--steps must be at least 1; --minutes above 0 and at most 100000")
        if self.loss_precision not in ("auto", *get_args(Precision)):
            raise UsageError(f"--loss-precision must be auto, float32 or bfloat16, not {self.loss_precision}")
        if self.learning_rate is not None and not 0 < self.learning_rate <= 1:
            raise UsageError(f"--learning-rate must be above 0 and at most 1, not {self.learning_rate}")
        for name in ("rounding_weight", "stability"):
            if not 0 <= getattr(self, name) < inf:
                raise UsageError(f"--{name.replace('_', '-')} must be finite and not negative: {getattr(self, name)}")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"--seed must be from 0 to {2**32 - 1}, not {self.seed}")

    @property
    def rough_size(self) -> int:
        """Side of the crops in the rough phase."""
        return max(32, int(self.image_size * ROUGH_SIZE) // 4 * 4)

    @property
    def packed_size(self) -> int:
        """Shorter side of photos that are packed for this training: crops are zoomed into by a quarter at most."""
        return max(288, round(self.image_size * 1.25))

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "TrainConfig":
        """The settings in a checkpoint's card; keys that this version does not know are refused."""
        values = dict(card["config"])
        try:
            objective = dict(values.pop("objective"))
            for layers in ("content_layers", "style_layers"):
                objective[layers] = tuple(objective[layers])
            return cls(
                architecture=Architecture(**values.pop("architecture")), objective=Objective(**objective), **values
            )
        except (TypeError, KeyError, ValueError) as error:
            raise CheckpointError(f"the checkpoint's settings are not of this version ({error})") from None


def configure(
    style: str,
    content: Path | None,
    preset: str | None,
    objective: str,
    init: str | None,
    overrides: dict[str, Any],
) -> TrainConfig:
    """Puts a training's settings together from named presets and single overrides.

    Args:
        style: file of the style image, or the name of a carried one.
        content: folder of photos or shards; None for the carried photos.
        preset: of the architecture; None for that of `init`, or "small".
        objective: name of a preset in `OBJECTIVES`.
        init: model whose weights are the start; "none" for random ones, None for the bundled `START` if it is of
            this architecture.
        overrides: values by field name of `Architecture`, `Objective` or `TrainConfig`. A stability without a style
            weight raises the preset's style weight by a thousandth of it.
    """
    if content is not None and not content.is_dir():
        raise UsageError(f"--content {content} is not a folder")
    style_path(style)  # fails early
    start = None if init in (None, "none") else str(init)
    if preset is None and start is not None:
        chosen = read_card(model_path(start))["config"]
        preset, architecture = chosen["preset"], Architecture(**chosen["architecture"])
    else:
        preset = preset or "small"
        architecture = _named(PRESETS, preset, "--preset")

    def pick(kind: type[Architecture | Objective | TrainConfig]) -> dict[str, Any]:
        names = {field.name for field in fields(kind)}
        return {name: value for name, value in overrides.items() if name in names}

    architecture = replace(architecture, **pick(Architecture))
    if init is None and read_card(model_path(START))["config"]["architecture"] == asdict(architecture):
        start = START
    weighed = replace(_named(OBJECTIVES, objective, "--objective"), **pick(Objective))
    if "style_weight" not in overrides:
        # Steady strokes would cost style: so much more weight keeps it (docs/training.md).
        weighed = replace(weighed, style_weight=weighed.style_weight * (1 + overrides.get("stability", 0) / 1000))
    if "minutes" in overrides:
        overrides = {"steps": 0} | overrides
    return TrainConfig(
        style=style,
        content="" if content is None else str(content.resolve()),  # a run may be resumed from elsewhere
        preset=preset,
        architecture=architecture,
        objective=weighed,
        init=start or "",
        **pick(TrainConfig),
    )


def further(config: TrainConfig, out: Path) -> str:
    """The command that trains the run in `out` further with the same losses: what is not the default is named."""

    def kind(objective: Objective) -> tuple[Any, ...]:
        return objective.content_layers, objective.style_layers, objective.gram_divisor, objective.reduction

    named = next((name for name, each in OBJECTIVES.items() if kind(each) == kind(config.objective)), "painterly")
    usual = {"content": "", "objective": "painterly"} | asdict(OBJECTIVES[named])
    chosen: dict[str, Any] = {"content": config.content, "objective": named}
    for name in ("style_size", "rounding_weight", "stability"):
        usual[name], chosen[name] = getattr(TrainConfig, name), getattr(config, name)
    for name in ("content_layers", "style_layers", "content_weight", "style_weight", "tv_weight"):
        chosen[name] = getattr(config.objective, name)
    if config.stability:
        usual["style_weight"] = None  # or it would be raised once more
    command = f"mobile-style train --init {out} --style {out / 'style.png'}"
    for name, value in chosen.items():
        if value != usual[name]:
            text = ",".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else value
            command += f" --{name.replace('_', '-')} {text}"
    return command


def _named(table: dict[str, Any], name: str, flag: str) -> Any:
    if name not in table:
        raise UsageError(f"{flag} {name} is not known; choose from {', '.join(table)}")
    return table[name]
