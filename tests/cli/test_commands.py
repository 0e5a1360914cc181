import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import run, tiny_flags
from mobile_style.cli import app
from mobile_style.media import images
from mobile_style.network.architecture import Architecture
from mobile_style.network.card import MODEL, read_card
from mobile_style.network.catalog import BUNDLED, bundled_photos
from mobile_style.training.config import TrainConfig
from mobile_style.training.objective import Objective

runner = CliRunner()


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def failed(*arguments: object, code: int, says: str) -> None:
    result = runner.invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    *before, last = result.stderr.splitlines()
    assert last.startswith("error: ") and says in last and not any("error" in line for line in before)


@pytest.mark.slow
def test_train_stylize_evaluate_models_as_typed(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    trained = runner.invoke(app, ["train", *tiny_flags(steps=2)])
    assert trained.exit_code == 0, trained.output
    run_folder = Path("runs/starry_night-nano-1")
    assert "photos bundled, preset nano" in trained.stderr and (run_folder / MODEL).is_file()
    request.getfixturevalue("no_steps")
    again = runner.invoke(app, ["train", *tiny_flags(steps=2)])
    assert again.exit_code == 0 and Path("runs/starry_night-nano-2").is_dir()  # nothing is overwritten

    shutil.copy(bundled_photos("held_out") / "espresso_cup.jpg", "cup.jpg")
    stylized = runner.invoke(app, ["stylize", "cup.jpg", "--model", str(run_folder), "--size", "64"])
    assert stylized.stdout.strip() == "cup-starry_night-nano-1.jpg" and Path(stylized.stdout.strip()).is_file()

    evaluated = runner.invoke(app, ["evaluate", str(run_folder), "--size", "32", "--limit", "1", "--out", "e"])
    assert evaluated.exit_code == 0 and "network" in evaluated.stdout and Path("e/evaluation.json").is_file()

    listed = runner.invoke(app, ["models"])
    assert listed.exit_code == 0 and "runs/starry_night-nano-2" in listed.stdout and "bundled" in listed.stdout


def test_models_in_a_pipe_and_as_json() -> None:
    listed = runner.invoke(app, ["models", "--json", "models.json"])
    assert listed.exit_code == 0, listed.output
    found = {model["name"]: model for model in json.loads(Path("models.json").read_text())}
    assert {path.parent.name for path in BUNDLED.glob("*/README.md")} == set(found) and found["udnie"]["styles"] == [
        "udnie"
    ]
    assert Path(found["udnie"]["path"]).stat().st_size == found["udnie"]["bytes"]
    *table, mix, told = listed.stdout.splitlines()
    assert max(map(len, table)) <= 100 and told == "models.json"
    assert mix == f"many has {', '.join(found['many']['styles'])}" and len(found["many"]["styles"]) >= 10


@pytest.mark.slow
def test_dataset_then_train_on_its_shards(photos: Path) -> None:
    (photos / "letter.jpg").write_text("not a photo")
    packed = runner.invoke(app, ["dataset", str(photos), "--out", "shards", "--size", "40"])
    assert packed.exit_code == 0 and packed.stdout.startswith("12 photos, 1 shard,")
    assert "letter.jpg" in packed.stderr and json.loads(Path("shards/manifest.json").read_text())["photos"] == 12
    trained = runner.invoke(app, ["train", "--content", "shards", "--out", "run", *tiny_flags(steps=2)])
    assert trained.exit_code == 0 and not Path("run/content").exists()


@pytest.mark.slow
def test_every_setting_is_a_flag_and_is_stored(photos: Path) -> None:
    flags = tiny_flags(
        steps=1, objective="lengstrom", content_weight=3, style_weight=4, tv_weight=5, content_layers="relu2_2,relu3_1",
        style_layers="1_1", end_kernel=3, learning_rate=0.01, seed=7,
    )  # fmt: skip
    result = runner.invoke(app, ["train", "--content", str(photos), "--out", "run", *flags])
    assert result.exit_code == 0, result.output
    config = TrainConfig.from_card(read_card(Path("run") / MODEL))
    assert config.objective == Objective(("2_2", "3_1"), ("1_1",), content_weight=3, style_weight=4, tv_weight=5)
    assert config.architecture == Architecture(width=4, blocks=1, end_kernel=3)
    assert (config.learning_rate, config.seed, config.batch_size) == (0.01, 7, 2)


@pytest.mark.slow
def test_bad_input_is_one_line_and_an_exit_code(photos: Path, trained_run: Path, tmp_path: Path) -> None:
    Path("empty").mkdir()
    Path("letter.jpg").write_text("not a photo")
    Path("mine").mkdir()
    Path("mine/thing").write_text("")
    Path("cut.safetensors").write_bytes((trained_run / MODEL).read_bytes()[:3000])
    failed("dataset", "nowhere", "--out", "s", code=3, says="nowhere does not exist")
    failed("dataset", "empty", "--out", "s", code=4, says="no photos in empty")
    failed("dataset", photos, "--out", "s", "--size", 0, code=2, says="--size")
    failed("train", "--content", "nowhere", code=2, says="--content nowhere is not a folder")
    failed("train", "--content", "empty", *tiny_flags(), code=4, says="no photos in")
    failed("train", "--style", "letter.jpg", code=3, says="letter.jpg is not an image")
    failed("train", "--style", "mona_lisa", code=3, says="mona_lisa")
    failed("train", "--preset", "huge", code=2, says="nano, small, base, johnson")
    failed("train", "--objective", "huge", code=2, says="johnson, lengstrom")
    failed("train", "--image-size", 0, code=2, says="--image-size")
    failed("train", "--out", "mine", *tiny_flags(), code=6, says="mine exists")
    failed("train", "--resume", "--steps", 5, code=2, says="--steps cannot be changed")
    failed("train", "--resume", code=2, says="found no run")
    failed("train", "--init", "cut.safetensors", code=5, says="damaged")
    failed("stylize", "letter.jpg", "--model", trained_run, code=3, says="letter.jpg is not an image")
    failed("stylize", "letter.jpg", "--model", "cut.safetensors", code=5, says="damaged")
    failed("stylize", "letter.jpg", "--model", trained_run, "--size", 0, code=2, says="--size")
    failed("evaluate", trained_run, "--optimize", "many", code=2, says="50,100,300")
    assert not Path("runs").exists() and [path.name for path in Path("mine").iterdir()] == ["thing"]


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("mobile_style.painting.files.stylize_files", exhausted)
    failed("stylize", "photo.jpg", code=1, says="not enough memory")


def test_read_only_folder() -> None:
    locked = Path("/proc") if os.geteuid() == 0 else Path("locked")  # root writes into any other folder
    locked.mkdir(mode=0o500, exist_ok=True)
    failed("train", "--out", locked / "run", *tiny_flags(), code=6, says="cannot write")


@pytest.mark.slow
def test_full_disk(photos: Path, trained_run: Path, tmp_path: Path) -> None:
    """A limit on the size of files fails a write as a full disk does, half way through."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    result = run("train", "--content", photos, "--out", "run", *tiny_flags(), cwd=tmp_path, preexec_fn=limit)
    assert result.returncode == 6 and "error: cannot write" in result.stderr and "Traceback" not in result.stderr
    assert not list(tmp_path.rglob("*.partial")) and not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.slow
def test_images_of_every_kind_are_stylized(trained_run: Path, astronaut) -> None:
    from PIL import Image

    small = Image.fromarray(astronaut).resize((40, 40))
    small.convert("L").save("grey.png")
    small.convert("P").save("palette.png")
    small.convert("CMYK").save("cmyk.jpg")
    small.resize((1, 1)).save("one.png")
    result = runner.invoke(
        app, ["stylize", "grey.png", "palette.png", "cmyk.jpg", "one.png", "--model", str(trained_run), "--out", "o"]
    )
    assert result.exit_code == 0, result.output
    assert [images.load(Path(line)).shape for line in result.stdout.split()] == [(40, 40, 3)] * 3 + [(1, 1, 3)]
