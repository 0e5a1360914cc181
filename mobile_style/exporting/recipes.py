"""Every way to quantize an export, and the gate that each must pass: one table.

Nothing here computes, so the command line can show the table without loading TensorFlow.
"""

from dataclasses import dataclass

from ..errors import UsageError


@dataclass(frozen=True)
class Places:
    """Where an export may be off, in gray levels: a small spot costs hardly any PSNR, and is plain to see.

    Attributes:
        block, line: of each photo, by `metrics.block` and `metrics.line`.
        fixed_spots, fixed_line, tint: of the mean difference over all photos of a size, by `metrics.spot` for each side
            of `metrics.SPOTS`, `line` and `tint`. What rounding does to one photo is elsewhere in the next; what is
            broken adds up. With fewer than `ENOUGH` photos they do not count.
        textures: of the same, by `metrics.texture` for each side of `metrics.TEXTURES`: a fixed pattern, such as a
            checkerboard or a ripple, that is neither light nor dark as a whole.
        foreign: of the mean of `metrics.foreign` over them, by `metrics.spot` for the side `metrics.FOREIGN`: a place
            where colors are exchanged, which leaves its mean as it is.
        detail: of all photos of a size, by `metrics.detail`, as a share, 0 to 1: blur, sharpening, noise.
            With fewer than `ENOUGH`, it does not count.
        tone, color: of the difference over all photos, by `metrics.tone` and `metrics.color`; neither.
        mixed_tint, mixed_tone, mixed_color: those of a mix of styles, whose scales and offsets are rounded once more
            when they are mixed; what is broken shows in the styles alone, too. A tint counts in the tone and in the
            color, so all have the same room.
    """

    block: float
    line: float
    fixed_spots: tuple[float, ...]
    fixed_line: float
    textures: tuple[float, ...]
    foreign: float
    detail: float
    tint: float
    tone: float
    color: float
    mixed_tint: float
    mixed_tone: float
    mixed_color: float


@dataclass(frozen=True)
class Gate:
    """What an export must keep of the float reference, on the photos that it is validated on.

    Attributes:
        psnr_mean, psnr_worst: dB over all photos, and of the worst one.
        ssim_mean: 0 to 1.
        loss_growth: largest relative growth of the mean content and of the mean style loss. The losses are what makes
            the picture; an export can be near in PSNR and lose them. Some lose nothing and fall: the grain of int8 is
            nearer to a painting than a smooth picture is.
        places: where it may be off, and by how much.
        artifact: largest growth of the mean border and checkerboard scores, in gray levels.
    """

    psnr_mean: float
    psnr_worst: float
    ssim_mean: float
    places: Places
    loss_growth: float = 0.05
    artifact: float = 0.5


@dataclass(frozen=True)
class Recipe:
    """A row of the table.

    Attributes:
        target: "tflite" or "coreml".
        weights, activations: how they are stored and computed with.
        pixels: type of the input and the output in the file's signature.
    """

    name: str
    target: str
    weights: str
    activations: str
    pixels: str
    gate: Gate
    summary: str


ENOUGH = 4  # photos, for their mean difference to tell what is fixed
BYTES = Places(
    block=20, line=12, fixed_spots=(20, 10, 6), fixed_line=4, textures=(5, 1.8, 0.8),
    foreign=7, detail=0.2, tint=1.1, tone=2.2, color=2.8, mixed_tint=2, mixed_tone=3.1, mixed_color=3.7,
)  # fmt: skip
FLOATS = Places(
    block=4, line=1, fixed_spots=(2, 1, 0.5), fixed_line=0.5, textures=(0.5, 0.2, 0.1),
    foreign=0.5, detail=0.03, tint=0.3, tone=0.3, color=0.3, mixed_tint=0.3, mixed_tone=0.3, mixed_color=0.3,
)  # fmt: skip

# The limits are the project's own requirements (docs/quantization.md has what was measured, which
# lies above each); those of float32 are rounding to bytes and nothing else.
RECIPES = (
    Recipe(
        "float32", "tflite", "float32", "float32", "float32",
        Gate(58, 55, 0.999, FLOATS), "the reference on the phone: four times the size and time of int8",
    ),
    Recipe(
        "float16", "tflite", "float16", "float32", "float32",
        Gate(55, 52, 0.999, FLOATS), "for GPU delegates, which compute in float16 anyway",
    ),
    Recipe(
        "dynamic_int8", "tflite", "int8", "float32", "float32",
        Gate(38, 35, 0.98, BYTES), "small file, no calibration; activations are rounded as they come",
    ),
    Recipe(
        "int8", "tflite", "int8", "int8", "uint8",
        Gate(38, 35, 0.98, BYTES), "full integer: a camera's bytes in, bytes out, the fastest on CPUs",
    ),
    Recipe(
        "float16", "coreml", "float16", "float16", "image",
        Gate(45, 42, 0.99, FLOATS), "for the Neural Engine and the GPU",
    ),
    Recipe(
        "int8", "coreml", "int8", "float16", "image",
        Gate(38, 35, 0.98, BYTES), "half the size of float16; weights are expanded when they are loaded",
    ),
)  # fmt: skip

TARGETS = tuple(dict.fromkeys(recipe.target for recipe in RECIPES))


def find_recipe(target: str, name: str) -> Recipe:
    """The row of `RECIPES`.

    Args:
        target: "tflite" or "coreml".
        name: the recipe's name, such as "int8".

    Raises:
        UsageError: there is no such target, or it has no such recipe.
    """
    if target not in TARGETS:
        raise UsageError(f"`target={target}` is unknown; choose from {', '.join(TARGETS)}")
    rows = {recipe.name: recipe for recipe in RECIPES if recipe.target == target}
    if name not in rows:
        raise UsageError(f"`target={target}` has no recipe {name}; choose from {', '.join(rows)}")
    return rows[name]
