import json
import re
from pathlib import Path

import numpy as np
import pytest

from mobile_style.errors import ImageError, OutputError, UsageError
from mobile_style.evaluation.evaluate import evaluate, write
from mobile_style.media import images
from mobile_style.network.card import MODEL
from mobile_style.network.catalog import bundled_photos, style_path
from mobile_style.network.transform_net import load_network
from mobile_style.progress import Note, Step
from mobile_style.training.config import TrainConfig
from mobile_style.training.losses import PerceptualLoss


@pytest.mark.slow
def test_the_table_is_what_it_says(trained_run: Path, tmp_path: Path) -> None:
    result = evaluate(str(trained_run), size=48, iterations=(4, 2), limit=2)
    assert [row.method for row in result.rows] == [
        *("photo", "network", "optimization, 2 iterations", "optimization, 4 iterations")
    ]
    photo, network, two, four = result.rows
    assert photo.content == 0 and photo.style > network.style and two.total > four.total > 0
    assert four.speedup == pytest.approx(four.seconds / network.seconds)
    write(result, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert written["rows"][1]["style"] == network.style and len(written["photos"]) == 2
    assert images.load(tmp_path / "out" / "grid.png").shape == (2 * (48 + 24) + 4, 4 * 48 + 12, 3)
    with pytest.raises(OutputError, match="exists"):
        write(result, tmp_path / "out")


@pytest.mark.slow
def test_what_is_done_when_it_is_stopped_is_kept(trained_run: Path) -> None:
    def until(words: str) -> list[str]:
        """The notes of an evaluation that is stopped when one has these words, and its rows and photos."""
        said: list[str] = []

        def stop(event: Note | Step) -> None:
            if isinstance(event, Note):
                said.append(str(event))
                if words in str(event):
                    raise KeyboardInterrupt

        result = evaluate(str(trained_run), size=48, iterations=(2, 4), limit=3, progress=stop)
        assert result.stopped and len(result.pictures) == len(result.photos)
        return [*said, *(row.method for row in result.rows), str(len(result.photos))]

    first, rest, *_, methods, count = until("photo 3 of 3, 2 iterations")
    assert first.startswith("photo 1 of 3, 2 iterations, ") and ": content " in first and "total" in first
    assert re.fullmatch(r"the rest takes about \d+ seconds", rest)
    assert (methods, count) == ("optimization, 4 iterations", "2")
    *_, methods, count = until("photo 1 of 3, 2 iterations")
    assert (methods, count) == ("optimization, 2 iterations", "1")
    with pytest.raises(KeyboardInterrupt):
        evaluate(str(trained_run), size=48, iterations=(2,), limit=1, progress=interrupt_at_once)


def interrupt_at_once(_: Note | Step) -> None:
    raise KeyboardInterrupt


def test_a_photo_that_cannot_be_read_is_skipped(trained_run: Path, photos: Path) -> None:
    (photos / "0.jpg").write_text("no photo")
    said: list[Note | Step] = []
    result = evaluate(str(trained_run), photos=photos, size=48, limit=1, progress=said.append)
    assert result.photos == ("1.png",)
    assert ["0.jpg is not an image" in str(note) for note in said if isinstance(note, Note)] == [True]


def test_the_network_row_by_hand(trained_run: Path) -> None:
    result = evaluate(str(trained_run), size=48, limit=1)
    network, card = load_network(trained_run / MODEL)
    photo = images.center_square(images.load(images.find([bundled_photos("held_out")])[0]), 48)
    config = TrainConfig.from_card(card)
    style = images.with_shorter_side(images.load(style_path("starry_night")), config.style_size)
    perceptual = PerceptualLoss(config.objective, style)
    batch = photo[None].astype(np.float32)
    output = np.clip(np.rint(np.asarray(network(batch))), 0, 255)
    parts = perceptual.parts(output, perceptual.content_targets(batch))
    assert result.rows[1].style == pytest.approx(float(parts["style"][0]), rel=1e-4)
    assert result.rows[1].content == pytest.approx(float(parts["content"][0]), rel=1e-4)


def test_bad_input(trained_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`size`"):
        evaluate(str(trained_run), size=0)
    with pytest.raises(UsageError, match="`optimize`"):
        evaluate(str(trained_run), iterations=(0,))
    with pytest.raises(ImageError, match="no photos"):
        evaluate(str(trained_run), photos=tmp_path)
    with pytest.raises(ImageError, match="neither a file nor a bundled painting"):
        evaluate(str(trained_run), style="mona_lisa")
