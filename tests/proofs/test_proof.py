"""The proof before a training: its cells, its commands, and that its short trainings are trainings."""

import json
import shlex
from pathlib import Path

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import arrays
from mobile_style.cli import app
from mobile_style.errors import UsageError
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos, model_path, style_path
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.transform_net import load_weights
from mobile_style.proofs import proof as proof_module
from mobile_style.proofs.plan import plan
from mobile_style.proofs.proof import proof
from mobile_style.proofs.short_training import NO_MOTION, WARMUP, ShortTraining
from mobile_style.training.config import TrainConfig, configure
from mobile_style.training.dataset import Batches, Photos, build
from mobile_style.training.train import style_image
from mobile_style.training.trainer import LEARNING_RATE, make_trainer

runner = CliRunner()


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    """A small picture of a painting, named as files may be."""
    path = tmp_path / "my painting's scan.png"
    images.save(images.resized(images.load(style_path("starry_night")), 200, 320), path)
    return path


def test_the_cells_of_a_large_painting() -> None:
    said, cells = plan("starry_night", np.zeros((900, 1200, 3), np.uint8), "")
    assert [cell.name for cell in cells] == [f"{column}{row}" for row in (1, 2, 3) for column in "abc"]
    assert "pixels" not in [remark.kind for remark in said]
    settings = {cell.name: cell.config for cell in cells}
    assert settings["a2"] == configure("starry_night")  # the middle of the sheet is what is trained by default
    assert settings["b2"].palette_weight == 4000
    assert settings["c3"].style_crop == "240,180,720,540" and settings["c3"].style_size == 512


def test_a_crop_is_the_whole_of_its_proof_and_a_small_painting_has_fewer_cells() -> None:
    said, cells = plan("starry_night", np.zeros((500, 900, 3), np.uint8), "100,50,400,300")
    assert [cell.name for cell in cells] == ["a1", "b1", "c1", "a2", "b2"]
    assert {cell.config.style_crop for cell in cells} == {"100,50,400,300", "180,110,240,180"}
    assert said[-1].kind == "pixels" and "400 x 300 pixels, too few for 4 of the cells" in said[-1].text


def test_a_frame_is_left_away_in_the_last_column() -> None:
    whole = np.full((560, 560, 3), 240, np.uint8)
    whole[30:-30, 30:-30] = images.resized(images.load(style_path("starry_night")), 500, 500)
    said, cells = plan("starry_night", whole, "")
    assert said[0].crop == cells[2].config.style_crop and said[0].crop in cells[2].differs


def test_a_command_gives_its_cells_settings(monkeypatch: pytest.MonkeyPatch, painting: Path, tmp_path: Path) -> None:
    given: list[TrainConfig] = []
    monkeypatch.setattr("mobile_style.training.train.train", lambda config, out, *_, **__: given.append(config) or out)
    _, cells = plan(str(painting), np.zeros((700, 900, 3), np.uint8), "5%,0,95%,100%")
    for cell in cells:
        program, *arguments = shlex.split(cell.command())
        result = runner.invoke(app, [*arguments, "--out", str(tmp_path / "run")])
        assert program == "mobile-style" and result.exit_code == 0, result.output
        assert (given[-1].minutes, given[-1].steps) == (10, 0)
        assert given[-1].objective == cell.config.objective
        for name in ("style", "style_size", "style_crop", "palette_weight", "init"):
            assert getattr(given[-1], name) == getattr(cell.config, name), name


@pytest.mark.slow
def test_a_short_training_towards_a_second_target_is_that_targets_own(tmp_path: Path) -> None:
    """Against a trainer that was made for it: same weights after the same steps."""
    build([bundled_photos("held_out")], tmp_path / "shards", 64)
    batches = Batches(Photos(tmp_path / "shards"), 1, 48, 0)
    small = {"style_size": 64, "init": "self_portrait", "loss_precision": "float32"}
    first = configure("starry_night", **small)
    second = configure("starry_night", style_crop="20%,20%,60%,60%", palette_weight=20000.0, **small)
    painting = images.load(style_path("starry_night"))
    shared = ShortTraining(first, style_image(first, painting), batches)
    start = shared.state()
    shared.train(3, False)
    after_first = arrays(shared.trainer.network)
    shared.restore(start)
    shared.aim(shared.trainer.target_of(style_image(second, painting)), second.palette_weight)
    shared.train(3, False)

    keras.utils.clear_session()
    own = make_trainer(second, style_image(second, painting))
    load_weights(own.network, Checkpoint.read(model_path("self_portrait")).weights)
    for number in range(3):
        own.optimizer.learning_rate = LEARNING_RATE * (number + 1) / WARMUP
        own.step(batches[number], NO_MOTION)
    expected, found = arrays(own.network), arrays(shared.trainer.network)
    moved = max(np.abs(expected[name] - after_first[name]).max() for name in expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=0.02 * moved)


@pytest.mark.slow
def test_a_proof_as_typed(painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photo = bundled_photos("held_out") / "espresso_cup.jpg"
    result = runner.invoke(app, ["proof", "--style", painting.name, "--photo", str(photo), "--minutes", "0.01"])
    assert result.exit_code == 0, result.output
    document = json.loads(Path("proof.json").read_text())
    assert [cell["name"] for cell in document["cells"]] == ["a1", "b1"]
    for cell in document["cells"]:
        assert f"{cell['name']}: {cell['command']}" in result.stdout
    assert "too little to tell the cells apart" in result.stderr
    assert document["remarks"][-1]["kind"] == "pixels" and "too few for 7 of the cells" in result.stderr
    sheet = images.load(Path("proof.png"))
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 3
    painted = [sheet[height + 10 : height + 200, width * at + 10 : width * at + 200].astype(int) for at in (1, 2)]
    assert np.abs(painted[0] - painted[1]).mean() > 0.1  # a palette weight of four steps


def test_what_is_there_is_kept(painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("proof.json").write_text("mine")
    result = runner.invoke(app, ["proof", "--style", str(painting)])
    assert result.exit_code == 6 and "choose another --json" in result.stderr
    assert Path("proof.json").read_text() == "mine" and not Path("proof.png").exists()
    for flags, says in ((["--out", "a.json"], "the same file"), (["--out", "a.gif2"], "no picture format")):
        result = runner.invoke(app, ["proof", "--style", str(painting), *flags])
        assert result.exit_code != 0 and says in result.stderr


def test_ctrl_c_leaves_nothing(painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(proof_module, "_train", stopped)
    result = runner.invoke(app, ["proof", "--style", str(painting)])
    assert result.exit_code == 130 and "stopped; nothing was written" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [painting.name]


@pytest.mark.parametrize("minutes", [0, -1, 1e9])
def test_minutes_out_of_range(painting: Path, minutes: float) -> None:
    with pytest.raises(UsageError, match="`minutes`"):
        proof(str(painting), minutes=minutes)
