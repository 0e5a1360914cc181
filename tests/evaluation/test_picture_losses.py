import numpy as np
import pytest
from keras import ops

from mobile_style.evaluation.picture_losses import PictureLosses
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.training.losses import PerceptualLoss
from mobile_style.training.objective import OBJECTIVES


@pytest.mark.slow
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_losses_are_those_that_training_differentiates(name: str, astronaut: np.ndarray) -> None:
    objective, style = OBJECTIVES[name], astronaut[100:180, 60:152]
    photo = images.center_square(images.load(bundled_photos("held_out") / "espresso_cup.jpg"), 64)
    losses, trained = PictureLosses(objective, style), PerceptualLoss(objective, style)
    pictures = [photo, 255 - photo]
    targets = trained.content_targets(ops.convert_to_tensor(photo[None].astype(np.float32)))
    for picture, found in zip(pictures, losses(photo, pictures), strict=True):
        parts = trained.parts(ops.convert_to_tensor(picture[None].astype(np.float32)), targets)
        for loss, value in (parts | {"total": trained.total(parts)}).items():
            assert found[loss] == pytest.approx(float(value[0]), rel=1e-4, abs=1e-6), loss
