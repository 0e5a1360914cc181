"""Which limits of a gate (exporting/recipes.py) an exported file breaks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .. import metrics
from ..exporting.recipes import ENOUGH, Gate
from .figures import Figures, Fixed


@dataclass(frozen=True)
class Failure:
    """A limit of the gate that was not kept."""

    metric: str
    photo: str
    value: float
    limit: float

    def __str__(self) -> str:
        return f"{self.metric} of {self.photo} is {self.value:.4g}, the limit {self.limit:.4g}"


def failures(gate: Gate, rows: Sequence[Figures], mean: Figures, fixed: Fixed) -> Iterator[Failure]:
    """Yields every limit that the mean or a photo breaks. A figure that is not a number fails."""
    for row in rows:
        if not row.psnr >= gate.psnr_worst:
            yield Failure("PSNR", row.photo, row.psnr, gate.psnr_worst)
        if row.constant:
            yield Failure("range of colors", row.photo, 0.0, 1.0)
        if not row.block <= gate.places.block:
            yield Failure("worst block", row.photo, row.block, gate.places.block)
        if not row.line <= gate.places.line:
            yield Failure("worst row or column", row.photo, row.line, gate.places.line)
    if not mean.psnr >= gate.psnr_mean:
        yield Failure("PSNR", mean.photo, mean.psnr, gate.psnr_mean)
    if not mean.ssim >= gate.ssim_mean:
        yield Failure("SSIM", mean.photo, mean.ssim, gate.ssim_mean)
    for loss in ("content", "style"):
        growth = getattr(mean, loss) / getattr(mean, f"{loss}_reference") - 1
        if not growth <= gate.loss_growth:
            yield Failure(f"relative growth of the {loss} loss", mean.photo, growth, gate.loss_growth)
    for artifact in ("border", "checkerboard"):
        growth = getattr(mean, artifact) - getattr(mean, f"{artifact}_reference")
        if not growth <= gate.artifact:
            yield Failure(f"growth of the {artifact} score", mean.photo, growth, gate.artifact)
    if fixed.photos >= ENOUGH:
        for metric, value, limit in (
            *(
                (f"fixed spot of {side} pixels", spot, limit)
                for side, spot, limit in zip(metrics.SPOTS, fixed.spots, gate.places.fixed_spots, strict=True)
            ),
            ("fixed row or column", fixed.line, gate.places.fixed_line),
            *(
                (f"fixed pattern in {side} pixels", texture, limit)
                for side, texture, limit in zip(metrics.TEXTURES, fixed.textures, gate.places.textures, strict=True)
            ),
            (f"foreign color in {metrics.FOREIGN} pixels", fixed.foreign, gate.places.foreign),
            ("change of the detail", fixed.detail, gate.places.detail),
            ("tint", fixed.tint, gate.places.tint),
            ("tone", fixed.tone, gate.places.tone),
            ("color", fixed.color, gate.places.color),
            ("tint of a mix", fixed.mixed_tint, gate.places.mixed_tint),
            ("tone of a mix", fixed.mixed_tone, gate.places.mixed_tone),
            ("color of a mix", fixed.mixed_color, gate.places.mixed_color),
        ):
            if not value <= limit:
                yield Failure(metric, mean.photo, value, limit)
