"""The scripts of benchmarks/ and tools/: each loads, and the smallest piece of its work is done."""

import ast
import runpy
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Exported, eagerly, environment, tiny_config
from mobile_style.evaluation.evaluate import evaluate
from mobile_style.media import images
from mobile_style.network import architecture
from mobile_style.network.architecture import PRESETS
from mobile_style.network.card import MODEL
from mobile_style.network.transform_net import load_network
from mobile_style.training.dataset import build

ROOT = Path(__file__).parents[1]
SCRIPTS = [path for folder in ("benchmarks", "tools", "tools/android") for path in sorted((ROOT / folder).glob("*.py"))]
WITH_FLAGS = [path for path in SCRIPTS if "ArgumentParser(" in path.read_text()]


def loaded(name: str) -> Any:
    """A script as a module."""
    spec = spec_from_file_location(Path(name).stem, ROOT / name)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_finds_what_it_imports_of_the_package(script: Path) -> None:
    """Also what its functions import when they are called."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mobile_style"):
            module = import_module(node.module or "")
            for alias in node.names:
                place = f"{node.module}.{alias.name}"
                assert hasattr(module, alias.name) or find_spec(place), f"{script.name}: there is no {place}"


@pytest.mark.parametrize("script", WITH_FLAGS, ids=lambda path: path.stem)
def test_every_script_with_flags_shows_them(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.syspath_prepend(script.parent)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0 and f"usage: {script.name}" in capsys.readouterr().out


def test_grain_measures_a_cameras_noise() -> None:
    grain = loaded("benchmarks/grain.py")
    gray = np.full((64, 64, 3), 128, np.uint8)
    assert grain.noisy_difference(lambda picture: picture, gray) == pytest.approx(2**0.5, rel=0.1)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert grain.changed(gray) > 0.7 > 0.1 > grain.changed(noise)


def test_peers_builds_the_networks_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = loaded("benchmarks/peers.py")
    monkeypatch.setattr(peers, "SIZE", 64)
    fritz = peers.network("Fritz_17_KB", [9, 9, 9], 3, [9, 9], False, 11_868)
    assert fritz(np.zeros((1, 64, 64, 3), np.float32)).shape == (1, 64, 64, 3)
    with pytest.raises(AssertionError):
        peers.network("another", [9, 9, 9], 3, [9, 9], False, 20_000)


def test_instance_norm_does_not_see_contrast(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(architecture, "PLAIN", ("out",))
    network = loaded("benchmarks/instance_norm.py").InstanceNormNet(PRESETS["nano"])
    picture = rng.uniform(0, 100, (1, 32, 32, 3)).astype(np.float32)
    painted, brighter = (np.asarray(network(factor * picture)) for factor in (1, 2))
    assert painted.shape == picture.shape and np.ptp(painted) > 1 and 0 <= painted.min() <= painted.max() <= 255
    np.testing.assert_allclose(painted, brighter, atol=2)


@pytest.mark.slow
def test_budgets_measures_the_plain_recipe_and_plots(
    photos: Path, trained_run: Path, no_steps: None, tmp_path: Path
) -> None:
    budgets = loaded("benchmarks/budgets.py")
    build([photos], tmp_path / "shards")
    results = budgets.Results(tmp_path / "results.json")
    style = ROOT / "mobile_style/data/paintings/starry_night.jpg"

    def measure(run: Path, method: str, minutes: float) -> None:
        load_network(run / MODEL)
        results.add(method, minutes, evaluate(str(trained_run), size=32, limit=1))

    budgets.plain(tiny_config(style=str(style)), tmp_path / "shards", [1e-9], tmp_path / "plain", measure)
    again = budgets.Results(tmp_path / "results.json")
    assert again.has(budgets.PLAIN, 1e-9) and not again.has(budgets.OURS, 1e-9)
    budgets.plot([row | {"minutes": 1.0} for row in again.rows], tmp_path / "budgets.png")
    assert images.load(tmp_path / "budgets.png").shape == (495, 880, 3)


@pytest.mark.slow
def test_repeated_runs_as_it_says(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--benchmarks", "2", "--copies", "2", "--runs", "15"]
    monkeypatch.setattr(sys, "argv", ["repeated.py", str(exported("int8")), *flags])
    loaded("benchmarks/repeated.py").main()
    shown = capsys.readouterr().out
    assert "of 2 ratios hold 1" in shown and "made 1.2 times as long" in shown and "of 2 are called slower" in shown


def test_bundle_wants_a_style_that_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bundle.py", "no_such_style"])
    with pytest.raises(SystemExit):
        loaded("tools/bundle.py").main()
    assert "there is no bundled no_such_style" in capsys.readouterr().err


@pytest.mark.slow
def test_the_blogs_loss_trains_and_is_tabled(
    rng: np.random.Generator, photos: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    blog = loaded("benchmarks/blog_loss.py")
    monkeypatch.setattr(blog, "STEPS", 1)
    monkeypatch.setattr(blog, "SIZE", 32)
    build([photos], tmp_path / "shards", 32)
    photo, painting = rng.integers(0, 256, (2, 32, 32, 3), np.uint8)
    batches = blog.Batches(blog.Photos(tmp_path / "shards"), 2, 32, seed=0)
    for wrong in (True, False):
        with eagerly():
            painted, left = blog.trained(wrong, photo, batches)
        assert painted.shape == (32, 32, 3) and left > 0
    assert len(blog.table(photo, painting)) == 6


@pytest.mark.slow
@pytest.mark.parametrize("what", ["ours", "torch"])
def test_train_step_measures(what: str) -> None:
    """In a process of its own, as the script does it: PyTorch and TensorFlow do not bear each other."""
    if what == "torch" and find_spec("torch") is None:
        pytest.skip("torch is not installed")
    smaller = "import train_step as script; script.BATCH, script.SIZE = 1, 32"
    code = f"{smaller}; print(script.measure_{what}('nano', 1))"
    path = f"{ROOT / 'benchmarks'}:{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment() | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    measured = ast.literal_eval(done.stdout.splitlines()[-1])
    assert measured["seconds"] > 0 and measured["gib"] > 0
