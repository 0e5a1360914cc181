import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import Exported
from mobile_style.cli import app
from mobile_style.errors import ImageError, OutputError, UsageError
from mobile_style.exporting import write as exporting
from mobile_style.exporting.card import ExportCard, digest, read_export_card, source_checkpoint
from mobile_style.exporting.recipes import RECIPES, Recipe, find_recipe
from mobile_style.exporting.write import write
from mobile_style.network.card import MODEL
from mobile_style.network.catalog import DEFAULT, model_path
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.progress import Note, Step
from mobile_style.validation import checked_export
from mobile_style.validation.validate import validate

INT8 = find_recipe("tflite", "int8")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe.target == "tflite"], ids=lambda r: r.name)
def test_every_tflite_recipe_of_the_bundled_model_passes_its_gate(recipe: Recipe, exported: Exported) -> None:
    validation = validate(exported(recipe.name, 256), limit=checked_export.PHOTOS if recipe is INT8 else 2)
    assert not validation.failures, validation.mean
    if recipe is INT8:
        assert exported("int8", 256).stat().st_size <= 500_000


def test_a_file_whose_name_cannot_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "a\tb.tflite"
    write(DEFAULT, find_recipe("tflite", "float16"), [(64, 64)], out=path)
    assert read_export_card(path)["file"]["name"] == "a\N{REPLACEMENT CHARACTER}b.tflite"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe.target == "coreml"], ids=lambda r: r.name)
