"""One network of many styles: training, mixing, adding a style."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import eagerly, shared, tiny_config
from mobile_style.errors import CheckpointError, UsageError
from mobile_style.exporting.card import read_export_card
from mobile_style.exporting.recipes import find_recipe
from mobile_style.media import images
from mobile_style.network.card import MODEL, STATE, read_card
from mobile_style.network.catalog import mix_of, model_name
from mobile_style.network.checkpoint import Checkpoint, read_model
from mobile_style.network.styles import own_arrays, parse_mix
from mobile_style.painting.stylize import Painter
from mobile_style.progress import Step
from mobile_style.training.config import configure
from mobile_style.training.paintings import StyleEntry
from mobile_style.training.style_files import StyleFile, add_styles
from mobile_style.training.train import resume, train
from mobile_style.training.turns import turn
from mobile_style.validation.checked_export import export
from mobile_style.validation.validate import validate


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
    with eagerly():
        train(config, tmp_path / "whole")

    def stop(event: object) -> None:
        if isinstance(event, Step) and (event.task, event.done) == ("Training", 7):
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError), eagerly():
        train(config, tmp_path / "killed", stop)
    assert read_card(tmp_path / "killed" / STATE)["step"] == 5
    with eagerly():
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
    assert images.load(tmp_path / "whole" / "preview.png").shape[0] == 3 * (160 + 24) + 2 * 4


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short training of two styles, red and blue."""
    with shared(tmp_path_factory, "many") as folder:
        if not (folder / "done").exists():
            styles = paintings(folder, np.random.default_rng(0))
            with eagerly():
                train(tiny_config(style=styles, steps=8, temporal_weight=0.0, learning_rate=0.03), folder / "run")
            (folder / "done").touch()
    return folder / "run"


@pytest.mark.slow
def test_a_mix_is_the_weighted_mean_of_the_styles(many: Path, astronaut: np.ndarray) -> None:
    both = Checkpoint.read(many / MODEL)
    red, blue, half = (read_model(f"{many}:{mix}") for mix in ("red", "blue", "red=2,blue=2"))
    for name, value in both.weights.items():
        if name in own_arrays(both.architecture()):
            np.testing.assert_array_equal(red.weights[name], value[0])
            np.testing.assert_array_equal(blue.weights[name], value[1])
            np.testing.assert_allclose(half.weights[name], value.mean(axis=0), rtol=1e-6, atol=1e-7)
        else:
            np.testing.assert_array_equal(half.weights[name], value)
    photo = astronaut[:64, :64]
    ends = [Painter(f"{many}:{style}")(photo).astype(float) for style in ("red", "blue")]
    middle = Painter(f"{many}:red=0.5,blue=0.5")(photo).astype(float)
    apart = np.abs(ends[0] - ends[1]).mean()
    assert apart > 2 and all(0 < np.abs(middle - end).mean() < apart for end in ends)
    assert (red.card["config"]["style"], red.card["config"]["styles"]) == ("red", [])
    assert model_name(f"{many}:red=0.7,blue=0.3") == "run-red-0.7-blue-0.3"


@pytest.mark.slow
def test_of_many_styles_one_must_be_named(many: Path) -> None:
    with pytest.raises(UsageError, match=r"network of 2 styles; name one, such as `mix=red`"):
        Painter(many)
    with pytest.raises(UsageError, match=r"no style 'green'; choose from red, blue"):
        Painter(f"{many}:green")
    with pytest.raises(UsageError, match="network of one style"):
        Painter("starry_night:udnie")


