"""Training by several processes of this machine: equal to one process, and resumed after a loss. JAX on the CPU."""

import json
import os
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from conftest import command, environment, shared, tiny_flags
from mobile_style.errors import DeviceError, UsageError
from mobile_style.network.card import STATE
from mobile_style.network.catalog import bundled_photos
from mobile_style.training.dataset import Batches, Photos, build
from mobile_style.training.team import Team, assemble

needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")
LOST = DeviceError.exit_code
ROUGH = 20  # steps before the fine phase, where rounding to int8 makes much of the last bits of sums


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Trainings:
    """Trainings that share what JAX compiles, and a training by one process to compare them with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "done").exists():
            build([bundled_photos("train")], folder / "content", 48)
            (one,) = self.new("one", 1)
            kill_at(ROUGH, folder / "one" / "log.jsonl", one)
            ended([one])
            (folder / "done").touch()

    def start(self, out: str, count: int, *flags: object) -> list[subprocess.Popen]:
        """The processes of a training, each in a session of its own."""
        layout = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", count] if count > 1 else []
        more = environment("jax") | {"JAX_COMPILATION_CACHE_DIR": str(self.folder / "cache")}
        more |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
        more["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"  # compiles sooner
        return [
            subprocess.Popen(
                command("train", "--out", self.folder / out, *flags, *layout, *(["--process", n] if layout else [])),
                env=more,
                stderr=subprocess.PIPE,
                text=True,
            )
            for n in range(count)
        ]

    def new(self, out: str, count: int, *flags: object) -> list[subprocess.Popen]:
        settings = tiny_flags(steps=34, batch_size=4, checkpoint_every=5, preview_every=100, learning_rate=1e-4)
        more = ["--content", self.folder / "content", "--init", "none", "--objective", "johnson"]
        return self.start(out, count, *settings, *more, *flags)

    def losses(self, out: str) -> list[list[float]]:
        lines = [json.loads(line) for line in (self.folder / out / "log.jsonl").read_text().splitlines()]
        return [[line[name] for name in ("step", "total")] for line in lines]


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    with shared(tmp_path_factory, "trainings") as folder:
        return Trainings(folder)


def ended(processes: list[subprocess.Popen]) -> list[tuple[int, str]]:
    return [(process.returncode, told) for process in processes for _, told in [process.communicate(timeout=1800)]]


def kill_at(step: int, log: Path, *processes: subprocess.Popen) -> None:
    """Kills processes of a training when it has logged a step."""
    while processes[0].poll() is None and not (log.exists() and log.read_text().count("\n") >= step):
        time.sleep(0.01)
    for process in processes:
        process.send_signal(signal.SIGKILL)


@pytest.mark.slow
@needs_jax
def test_two_processes_train_as_one_does_and_four_go_on_after_a_loss(trainings: Trainings) -> None:
    processes, log = trainings.new("two", 2), trainings.folder / "two" / "log.jsonl"
    kill_at(7, log, processes[1])
    began = time.monotonic()
    (code, told), (killed, _) = ended(processes)
    assert (code, killed) == (LOST, -signal.SIGKILL), told
    assert "error: another process of this training was lost" in told and "Traceback" not in told
    assert time.monotonic() - began < 120  # and not after the minutes that JAX waits for it
    assert (trainings.folder / "two" / STATE).is_file()

    processes = trainings.start("two", 4, "--resume")
    kill_at(ROUGH, log, *processes)
    ended(processes)
    one_losses, two_losses = trainings.losses("one")[:ROUGH], trainings.losses("two")[:ROUGH]
    assert len(one_losses) == len(two_losses) == ROUGH
    np.testing.assert_allclose(two_losses, one_losses, rtol=1e-4)


@pytest.mark.slow
@needs_jax
def test_all_devices_of_one_process(trainings: Trainings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=3")
    ((code, told),) = ended(trainings.new("three", 1, "--devices", "all"))
    assert code == UsageError.exit_code and "--batch-size 4 is shared by 3 devices" in told
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    (process,) = trainings.new("all", 1, "--devices", "all")
    kill_at(3, trainings.folder / "all" / "log.jsonl", process)
    ended([process])
    np.testing.assert_allclose(trainings.losses("all")[:3], trainings.losses("one")[:3], rtol=1e-4)


def test_the_parts_of_a_batch_are_the_batch(tmp_path: Path) -> None:
    build([bundled_photos("train")], tmp_path / "content", 48)
    photos = Photos(tmp_path / "content")
    whole = Batches(photos, 6, 32, 0)[5]
    parts = [Batches(photos, 6, 32, 0, Team(3, index, 3).part(6))[5] for index in range(3)]
    assert [part.shape for part in parts] == [(2, 32, 32, 3)] * 3
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"devices": "two"}, "`devices` is one or all"),
        ({"processes": 2}, "need the first one's address"),
        ({"coordinator": "host", "processes": 2}, "HOST:PORT"),
        ({"coordinator": "host:1", "processes": 2, "process": 2}, "from 0 to one less"),
    ],
)
def test_layouts_that_cannot_be(layout: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        assemble(**layout)


def test_many_devices_need_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    assert assemble() == Team()
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "tensorflow")
    with pytest.raises(UsageError, match="KERAS_BACKEND is tensorflow"):
        assemble("all")
