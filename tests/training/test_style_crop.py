"""The part of a painting that is trained on, from the command line to the losses."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from conftest import tiny_config
from mobile_style.cli.training import further
from mobile_style.errors import ImageError, UsageError
from mobile_style.evaluation.style_grams import losses_of
from mobile_style.media import images
from mobile_style.network.card import MODEL, read_card, untrained_card, upgraded
from mobile_style.network.catalog import style_path
from mobile_style.training.config import TrainConfig
from mobile_style.training.style_crop import cropped
from mobile_style.training.train import resume, train


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("", (0, 100), (0, 200)),
        ("20,10,150,80", (10, 90), (20, 170)),
        ("10%,0,90%,100%", (0, 100), (20, 200)),
        ("0, 5, 50%, 95", (5, 100), (0, 100)),
        ("33.3%,66.7%,66.7%,33.3%", (67, 100), (67, 200)),
    ],
)
def test_a_part_of_a_picture(
    text: str, rows: tuple[int, int], columns: tuple[int, int], rng: np.random.Generator
) -> None:
    picture = rng.integers(0, 256, (100, 200, 3), np.uint8)
    np.testing.assert_array_equal(cropped(picture, text), picture[slice(*rows), slice(*columns)])


@pytest.mark.parametrize(
    "text", ["1,2,3", "1,2,3,4,5", "a,0,5,5", "-1,0,5,5", "0,0,0,5", "0,0,5 %,5", "50%", "0,0,1e3,5"]
)
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(UsageError, match="`style_crop` takes a part of the painting such as 86,0,938,640"):
        tiny_config(style_crop=text)


@pytest.mark.parametrize("text", ["0,0,201,100", "150,0,60,10", "0,50%,100%,51%", "200,0,1,1", "0,0,0.1%,100%"])
def test_a_part_that_is_not_in_the_picture(text: str) -> None:
    with pytest.raises(ImageError, match=r"of wave\.jpg, which is 200 x 100 pixels: LEFT \+ WIDTH may be at most 200"):
        cropped(np.zeros((100, 200, 3), np.uint8), text, "wave.jpg")


def test_a_part_that_is_smaller_than_the_style_size(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"`style_crop=0,0,90,40` of starry_night is 90 x 40 .* or `style_size=40`"):
        train(tiny_config(style_crop="0,0,90,40"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_training_sees_the_part_and_every_later_command_too(no_steps: None, tmp_path: Path) -> None:
    painting = images.load(style_path("starry_night"))
    height, width = painting.shape[:2]
    part = images.with_shorter_side(painting[: height // 2, width // 2 :], 48)
    config = tiny_config(style_crop=f"{width // 2},0,{width - width // 2},{height // 2}", steps=2)
    train(config, tmp_path / "run")
    kept = images.load(tmp_path / "run" / "style.png")
    np.testing.assert_array_equal(kept, part)
    stored = TrainConfig.from_card(read_card(tmp_path / "run" / MODEL))
    assert stored.style_crop == config.style_crop
    resume(tmp_path / "run")
    assert "style-crop" not in further(stored, tmp_path / "run")  # style.png is the part already
    grams = losses_of(tmp_path / "run" / MODEL, stored).style_grams
    (tmp_path / "run" / "style.png").unlink()
    again = losses_of(tmp_path / "run" / MODEL, stored).style_grams  # from the painting
    whole = losses_of(tmp_path / "run" / MODEL, stored, style_path("starry_night")).style_grams  # one that is named
    for layer, gram in grams.items():
        np.testing.assert_allclose(again[layer], gram)
        assert not np.allclose(whole[layer], gram)


def test_earlier_cards_have_none() -> None:
    settings = asdict(tiny_config())
    del settings["style_crop"]
    card = upgraded(dict(untrained_card(settings)))
    assert TrainConfig.from_card(card).style_crop == ""  # type: ignore[arg-type]
