"""Shared by all tests: a command runner, a few photos, and one tiny trained run."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.training.config import TrainConfig, configure

pytest_plugins = ["browsing"]  # fixtures of the browser page

MANY = ("night", "noon", "dusk")  # the styles of `many_styles`
TINY = {
    "width": 4,
    "blocks": 1,
    "image_size": 32,
    "style_size": 48,
    "batch_size": 2,
    "steps": 6,
    "content_layers": ("2_2",),
    "style_layers": ("1_2", "2_2"),  # the deeper ones take long to compile
    "temporal_weight": 100.0,
    "checkpoint_every": 2,
    "preview_every": 3,
}


def tiny_config(content: Path | None = None, style: str = "starry_night", **overrides: object) -> TrainConfig:
    by_time = {"steps": 0} if "minutes" in overrides and "steps" not in overrides else {}
    return configure(style, content, "nano", "johnson", None, **(TINY | by_time | overrides))


def tiny_flags(**overrides: object) -> list[str]:
    settings = TINY | {"preset": "nano"} | overrides
    texts = {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in settings.items()}
    return [part for name, text in texts.items() for part in (f"--{name.replace('_', '-')}", text)]


def run(*arguments: object, cwd: Path, backend: str = "tensorflow", **options: object) -> subprocess.CompletedProcess:
    """The command line in a process of its own."""
    return subprocess.run(
        command(*arguments), cwd=cwd, env=environment(backend), capture_output=True, text=True, **options
    )


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mobile_style", *map(str, arguments)]


def environment(backend: str = "tensorflow") -> dict[str, str]:
    return {**os.environ, "KERAS_BACKEND": backend, "PYTHONWARNINGS": "ignore"}


def arrays(network: Any) -> dict[str, np.ndarray]:
    """The weights of a Keras network by name, as a checkpoint holds them."""
    return {variable.name: np.asarray(variable.value) for variable in network.weights}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def photos(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A folder of 12 small random photos of several shapes, one of them in a subfolder."""
    folder = tmp_path / "photos"
    for number in range(12):
        picture = rng.integers(0, 256, (40 + number, 64 - number, 3), np.uint8)
        images.save(picture, folder / ("sub" if number == 0 else ".") / f"{number}.png")
    return folder


@pytest.fixture
def astronaut() -> np.ndarray:
    return images.load(bundled_photos("held_out") / "astronaut_portrait.jpg")


@contextmanager
def shared(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """A folder for all of pytest's processes, to be filled by the first that comes; the others wait."""
    base = factory.getbasetemp()  # with xdist a folder of each process in the run's
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of a tiny network on the carried photos."""
    from mobile_style.training.train import train

    with shared(tmp_path_factory, "trained") as folder:
        if not (folder / "done").exists():
            with eagerly():
                train(tiny_config(), folder / "tiny")
            (folder / "done").touch()
    return folder / "tiny"


@contextmanager
def eagerly() -> Iterator[None]:
    """Without compiling the steps of a training, which takes longer than a few tiny ones."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of a training compute nothing: for what happens around them."""
    from mobile_style.training.trainer import LOGGED, Trainer

    monkeypatch.setattr(Trainer, "step", lambda *_: dict.fromkeys(LOGGED, 1.0))


Exported = Callable[..., Path]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The bundled model exported for square pictures by a TensorFlow Lite recipe, each once; unvalidated."""
    from mobile_style.network.catalog import DEFAULT

    return exports_of(DEFAULT, tmp_path_factory, "")


@pytest.fixture(scope="session")
def many_styles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three styles, as if it were trained: the bundled network with its scales and offsets, and with others.

    Two thirds of a channel's scale are another channel's, and a sign differs: other colors, and other strokes.
    """
    from mobile_style.network.card import MODEL
    from mobile_style.network.catalog import DEFAULT, style_path
    from mobile_style.network.checkpoint import Checkpoint, read_model
    from mobile_style.network.styles import own_arrays

    with shared(tmp_path_factory, "many-styles") as folder:
        if not (folder / "run" / MODEL).exists():
            one = read_model(DEFAULT)
            weights = dict(one.weights)
            for name in own_arrays(one.architecture()):
                value, other = weights[name], np.roll(weights[name], 1)
                weights[name] = np.stack([value, (value + 2 * other) / 3, 0.8 * value])
            weights["down1_scale"][1, 0] *= -1
            styles = [{"file": f"{DEFAULT}.jpg", "name": name, "size": 256, "weight": 1.0} for name in MANY]
            card = one.card | {"config": one.card["config"] | {"style": ", ".join(MANY), "styles": styles}}
            card.pop("arrays_sha256", None)
            picture = images.with_shorter_side(images.load(style_path(DEFAULT)), 256)
            for name in MANY:
                images.save(picture, folder / "run" / "styles" / f"{name}.png")
            Checkpoint(card, weights, {}).write(folder / "run" / MODEL)
    return folder / "run"


@pytest.fixture(scope="session")
def dawn(tmp_path_factory: pytest.TempPathFactory, many_styles: Path) -> Path:
    """A style file for `many_styles`: other channels' scales and offsets, some beyond all that its styles have."""
    from mobile_style.network.card import MODEL
    from mobile_style.network.checkpoint import Checkpoint
    from mobile_style.network.styles import own_arrays
    from mobile_style.training.config import TrainConfig
    from mobile_style.training.paintings import StyleEntry
    from mobile_style.training.start import with_styles
    from mobile_style.training.style_files import style_file

    with shared(tmp_path_factory, "dawn") as folder:
        path = folder / "dawn.style"
        if not path.exists():
            many = Checkpoint.read(many_styles / MODEL)
            weights, factors = dict(many.weights), {"up1_scale": 1.3, "block2a_offset": 1.4}
            for name in own_arrays(many.architecture()):
                night = many.weights[name][0]
                new = factors.get(name, 1.0) * (2 * night + np.roll(night, 2)) / 3
                weights[name] = np.concatenate([many.weights[name], new[None]])
            entry = StyleEntry("dawn.jpg", "dawn", 256)
            styles = (*TrainConfig.from_card(many.card).styles, entry)
            grown = Checkpoint(with_styles(many.card, styles), weights, {})
            style_file(grown, entry, np.full((64, 64, 3), 200, np.uint8)).write(path)
    return path


@pytest.fixture(scope="session")
def exported_many(tmp_path_factory: pytest.TempPathFactory, many_styles: Path) -> Exported:
    """The same of `many_styles`: one file, whose second input is the mix."""
    return exports_of(str(many_styles), tmp_path_factory, "many-")


def exports_of(model: str, factory: pytest.TempPathFactory, prefix: str) -> Exported:
    """Exports it for square pictures by a TensorFlow Lite recipe, each once; unvalidated."""
    from mobile_style.exporting.recipes import find_recipe
    from mobile_style.exporting.write import write

    def of(recipe: str, side: int = 64) -> Path:
        with shared(factory, f"{prefix}{recipe}-{side}") as folder:
            path = folder / "model.tflite"
            if not path.with_suffix(".json").exists():  # which is written last
                path.unlink(missing_ok=True)
                write(model, find_recipe("tflite", recipe), [(side, side)], out=path)
        return path

    return of
