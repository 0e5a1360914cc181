"""docs/python.md as a user types it: every example, in order, in an empty folder."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mobile_style
from mobile_style.network.catalog import PAINTINGS, bundled_photos

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.mark.slow
def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(bundled_photos("held_out") / "espresso_cup.jpg", "photo.jpg")
    shutil.copy(PAINTINGS / "starry_night.jpg", "painting.jpg")
    said = io.StringIO()
    for example in EXAMPLES:
        with contextlib.redirect_stdout(said):
            exec(compile(example, "docs/python.md", "exec"), {})
    text = said.getvalue()
    assert "wave.png" in text and "Training 2/2 steps" in text and "ms\n" in text
    assert "`strength` must be from 0 to 1, not 2" in text
    assert {path.name for path in tmp_path.iterdir()} >= {"painted.png", "wave.png", "runs", "udnie.tflite"}


def test_every_public_name_is_there_documented_and_on_the_page() -> None:
    for name in mobile_style.__all__:
        value = getattr(mobile_style, name)
        assert f"`{name}`" in PAGE, name
        if callable(value):
            assert value.__doc__, name


@pytest.mark.slow
def test_type_checkers_know_the_public_names_and_no_others(tmp_path: Path) -> None:
    lines = ["import mobile_style", *(f"mobile_style.{name}" for name in (*mobile_style.__all__, "nothing"))]
    (tmp_path / "use.py").write_text("\n".join(lines))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "use.py"]
    found = subprocess.run(
        [*command, "--follow-imports=silent", "--ignore-missing-imports"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(Path(mobile_style.__file__).parents[1])},
    )
    errors = [line for line in found.stdout.splitlines() if "error:" in line]
    assert len(errors) == 1 and '"nothing"' in errors[0], found.stdout + found.stderr


def test_importing_the_library_is_light() -> None:
    code = "import sys, mobile_style; print(*{'numpy', 'tensorflow', 'keras', 'PIL'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


@pytest.mark.slow
def test_loading_keras_prints_nothing() -> None:
    result = subprocess.run([sys.executable, "-c", "import mobile_style; mobile_style.train"], capture_output=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


@pytest.mark.slow
def test_files_and_folders_may_be_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is refused for what it names, not for its type."""
    monkeypatch.chdir(tmp_path)
    Path("taken").mkdir()
    Path("taken", "file").touch()
    recipe, config = mobile_style.find_recipe("tflite", "int8"), mobile_style.configure(steps=1)
    for refused in (
        lambda: mobile_style.build_dataset(["none"], "taken"),
        lambda: mobile_style.bundle_android(["udnie"], "none"),
        lambda: mobile_style.bundle_web(["udnie"], "taken"),
        lambda: mobile_style.configure(content="none"),
        lambda: mobile_style.configure(Path("none")),
        lambda: mobile_style.evaluate("udnie", photos="none"),
        lambda: mobile_style.export("udnie", recipe, calibration="none", out="udnie.tflite"),
        lambda: mobile_style.proof(Path("none"), photo="none"),
        lambda: mobile_style.resume("none"),
        lambda: mobile_style.stylize_files(["none"]),
        lambda: mobile_style.train(config, "taken"),
        lambda: mobile_style.validate("none.tflite", images="none"),
    ):
        with pytest.raises(mobile_style.MobileStyleError):
            refused()
    assert [model.name for model in mobile_style.list_models("none")] == [
        model.name for model in mobile_style.list_models(Path("none"))
    ]


@pytest.mark.slow
def test_a_model_may_be_a_path(tmp_path: Path) -> None:
    missing, recipe = tmp_path / "none", mobile_style.find_recipe("tflite", "int8")
    for refused in (
        lambda: mobile_style.benchmark([missing]),
        lambda: mobile_style.bundle_android([missing], tmp_path / "app"),
        lambda: mobile_style.bundle_web([missing], tmp_path / "site"),
        lambda: mobile_style.evaluate(missing),
        lambda: mobile_style.export(missing, recipe),
        lambda: mobile_style.stylize("photo.jpg", missing),
        lambda: mobile_style.validate(missing),
    ):
        with pytest.raises(mobile_style.MobileStyleError):
            refused()
    shutil.copytree(Path(mobile_style.__file__).parents[1] / "models" / "udnie", tmp_path / "udnie")
    photo = np.zeros((64, 64, 3), np.uint8)
    folder = tmp_path / "udnie"
    painted = [mobile_style.stylize(photo, model) for model in (folder, folder / "model.safetensors")]
    assert np.array_equal(painted[0], painted[1]) and np.ptp(painted[0]) > 0
