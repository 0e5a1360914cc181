"""The shape of a transform network, and its named presets.

Nothing here computes, so the command line can show the presets without loading Keras.
"""

from dataclasses import dataclass
from math import prod

from ..errors import UsageError

PLAIN = ("stem", "up2", "out")  # convolutions that nothing normalizes
EPSILON = 3e-3  # added to magnitudes, so that a channel that is silent in an image stays so
INPUT_SCALE = 1 / 255
OUTPUT_SCALE = 25.0
OUTPUT_OFFSET = 127.5
SMALLEST = 8  # pixels: at a quarter of it, there must be something left to reflect


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
            raise UsageError(f"`width` must be 1 to 256, `blocks` 0 to 16, `end_kernel` odd and at most 15: {self}")

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

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Shape of every trainable array: kernels as matrices, and for each channel an offset, a scale, or both."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, k, channels_in, channels_out, _ in self.convolutions():
            shapes[f"{name}_kernel"] = (k * k * channels_in, channels_out)
            if name not in PLAIN:
                shapes[f"{name}_scale"] = (channels_out,)
            # The second convolutions of blocks end in a sum, and the next convolutions have offsets of their own.
            if not (name.startswith("block") and name.endswith("b")):
                shapes[f"{name}_offset"] = (channels_out,)
        return shapes

    def parameters(self) -> int:
        """Trainable numbers."""
        return sum(prod(shape) for shape in self.weights().values())

    def macs(self, height: int = 256, width: int = 256) -> int:
        """Multiply-accumulates of the convolutions for one image of height x width pixels."""
        return sum(k * k * i * o * -(-height // down) * -(-width // down) for _, k, i, o, down in self.convolutions())


PRESETS = {
    "nano": Architecture(width=8, blocks=3, end_kernel=5),
    "small": Architecture(width=16, blocks=5, end_kernel=5),
    "base": Architecture(width=24, blocks=5, end_kernel=5),
    "johnson": Architecture(width=32, blocks=5, end_kernel=9),  # the paper's full network
}
