"""One network of many styles: training, mixing, adding a style."""

import json
from pathlib import Path

import numpy as np
import pytest

from conftest import tiny_config
from mobile_style.errors import UsageError
from mobile_style.media import images
from mobile_style.network.card import MODEL, read_card
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.styles import own_arrays
from mobile_style.progress import Step
from mobile_style.training.run import STATE
from mobile_style.training.train import resume, train
from mobile_style.training.turns import turn


def paintings(folder: Path, rng: np.random.Generator) -> list[str]:
    """Two pictures of other colors."""
    for name, color in (("red", (200, 30, 20)), ("blue", (20, 60, 220))):
        noise = rng.integers(-20, 20, (64, 80, 3))
        images.save(np.clip(np.array(color) + noise, 0, 255).astype(np.uint8), folder / f"{name}.png")
    return [str(folder / "red.png"), str(folder / "blue.png")]


def entries(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def without_times(lines: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{key: value for key, value in line.items() if key != "images_per_second"} for line in lines]


def test_each_style_has_its_turn_in_every_cycle() -> None:
    turns = [turn(step, 5, seed=1) for step in range(50)]
    assert all(sorted(turns[at : at + 5]) == [0, 1, 2, 3, 4] for at in range(0, 50, 5))
    assert len({tuple(turns[at : at + 5]) for at in range(0, 50, 5)}) > 5


@pytest.mark.slow
def test_many_styles_share_kernels_and_a_stopped_training_goes_on_exactly(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    styles = paintings(tmp_path, rng)
    config = tiny_config(style=styles, steps=12, checkpoint_every=5, palette_weight=10.0, learning_rate=0.01)
    train(config, tmp_path / "whole")

    def stop(event: object) -> None:
        if isinstance(event, Step) and (event.task, event.done) == ("Training", 7):
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        train(config, tmp_path / "killed", stop)
    assert read_card(tmp_path / "killed" / STATE)["step"] == 5
    resume(tmp_path / "killed")
    assert without_times(entries(tmp_path / "killed")) == without_times(entries(tmp_path / "whole"))
    whole, killed = (Checkpoint.read(tmp_path / name / STATE) for name in ("whole", "killed"))
    for arrays in ("weights", "optimizer"):
        for name, value in getattr(whole, arrays).items():
            np.testing.assert_array_equal(getattr(killed, arrays)[name], value, err_msg=name)

    own = own_arrays(config.architecture)
    assert all((value.shape[0] == 2) == (name in own) for name, value in whole.weights.items() if value.ndim < 3)
    assert all(not np.array_equal(*whole.weights[name]) for name in own if "offset" in name)
    assert [entry["painting"] for entry in entries(tmp_path / "whole")].count("red") == 6
    card = read_card(tmp_path / "whole" / MODEL)
    assert [(entry["name"], entry["file"], entry["size"]) for entry in card["config"]["styles"]] == [
        ("red", "red.png", 48), ("blue", "blue.png", 48),
    ]  # fmt: skip
    assert images.load(tmp_path / "whole" / "preview.png").shape[0] == 3 * 160 + 2 * 4


def test_lists_of_styles(tmp_path: Path, rng: np.random.Generator) -> None:
    red, blue = paintings(tmp_path, rng)
    listing = tmp_path / "list.json"
    listing.write_text(
        json.dumps({"styles": [{"file": "red.png", "size": 32}, {"file": "red.png", "name": "half", "weight": 2,
                                                                  "crop": [0, 0, 0.5, 1]}]})
    )  # fmt: skip
    of_list = tiny_config(style=str(listing))
    assert [entry.name for entry in of_list.styles] == ["red", "half"] and of_list.style == "red, half"
    assert of_list.styles[0].size == 32 and of_list.styles[1].load().shape == (64, 40, 3)
    (tmp_path / "folder").mkdir()
    for path in (red, blue):
        (tmp_path / "folder" / Path(path).name).write_bytes(Path(path).read_bytes())
    assert [entry.name for entry in tiny_config(style=str(tmp_path / "folder")).styles] == ["blue", "red"]
    assert tiny_config(style=[red]).styles == ()
    with pytest.raises(UsageError, match="two styles are called red"):
        tiny_config(style=[red, red])
