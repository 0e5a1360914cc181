"""What a training minimizes: layers and weights of the losses, and their named presets."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from ..errors import UsageError

VGG16_LAYERS = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3")
VGG16_CHANNELS = {layer: 32 * 2 ** int(layer[0]) for layer in VGG16_LAYERS}


@dataclass(frozen=True)
class Objective:
    """Which features of the loss network are compared, how, and with what weights.

    Attributes:
        content_layers: VGG-16 layers ("3_3" is relu3_3) whose features are compared.
        style_layers: VGG-16 layers whose Gram matrices are compared.
        content_weight, style_weight, tv_weight: factors of the three losses in the total.
        reduction: how the squared differences of two Gram matrices become a number: "mean" over
            their elements, or "sum" (the squared Frobenius norm of the paper).
    """

    content_layers: tuple[str, ...] = ("3_3",)
    style_layers: tuple[str, ...] = ("1_2", "2_2", "3_3", "4_3")
    content_weight: float = 1.0
    style_weight: float = 5.0
    tv_weight: float = 1e-6
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
# and normalizations as published. VGG-16 here takes pixels of 0..255 and ends at relu4_3; what a source does otherwise
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