def test_every_coreml_recipe_of_the_bundled_model_passes_its_gate(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "m.mlpackage"
    write(DEFAULT, recipe, [(256, 256), (192, 128)], out=path)
    validation = validate(path, limit=1)
    assert len(validation.rows) == 2 and not validation.failures, validation.mean


@pytest.mark.slow
def test_several_sizes_make_several_files_with_their_cards(tmp_path: Path) -> None:
    sizes = [(64, 48), (50, 70)]
    made = write(DEFAULT, INT8, sizes, out=tmp_path / "out")
    assert [each.path.parent.name for each in made] == ["starry_night-int8-48x64", "starry_night-int8-70x50"]
    for each, size in zip(made, sizes, strict=True):
        card = json.loads(each.path.with_suffix(".json").read_text())
        assert set(card) == set(ExportCard.__annotations__) - {"mix"}
        assert card["input"]["shape"] == [1, *size, 3] == card["output"]["shape"]
        assert card["input"]["type"] == "uint8" and card["input"]["scale"] == 1 and card["input"]["zero_point"] == 0
        assert card["file"] == {"name": "model.tflite", "bytes": each.path.stat().st_size, "sha256": digest(each.path)}
        assert card["source"]["checkpoint"] == DEFAULT and card["calibration"]["photos"] == 32
        assert validate(each.path, limit=1).mean.psnr > 30


def test_the_card_finds_its_checkpoint_from_any_folder(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    shutil.copytree(trained_run, tmp_path / "runs" / "mine")
    monkeypatch.chdir(tmp_path)
    (made,) = write("runs/mine", find_recipe("tflite", "float32"), [(32, 32)])
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = tmp_path / made.path
    card = read_export_card(path)
    assert source_checkpoint(path, card).samefile(tmp_path / "runs" / "mine" / MODEL)
    assert not Path(card["source"]["checkpoint"]).is_absolute()


def test_an_export_that_is_killed_leaves_no_model_without_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, replace, done = tmp_path / "m.tflite", Path.replace, []

    def killed(old: Path, new: Path) -> Path:
        done.append(new.name)
        if len(done) == 2:
            raise KeyboardInterrupt
        return replace(old, new)

    monkeypatch.setattr(Path, "replace", killed)
    recipe = find_recipe("tflite", "float32")
    with pytest.raises(KeyboardInterrupt):
        write(DEFAULT, recipe, [(32, 32)], out=path)
    assert done == ["m.json", "m.tflite"] and [file.name for file in tmp_path.iterdir()] == ["m.json"]
    write(DEFAULT, recipe, [(32, 32)], out=path)  # its card is no file of somebody else's
    assert read_export_card(path)["file"]["name"] == "m.tflite"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("mine")
    with pytest.raises(OutputError, match=r"m\.json exists"):
        checked_export.export(DEFAULT, INT8, [(64, 64)], out=tmp_path / "m.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--int8", "--fp16"], "int8 and float16 were asked for"),
        (["--dynamic", "--recipe", "int8"], "dynamic_int8 and int8 were asked for"),
        (["--recipe", "int4"], "no recipe int4; choose from"),
        (["--dynamic", "--target", "coreml"], "has no recipe dynamic_int8"),
        (["--target", "onnx"], "choose from tflite, coreml"),
        (["--size", "0"], "each side must be from 12 to 4096"),
        (["--size", "wide"], "--size takes 256, or 320x240"),
        (["--size", "64", "--size", "32", "--out", "m.tflite"], "name a folder"),
        (["--size", "64", "--out", "m.mlpackage"], "does not fit --target tflite"),
        (["--recipe", "auto", "--target", "coreml"], "--recipe auto measures and checks here"),
        (["--calibration", "nowhere"], "nowhere does not exist"),
    ],
)
def test_bad_flags(flags: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["export", *flags])
    assert done.exit_code != 0 and message in " ".join(done.output.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_no_model_named_takes_the_newest_run_else_the_bundled_one(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["export", "--size", "32", "--no-check"])
    assert done.exit_code == 0 and f"model {DEFAULT}" in done.output, done.output
    assert (tmp_path / "exports" / "starry_night-int8-32x32" / "model.tflite").is_file()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(trained_run)
    done = CliRunner().invoke(app, ["export", "--fp16", "--target", "tflite", "--size", "32", "--no-check"])
    assert done.exit_code == 0 and "model runs/mine" in done.output, done.output


def test_a_checkpoint_that_left_its_run(trained_run: Path, tmp_path: Path) -> None:
    """It goes by the name that it was given; without its painting, nothing is written that could not be checked."""
    moved, recipe = tmp_path / "wave.safetensors", find_recipe("tflite", "float32")
    checkpoint = Checkpoint.read(trained_run / MODEL)
    config = checkpoint.card["config"] | {"style": "gone.jpg"}
    Checkpoint(checkpoint.card | {"config": config}, checkpoint.weights, {}).write(moved)
    with pytest.raises(ImageError, match=r"painting of .*wave\.safetensors, is not here; copy its run's style\.png"):
        checked_export.export(str(moved), recipe, [(32, 32)], out=tmp_path / "m.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["wave.safetensors"]
    write(str(moved), recipe, [(32, 32)], out=tmp_path / "m.tflite")
    assert json.loads((tmp_path / "m.json").read_text())["name"] == "wave"
    assert str(tmp_path).encode() not in (tmp_path / "m.tflite").read_bytes()  # an app carries the file


def test_a_run_that_goes_on_meanwhile(trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(trained_run, tmp_path / "run")
    before = digest(tmp_path / "run" / MODEL)

    def replaced(*arguments: Any) -> Any:
        (tmp_path / "run" / MODEL).write_bytes(model_path(DEFAULT).read_bytes())
        return fold(*arguments)

    fold = exporting.fold
    monkeypatch.setattr(exporting, "fold", replaced)
    path = tmp_path / "model.tflite"
    write(str(tmp_path / "run"), find_recipe("tflite", "float32"), [(64, 64)], out=path)
    assert json.loads(path.with_suffix(".json").read_text())["source"]["sha256"] == before


def test_calibration_photos_that_cannot_be_read_are_skipped(photos: Path, tmp_path: Path) -> None:
    (photos / "0.jpg").write_text("no photo")
    said: list[Note | Step] = []
    (written,) = write(DEFAULT, INT8, [(32, 48)], photos, tmp_path / "m.tflite", said.append)
    assert written.card["calibration"]["photos"] == 12
    assert any("skipped: " in str(note) and "0.jpg is not an image" in str(note) for note in said)


def test_a_size_out_of_range() -> None:
    with pytest.raises(UsageError, match="`size=4x64`"):
        write(DEFAULT, INT8, [(64, 4)])


@pytest.mark.slow
def test_a_style_for_android_and_for_apple_has_a_place_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for target in ("tflite", "coreml"):
        write(DEFAULT, find_recipe(target, "int8"), [(64, 64)])
    carried = Path("exports/starry_night-coreml-int8-64x64/model.mlpackage/Data/com.apple.CoreML/model.mlmodel")
    assert b"content_sha256" not in carried.read_bytes()  # which the training's card has, beside its maker's folders
    found = sorted(path.parent.name for path in Path("exports").rglob("model.json"))
    assert found == ["starry_night-coreml-int8-64x64", "starry_night-int8-64x64"]
