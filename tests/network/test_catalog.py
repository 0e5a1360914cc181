import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mobile_style import metrics
from mobile_style.cli import app
from mobile_style.errors import CheckpointError
from mobile_style.evaluation.evaluate import evaluate
from mobile_style.exporting.card import read_export_card
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.network import catalog
from mobile_style.network.card import read_card, styles_of
from mobile_style.network.catalog import BUNDLED, DEFAULT, PAINTINGS, bundled_photos, list_models, model_path
from mobile_style.painting.stylize import stylize_image
from mobile_style.validation.checked_export import PHOTOS
from mobile_style.validation.validate import validate

SINGLE = [info.name for info in list_models() if info.origin == "bundled" and not styles_of(info.card)]


def test_runs_are_listed_after_the_bundled_and_damaged_ones_left_out(trained_run: Path) -> None:
    runs = trained_run.parent
    (runs / "broken").mkdir(exist_ok=True)
    (runs / "broken" / "model.safetensors").write_bytes(b"broken")
    found = list_models(runs)
    assert [info.name for info in found if info.origin == "trained here"] == ["tiny"]
    assert found[0].origin == "bundled" and DEFAULT in [info.name for info in found]


def test_what_is_no_file_stops_no_list_of_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "RUNS", tmp_path)
    for name, make in {
        "endless": lambda path: path.symlink_to("/dev/zero"),
        "folder": lambda path: path.mkdir(),
        "gone": lambda path: path.symlink_to("nowhere"),
        "loop": lambda path: path.symlink_to(path.name),
        "pipe": os.mkfifo,
    }.items():
        path = tmp_path / name / "model.safetensors"
        path.parent.mkdir()
        make(path)
        with pytest.raises(CheckpointError, match=r"there is no model|is no regular file|loop|symbolic links"):
            read_card(path)
    assert {info.origin for info in list_models(tmp_path)} == {"bundled"}
    assert catalog.newest_model() == DEFAULT


def test_names_folders_and_files(trained_run: Path) -> None:
    assert model_path(trained_run) == model_path(trained_run / "model.safetensors")
    assert model_path(DEFAULT).parent.name == DEFAULT
    with pytest.raises(CheckpointError, match="`mobile-style models` lists"):
        model_path("nothing")


@pytest.mark.slow
def test_bundled_model_paints_in_its_style() -> None:
    """The figures that training promises, on the carried photos that it never saw."""
    photo, network = evaluate(DEFAULT, limit=3).rows[:2]
    assert network.style < photo.style / 30
    assert network.total < photo.total / 8


def test_bundled_model_takes_the_paintings_palette_and_keeps_the_content() -> None:
    network, _ = load_network(model_path(DEFAULT))
    painting = images.load(PAINTINGS / f"{DEFAULT}.jpg").reshape(-1, 3)
    for path in images.find([bundled_photos("held_out")]):
        photo = images.center_square(images.load(path), 256)
        output = stylize_image(network, photo, grain=False)
        nearer = np.linalg.norm(output.reshape(-1, 3).mean(0) - painting.mean(0))
        assert nearer < 40, path.name
        # Shapes stay where they were: the blurred brightness of both goes together.
        a, b = (images.resized(p, 16, 16).mean(2).ravel() for p in (photo, output))
        assert np.corrcoef(a, b)[0, 1] > 0.4, path.name


@pytest.mark.slow
@pytest.mark.parametrize("name", SINGLE)
def test_bundled_models_have_neither_frame_nor_checkerboard(name: str) -> None:
    network, _ = load_network(model_path(name))
    border, checker = [], []
    for path in images.find([bundled_photos("held_out")]):
        output = (
            stylize_image(network, images.center_square(images.load(path), 256), grain=False).astype(np.float64).mean(2)
        )
        ring = np.concatenate([output[:4].ravel(), output[-4:].ravel(), output[:, :4].ravel(), output[:, -4:].ravel()])
        inside = output[8:-8, 8:-8]
        border.append((ring.mean() - inside.mean()) / inside.std())
        checker.append(metrics.checkerboard(inside[..., None]))
    most = {"the_scream": 0.3, "starry_night": 0.35}.get(name, 0.2)
    assert abs(np.mean(border)) < most, border  # the rims of two styles
    assert max(checker) < 2, checker  # of 255; the strokes' standard deviation is 40


@pytest.mark.slow
def test_the_sheet_shows_every_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mobile_style.painting.sheet.PHOTOS", ("espresso_cup",))
    result = CliRunner().invoke(app, ["models", "--sheet", "sheet.png"])
    assert result.exit_code == 0 and result.stdout.splitlines()[-1] == "sheet.png"
    count = sum(max(1, len(styles_of(info.card))) for info in list_models())
    assert images.load(tmp_path / "sheet.png").shape == ((count + 1) * (256 + 28), 256, 3)
    again = CliRunner().invoke(app, ["models", "--sheet", "sheet.png"])
    assert again.exit_code == 6 and "exists" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", SINGLE)
def test_bundled_exports_paint_like_their_network(name: str) -> None:
    card = read_export_card(BUNDLED / name / "int8.tflite")
    assert card["source"]["checkpoint"] == name and card["fidelity"]["passed"]
    photos = PHOTOS if name == "red_vineyard" else 1  # a single photo's style loss may change more than the mean
    assert not validate(BUNDLED / name / "int8.tflite", limit=photos).failures
    for other in ("float16.tflite", "coreml.mlpackage"):
        assert read_export_card(BUNDLED / name / other)["fidelity"]["passed"]


def test_bundled_models_have_no_paths_of_the_machine_that_made_them() -> None:
    for path in (*BUNDLED.glob("*/*.json"), *BUNDLED.glob("*/README.md")):
        assert str(Path.home()) not in path.read_text() and '"/' not in path.read_text(), path


def test_a_folder_that_is_here_goes_before_a_bundled_style_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = model_path("udnie")
    (tmp_path / "udnie").mkdir()
    shutil.copy(bundled, tmp_path / "udnie")
    monkeypatch.chdir(tmp_path)
    assert model_path("udnie").resolve() == tmp_path / "udnie" / bundled.name
    assert model_path("the_scream").is_relative_to(bundled.parents[1])


@pytest.mark.slow
def test_each_style_of_the_bundled_network_of_many_paints_its_own_without_a_frame() -> None:
    names = [style["name"] for style in styles_of(read_card(model_path("many")))]
    assert set(SINGLE) <= set(names) and len(names) == 20
    photo = images.center_square(images.load(bundled_photos("held_out") / "roman_colosseum.jpg"), 256)
    painted = {}
    for name in names:
        painted[name] = stylize_image(load_network(f"many:{name}")[0], photo, grain=False).astype(np.float64)
        gray = painted[name].mean(2)
        rim = np.concatenate([gray[:4].ravel(), gray[-4:].ravel(), gray[:, :4].ravel(), gray[:, -4:].ravel()])
        assert abs(rim.mean() - gray.mean()) < 0.5 * gray.std(), name
    for name, other in itertools.combinations(names, 2):
        assert np.abs(painted[name] - painted[other]).mean() > 12, (name, other)  # of 255 gray levels
