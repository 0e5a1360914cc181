import numpy as np
import pytest

from mobile_style.evaluation.pixel_optimization import PixelOptimizer
from mobile_style.media import images
from mobile_style.training.losses import PerceptualLoss
from mobile_style.training.objective import OBJECTIVES


def test_gradient_against_finite_differences(rng: np.random.Generator) -> None:
    style, content = rng.uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)
    optimizer = PixelOptimizer(PerceptualLoss(OBJECTIVES["johnson"], style), 16, 16)
    targets = optimizer.canvas.perceptual.content_targets(content[None])
    pixels = rng.uniform(50, 200, (1, 16, 16, 3)).astype(np.float32)
    _, gradient = optimizer.loss_and_gradient(pixels, targets)
    direction = (gradient / np.linalg.norm(gradient)).reshape(pixels.shape).astype(np.float32)
    step = 0.5
    above, below = (optimizer.loss_and_gradient(pixels + sign * step * direction, targets)[0] for sign in (1, -1))
    np.testing.assert_allclose((above - below) / (2 * step), np.linalg.norm(gradient), rtol=0.02)


@pytest.mark.slow
def test_the_loss_falls_with_the_iterations(astronaut: np.ndarray) -> None:
    content, style = images.center_square(astronaut, 48), np.ascontiguousarray(astronaut[:64, :64])
    perceptual = PerceptualLoss(OBJECTIVES["johnson"], style)
    snapshots = PixelOptimizer(perceptual, 48, 48).run(content, (2, 5, 10), start=content)
    batch = content[None].astype(np.float32)
    losses = [
        float(perceptual.total(perceptual.parts(image[None], perceptual.content_targets(batch)))[0])
        for image in (batch[0], *(snapshot.image for snapshot in snapshots))
    ]
    assert [snapshot.iterations for snapshot in snapshots] == [2, 5, 10]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.5 * losses[0]
    assert all(s.image.min() >= 0 and s.image.max() <= 255 for s in snapshots)
    assert snapshots[0].seconds < snapshots[-1].seconds
