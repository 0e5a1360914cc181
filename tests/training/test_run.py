import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from conftest import command, eagerly, environment, run, tiny_config, tiny_flags
from mobile_style.cli.training import further
from mobile_style.errors import CheckpointError, DivergedError, ImageError, OutputError, UsageError
from mobile_style.files import alone
from mobile_style.media import images
from mobile_style.network.card import MODEL, STATE, read_card
from mobile_style.network.catalog import bundled_photos
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.progress import Note, Step
from mobile_style.training.config import TrainConfig, configure
from mobile_style.training.dataset import MANIFEST, build
from mobile_style.training.run import MEASURED, Plan, Run
from mobile_style.training.train import resume, train
from mobile_style.training.trainer import LOGGED, Trainer, make_trainer, suitable_rate


def losses(out: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{name: line[name] for name in ("step", *LOGGED)} for line in lines]


def heed_hangups() -> None:
    """In a process of its own: also where the tests run under nohup, which it would inherit."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(*arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        command(*arguments), env=environment(), stderr=subprocess.PIPE, text=True, preexec_fn=heed_hangups
    )


def wait_for_steps(process: subprocess.Popen, out: Path, count: int) -> None:
    log = out / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.read_text().count("\n") >= count):
        time.sleep(0.01)


def test_a_run_folder_holds_what_it_should(trained_run: Path) -> None:
    assert {path.name for path in trained_run.iterdir()} == {
        MODEL, STATE, "style.png", "content", "preview.png", "previews", "log.jsonl", "tensorboard",
    }  # fmt: skip
    card = read_card(trained_run / MODEL)
    assert card["step"] == 6 and card["config"]["architecture"] == {"width": 4, "blocks": 1, "end_kernel": 5}
    assert TrainConfig.from_card(card).objective.style_weight == 5.5  # of 5, for a temporal weight of 100
    assert [entry["step"] for entry in losses(trained_run)] == [1, 2, 3, 4, 5, 6]
    previews = [path.name for path in sorted((trained_run / "previews").iterdir())]
    assert previews == ["step-000001.png", "step-000003.png", "step-000006.png"]
    assert images.load(trained_run / "preview.png").shape == (
        564,
        1296,
        3,
    )  # style and four photos, two rows, each with a label


def test_tensorboard_reads_the_log(trained_run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained_run / "tensorboard"), size_guidance={"tensors": 0})
    events.Reload()
    steps = [event.step for event in events.Tensors("loss/total")]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_the_total_is_the_weighted_sum(trained_run: Path) -> None:
    for entry in losses(trained_run):
        total = entry["content"] + 5.5 * entry["style"] + 1e-6 * entry["tv"]
        total += 4000 * entry["quantization"] + 100 * entry["temporal"] + 4000 * entry["checkerboard"]
        np.testing.assert_allclose(entry["total"], total, rtol=1e-5)


def test_int8_rounding_counts_in_the_fine_phase(trained_run: Path) -> None:
    rounding = [entry["quantization"] for entry in losses(trained_run)]
    assert rounding[:4] == [0, 0, 0, 0] and min(rounding[4:]) > 0


@pytest.mark.slow
def test_a_training_by_time_ends_on_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=0.25)  # seconds; a step of the training looks at it four times
    monkeypatch.setattr("mobile_style.training.run.time", SimpleNamespace(perf_counter=clock.__next__))
    monkeypatch.setattr("mobile_style.training.train.time", SimpleNamespace(perf_counter=clock.__next__))
    settings = {"minutes": 0.25, "image_size": 96, "checkpoint_every": 10_000, "preview_every": 10_000}
    with eagerly():
        train(tiny_config(**settings), tmp_path / "run")
    entries, card = losses(tmp_path / "run"), read_card(tmp_path / "run" / MODEL)
    assert MEASURED < 12 < card["step"] == len(entries) <= 15 and card["config"]["steps"] == 0
    assert 15 <= card["seconds"] < 17
    assert TrainConfig.from_card(card).image_size == 48  # a step a second is too slow for crops of that size
    assert entries[0]["quantization"] == 0 and entries[-1]["quantization"] > 0


def test_minutes_that_reading_the_photos_takes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"preparing took all of `minutes=1e-06`; train for longer or with `content="):
        train(tiny_config(minutes=1e-6), tmp_path / "run")
    assert (tmp_path / "run" / "content" / MANIFEST).is_file()


def test_resuming_what_has_ended_changes_nothing(trained_run: Path, tmp_path: Path) -> None:
    shutil.copytree(trained_run, tmp_path / "run")
    before = (tmp_path / "run" / MODEL).read_bytes()
    events: list[Note | Step] = []
    resume(tmp_path / "run", events.append)
    assert (tmp_path / "run" / MODEL).read_bytes() == before
    assert any("has ended" in str(event) for event in events)


def test_the_plan_of_a_training_by_time(tmp_path: Path, astronaut: np.ndarray) -> None:
    config = tiny_config(image_size=192, minutes=10)
    (tmp_path / "run").mkdir()
    build([bundled_photos("train")], tmp_path / "run" / "content", 40)
    trainer, events = make_trainer(config, astronaut[:48, :48]), []

    def planned(config: TrainConfig, step_seconds: float, compiling: float = 0.0) -> Plan:
        run = Run(config, tmp_path / "run", trainer, 0, time.perf_counter(), events.append)
        run.make_plan(step_seconds, compiling)
        assert run.config == config  # what was asked for stays
        return run.plan

    assert planned(config, 0.1) == Plan(192, suitable_rate(4400))
    assert "about 3600 steps on crops of 128 pixels, then 800 on 192" in str(events[0])
    assert 48 <= planned(config, 10.0).image_size < 96  # some fifty steps only: smaller crops make more of the time
    assert planned(replace(config, image_size=32), 10.0).image_size == 32
    assert planned(config, 0.1, 150.0) == Plan(192, suitable_rate(2200))  # half of the time is lost to compiling
    assert planned(config, 0.1, 1e6) == Plan(192, suitable_rate(1100))


def test_long_trainings_take_smaller_steps(trained_run: Path) -> None:
    assert suitable_rate(4000) == suitable_rate(1) == 0.003
    assert suitable_rate(16_000) == 0.0015
    assert TrainConfig.from_card(read_card(trained_run / MODEL)).learning_rate == 0.003


@pytest.mark.slow
def test_from_random_weights_the_style_comes_in_slowly(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def step(trainer: Trainer, *_: np.ndarray) -> dict[str, float]:
        seen.append(float(trainer.style_share))
        return dict.fromkeys(LOGGED, 1.0)

    monkeypatch.setattr(Trainer, "step", step)
    train(tiny_config(steps=20), tmp_path / "random")
    train(replace(tiny_config(steps=2), init=str(trained_run)), tmp_path / "started")
    assert seen == pytest.approx([0.01, 10**-1.5, 0.1, 10**-0.5] + [1] * 18)


def test_the_style_share_counts_in_what_is_minimized(astronaut: np.ndarray) -> None:
    trainer = make_trainer(tiny_config(temporal_weight=0.0), astronaut[:48, :48])
    crops = astronaut[None, :32, :32].astype(np.float32)
    minimized = {}
    for share in (0.0, 0.25, 1.0):
        trainer.style_share.assign(share)
        minimized[share] = float(trainer.compute_loss(crops, None, trainer(crops)))
    logged = {tracker.name: float(tracker.result()) for tracker in trainer.trackers}  # means over equal values
    style = 5 * logged["style"]
    for share, value in minimized.items():
        assert value == pytest.approx(logged["total"] - (1 - share) * style, rel=1e-4)


def test_the_margin_does_not_count(astronaut: np.ndarray) -> None:
    trainer = make_trainer(tiny_config(temporal_weight=0.0, checkerboard_weight=0.0), astronaut[:48, :48])
    trainer.margin = 8
    trainer.corner.assign((3, 5))
    crops = astronaut[None, :40, :40].astype(np.float32)
    painted = np.array(trainer(crops))
    spoiled = np.full_like(painted, 90)
    spoiled[:, 3:35, 5:37] = painted[:, 3:35, 5:37]
    loss = float(trainer.compute_loss(crops, None, painted))
    assert float(trainer.compute_loss(crops, None, spoiled)) == pytest.approx(loss)
    trainer.margin = 0
    assert float(trainer.compute_loss(crops, None, spoiled)) != pytest.approx(loss, rel=0.01)
    within = float(trainer.compute_loss(crops[:, 3:35, 5:37], None, painted[:, 3:35, 5:37]))
    assert within == pytest.approx(loss, rel=1e-5)


@pytest.mark.slow
def test_a_run_killed_twice_equals_one_that_was_not_killed_and_lowers_the_loss(tmp_path: Path) -> None:
    settings = {"steps": 30, "learning_rate": 0.01, "checkpoint_every": 5, "preview_every": 100}
    train(tiny_config(**settings), tmp_path / "whole")
    totals = [entry["total"] for entry in losses(tmp_path / "whole")]
    assert np.mean(totals[-5:]) < 0.6 * np.mean(totals[:3])
    out = tmp_path / "killed"
    begin = ("train", "--out", out, *tiny_flags(objective="johnson", **settings))
    go_on = ("train", "--resume", "--out", out)
    for command_line, killed_after in ((begin, 8), (go_on, 23)):  # the rough phase has 18
        process = start(*command_line)
        wait_for_steps(process, out, killed_after)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert killed_after - 5 < read_card(out / STATE)["step"] < 30
    resume(out)
    assert losses(out) == losses(tmp_path / "whole")
    whole, killed = (Checkpoint.read(folder / STATE) for folder in (tmp_path / "whole", out))
    for arrays in ("weights", "optimizer"):
        for name, value in getattr(whole, arrays).items():
            np.testing.assert_array_equal(getattr(killed, arrays)[name], value, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])  # SIGTERM is as SIGHUP: test_interrupts.py
def test_ctrl_c_and_signals_stop_with_a_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    process = start("train", "--out", tmp_path / "run", *tiny_flags(steps=100_000, checkpoint_every=100_000))
    wait_for_steps(process, tmp_path / "run", 3)
    process.send_signal(number)
    _, shown = process.communicate(timeout=240)
    assert process.returncode == 130 and f"mobile-style train --resume --out {tmp_path / 'run'}" in shown
    assert read_card(tmp_path / "run" / MODEL)["step"] == len(losses(tmp_path / "run")) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_trains_alike(
    backend: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    with eagerly():
        train(tiny_config(photos, steps=4), tmp_path / "tensorflow")
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")  # four steps are not worth long compiling
    arguments = ("train", "--content", photos, "--out", tmp_path / backend, *tiny_flags(steps=4, objective="johnson"))
    result = run(*arguments, cwd=tmp_path, backend=backend)
    assert result.returncode == 0, result.stderr
    for ours, theirs in zip(losses(tmp_path / "tensorflow"), losses(tmp_path / backend), strict=True):
        # The same weights and crops; what differs is the last bit, which each step multiplies, and which may tip a
        # value over to the next of the 256 levels: the rounding loss is a sum of such accidents.
        assert ours.pop("quantization") == pytest.approx(theirs.pop("quantization"), rel=0.5)
        assert ours.pop("checkerboard") == pytest.approx(theirs.pop("checkerboard"), rel=0.05)
        np.testing.assert_allclose(list(ours.values()), list(theirs.values()), rtol=0.02)
    assert backend in read_card(tmp_path / backend / MODEL)["versions"]


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_with_advice(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"became inf at step 1: lower `learning_rate` \(now 0.003\)"):
        train(tiny_config(style_weight=1e38), tmp_path / "run")
    assert read_card(tmp_path / "run" / STATE)["step"] == 0  # what it started from


@pytest.mark.slow
def test_a_loss_that_explodes_stops_and_keeps_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    totals = iter([9.0, 8.0, 7.0, 6.0, 5e3])
    monkeypatch.setattr(
        Trainer,
        "step",
        lambda *_: dict.fromkeys(LOGGED, 1.0) | {"total": next(totals)},
    )
    with pytest.raises(DivergedError, match=r"became 5e\+03 at step 5.*the last checkpoint is kept"):
        train(tiny_config(), tmp_path / "run")
    assert read_card(tmp_path / "run" / MODEL)["step"] == 4


@pytest.mark.slow
def test_init_starts_from_the_weights_and_their_preset(trained_run: Path, tmp_path: Path) -> None:
    settings = {"steps": 1, "image_size": 32, "style_size": 48, "learning_rate": 1e-9}
    train(configure("starry_night", None, None, "johnson", str(trained_run), **settings), tmp_path / "run")
    start, after = (Checkpoint.read(folder / MODEL) for folder in (trained_run, tmp_path / "run"))
    assert after.card["config"]["architecture"] == start.card["config"]["architecture"]
    for name, value in start.weights.items():
        np.testing.assert_allclose(after.weights[name], value, atol=1e-8)


def test_init_of_another_preset(trained_run: Path, tmp_path: Path) -> None:
    config = configure("starry_night", None, "nano", "johnson", str(trained_run), image_size=32, style_size=48)
    with pytest.raises(CheckpointError, match=r"`init=.*` is a network of preset nano"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_resume_of_what_cannot_be_resumed(trained_run: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        resume(tmp_path)
    (tmp_path / STATE).write_bytes((trained_run / STATE).read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="damaged"):
        resume(tmp_path)


@pytest.mark.parametrize("left", ["content", "style.png"])
def test_a_run_killed_before_its_first_checkpoint_says_what_to_remove(tmp_path: Path, left: str) -> None:
    (tmp_path / "run" / left).mkdir(parents=True) if left == "content" else images.save(
        np.zeros((48, 48, 3), np.uint8), tmp_path / "run" / left
    )
    for again in (lambda: resume(tmp_path / "run"), lambda: train(tiny_config(), tmp_path / "run")):
        with pytest.raises(OutputError, match=f"remove {tmp_path / 'run'}, or choose another `out`"):
            again()


def test_a_run_that_is_under_way_is_left_alone(trained_run: Path) -> None:
    with alone(trained_run), pytest.raises(OutputError, match="a training is under way"):
        resume(trained_run)


@pytest.mark.parametrize(
    ("objective", "overrides", "flags"),
    [
        ("painterly", {}, ""),
        ("johnson", {}, " --style-weight 5"),
        ("painterly", {"style_size": 128, "qat_weight": 8000.0}, " --style-size 128 --qat-weight 8000"),
        ("painterly", {"temporal_weight": 250.0}, " --temporal-weight 250 --style-weight 15"),
        ("painterly", {"checkerboard_weight": 0.0}, " --checkerboard-weight 0"),
        ("lengstrom", {"tv_weight": 0.5}, " --objective lengstrom --tv-weight 0.5"),
        ("painterly", {"content_layers": ("2_2", "3_3")}, " --content-layers 2_2,3_3"),
    ],
)
def test_the_command_that_trains_further(objective: str, overrides: dict[str, object], flags: str) -> None:
    config = configure("starry_night", None, None, objective, None, **overrides)
    assert further(config, Path("run")) == "mobile-style train --init run --style run/style.png" + flags


def test_shards_of_smaller_photos_are_said(photos: Path, no_steps: None, tmp_path: Path) -> None:
    build([photos], tmp_path / "shards", 40)
    events: list[Note | Step] = []
    train(tiny_config(tmp_path / "shards", steps=1, image_size=48), tmp_path / "run", events.append)
    (warning,) = (event for event in events if isinstance(event, Note) and event.warning)
    assert "were packed at 40 pixels and are enlarged for `image_size=48`" in warning.text


def test_resume_on_other_photos(photos: Path, no_steps: None, tmp_path: Path) -> None:
    build([photos], tmp_path / "shards", 40)
    train(tiny_config(tmp_path / "shards", steps=2), tmp_path / "run")
    shutil.rmtree(tmp_path / "shards")
    build([photos], tmp_path / "shards", 40, seed=1)
    with pytest.raises(CheckpointError, match="photos are not those"):
        resume(tmp_path / "run")


def test_style_image_smaller_than_asked(tmp_path: Path) -> None:
    images.save(np.zeros((40, 60, 3), np.uint8), tmp_path / "small.png")
    with pytest.raises(ImageError, match="60 x 40 pixels, smaller than `style_size=48`"):
        train(tiny_config(style=str(tmp_path / "small.png")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_where_a_training_starts() -> None:
    assert configure("starry_night", None, None, "johnson", None).init == "self_portrait"  # of the same shape
    assert configure("starry_night", None, None, "johnson", "none").init == ""
    assert configure("starry_night", None, None, "johnson", None, width=20).init == ""
    assert configure("starry_night", None, "nano", "johnson", None).init == ""


@pytest.mark.parametrize(
    ("overrides", "weight"),
    [
        ({}, 12),
        ({"temporal_weight": 250}, 15),
        ({"temporal_weight": 250, "style_weight": 12}, 12),
        ({"style_weight": 3}, 3),
    ],
)
def test_steadiness_is_not_paid_in_style(overrides: dict[str, float], weight: float) -> None:
    assert configure("starry_night", None, None, "painterly", None, **overrides).objective.style_weight == weight


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"minutes": -1}, "`minutes`"),
        ({"steps": 10**10}, "`steps`"),
        ({"batch_size": 10**6}, "`batch_size`"),
        ({"minutes": 0}, "above 0"),
        ({"minutes": 5, "steps": 5}, "exactly one of `steps` and `minutes`"),
        ({"loss_precision": "int4"}, "`loss_precision`"),
        ({"image_size": 0}, "`image_size`"),
        ({"steps": 0}, "`steps`"),
        ({"learning_rate": 0.0}, "`learning_rate`"),
        ({"seed": -1}, "`seed`"),
        ({"seed": 2**32}, "`seed`"),
    ],
)
def test_settings_out_of_range(setting: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tiny_config(**setting)


def test_a_folder_whose_name_is_not_in_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    with pytest.raises(UsageError, match="`content`: the path is not in UTF-8"):
        tiny_config(folder)