@pytest.mark.slow
def test_a_style_alone_leaves_kernels_and_other_styles_as_they_are(
    many: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    green = np.clip(np.array((30, 180, 60)) + rng.integers(-20, 20, (64, 64, 3)), 0, 255).astype(np.uint8)
    images.save(green, tmp_path / "green.png")
    settings = {"only_style": True, "steps": 4, "image_size": 32, "style_size": 48}
    config = configure(str(tmp_path / "green.png"), None, None, "johnson", str(many), **settings)
    with eagerly():
        train(config, tmp_path / "run")
    before, after = Checkpoint.read(many / MODEL), Checkpoint.read(tmp_path / "run" / MODEL)
    own = own_arrays(before.architecture())
    for name, value in before.weights.items():
        np.testing.assert_array_equal(after.weights[name][:2] if name in own else after.weights[name], value)
    for name in ("down1_scale", "out_offset"):
        assert not np.allclose(after.weights[name][2], before.weights[name].mean(axis=0), atol=1e-4)
    assert [style["name"] for style in after.card["config"]["styles"]] == ["red", "blue", "green"]
    resume(tmp_path / "run")  # of one that has ended
    again = Checkpoint.read(tmp_path / "run" / MODEL)
    assert [style["name"] for style in again.card["config"]["styles"]] == ["red", "blue", "green"]

    file = tmp_path / "run" / "styles" / "green.style"
    assert file.stat().st_size < 5000
    assert images.load(StyleFile.read(file).thumbnail).shape == (64, 64, 3)
    add_styles(many, [file], tmp_path / "more")
    added, trained = (read_model(f"{folder}:green") for folder in (tmp_path / "more", tmp_path / "run"))
    for name, value in trained.weights.items():
        np.testing.assert_allclose(added.weights[name], value, rtol=1e-3, atol=1e-4)
    assert Painter(f"{tmp_path / 'more'}:green=0.5,red=0.5").network
    content = bytearray(file.read_bytes())
    content[-1000] ^= 1
    (tmp_path / "changed.style").write_bytes(content)
    with pytest.raises(CheckpointError, match="its arrays are not those written"):
        add_styles(many, [tmp_path / "changed.style"], tmp_path / "wrong")
    with pytest.raises(CheckpointError, match="belongs to another network"):
        add_styles("starry_night", [file], tmp_path / "other")
    with pytest.raises(UsageError, match="has a style called red"):
        train(replace(config, styles=(StyleEntry(str(tmp_path / "green.png"), "red"),)), tmp_path / "twice")


@pytest.mark.slow
def test_a_style_is_exported_as_an_ordinary_file(many: Path, tmp_path: Path) -> None:
    (made,) = export(f"{many}:blue=0.75,red=0.25", find_recipe("tflite", "float32"), [(32, 32)], out=tmp_path / "file")
    assert not made.validation.failures
    card = read_export_card(made.path)
    assert (card["name"], card["style"]) == ("run-blue-0.75-red-0.25", "blue")
    again = validate(made.path, limit=1)
    assert again.mean.psnr > 55  # beside the mix, not one of the styles
    (one,) = export(f"{many}:red", find_recipe("tflite", "float32"), [(32, 32)], out=tmp_path / "one")
    assert one.path.stat().st_size == pytest.approx(made.path.stat().st_size, abs=200)
    assert validate(made.path, f"{many}:red", limit=1).mean.psnr < 50


def test_a_pipe_is_no_style(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.style")
    with pytest.raises(CheckpointError, match=r"a\.style is damaged or no style \(it is no regular file\)"):
        StyleFile.read(tmp_path / "a.style")
    os.mkfifo(tmp_path / "a.tflite")
    with pytest.raises(CheckpointError, match="is no exported model"):
        read_export_card(tmp_path / "a.tflite")


@pytest.mark.parametrize("text", ["a,a", "a=x", "a=-1", "a=0", "", "c"])
def test_mixes_that_mean_nothing(text: str) -> None:
    with pytest.raises(UsageError, match="`mix"):
        parse_mix(text, ["a", "b"])


def test_where_a_mix_begins(tmp_path: Path) -> None:
    assert mix_of("runs/many:a=1,b=2") == "a=1,b=2" and mix_of("C:\\runs\\many") == mix_of("runs/a:b/many") == ""
    (tmp_path / "odd:name").mkdir()
    assert mix_of(tmp_path / "odd:name") == ""
    assert parse_mix("a=3,b=1", ["a", "b"]) == {"a": 0.75, "b": 0.25}


def test_lists_of_styles(tmp_path: Path, rng: np.random.Generator) -> None:
    red, blue = paintings(tmp_path, rng)
    listing = tmp_path / "list.json"
    listing.write_text(
        json.dumps({"styles": [{"file": "red.png", "size": 32}, {"file": "red.png", "name": "half", "weight": 2,
                                                                  "crop": "0%,0,50%,100%"}]})
    )  # fmt: skip
    of_list = tiny_config(style=str(listing))
    assert [entry.name for entry in of_list.styles] == ["red", "half"] and of_list.style == "red, half"
    assert of_list.styles[0].size == 32 and of_list.styles[1].load().shape == (64, 40, 3)
    (tmp_path / "folder").mkdir()
    for path in (red, blue):
        (tmp_path / "folder" / Path(path).name).write_bytes(Path(path).read_bytes())
    assert [entry.name for entry in tiny_config(style=str(tmp_path / "folder")).styles] == ["blue", "red"]
    assert tiny_config(style=[red]).styles == ()
    listing.write_text(json.dumps({"styles": [{"file": "red.png", "crop": "0,0,half,1"}]}))
    with pytest.raises(UsageError, match="`style_crop` takes a part of the painting such as 86,0,938,640"):
        tiny_config(style=str(listing))
    with pytest.raises(UsageError, match="two styles are called red"):
        tiny_config(style=[red, red])
