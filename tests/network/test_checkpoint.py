import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from mobile_style.errors import CheckpointError
from mobile_style.network.card import MODEL, Card, read_card, untrained_card
from mobile_style.network.catalog import DEFAULT, model_path
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.transform_net import load_network
from mobile_style.training.config import TrainConfig


def test_round_trip(trained_run: Path, tmp_path: Path) -> None:
    first = Checkpoint.read(trained_run / MODEL)
    assert len(first.card["arrays_sha256"]) == 64
    first.write(tmp_path / "copy.safetensors")
    again = Checkpoint.read(tmp_path / "copy.safetensors")
    assert again.card == first.card and set(again.weights) == set(first.weights)
    for name, value in first.weights.items():
        np.testing.assert_array_equal(again.weights[name], value)


def test_transposed_arrays_keep_their_values(trained_run: Path, tmp_path: Path) -> None:
    card = read_card(trained_run / MODEL)
    array = np.arange(6.0, dtype=np.float32).reshape(2, 3).T
    Checkpoint(card, {"a": array}, {}).write(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(Checkpoint.read(tmp_path / "a.safetensors").weights["a"], array)


def test_a_file_cut_anywhere_is_refused(trained_run: Path, tmp_path: Path) -> None:
    content = (trained_run / MODEL).read_bytes()
    for length in (0, 5, 100, len(content) // 2, len(content) - 1):
        (tmp_path / MODEL).write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            load_network(tmp_path / MODEL)


def test_what_is_no_model(trained_run: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no model"):
        read_card(tmp_path / "nothing")
    save_file({"a": np.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="not written by mobile-style"):
        read_card(tmp_path / "other.safetensors")
    good = Checkpoint.read(trained_run / MODEL)
    Checkpoint(good.card | {"schema": 99}, good.weights, {}).write(tmp_path / "future.safetensors")
    with pytest.raises(CheckpointError, match=r"schema: Invalid enum value"):
        read_card(tmp_path / "future.safetensors")
    Checkpoint(good.card | {"color": "blue"}, good.weights, {}).write(tmp_path / "key.safetensors")
    with pytest.raises(CheckpointError, match="color"):
        read_card(tmp_path / "key.safetensors")


def test_weights_that_do_not_fit_or_are_not_finite(trained_run: Path, tmp_path: Path) -> None:
    good = Checkpoint.read(trained_run / MODEL)
    name = next(iter(good.weights))
    Checkpoint(good.card, {**good.weights, name: good.weights[name][:1]}, {}).write(tmp_path / "shape.safetensors")
    with pytest.raises(CheckpointError, match="do not fit"):
        load_network(tmp_path / "shape.safetensors")
    Checkpoint(good.card, {**good.weights, name: good.weights[name] * np.nan}, {}).write(tmp_path / "nan.safetensors")
    with pytest.raises(CheckpointError, match=name):
        load_network(tmp_path / "nan.safetensors")


def test_a_changed_weight_is_found_out(trained_run: Path, tmp_path: Path) -> None:
    content = bytearray((trained_run / MODEL).read_bytes())
    content[-4:] = bytes(4)
    (tmp_path / MODEL).write_bytes(content)
    with pytest.raises(CheckpointError, match="its arrays are not those written"):
        load_network(tmp_path / MODEL)


def test_a_checkpoint_of_an_earlier_version_is_read_without_a_digest(tmp_path: Path) -> None:
    now = Checkpoint.read(model_path(DEFAULT))
    card = {name: value for name, value in now.card.items() if name != "arrays_sha256"}
    arrays = {f"weights/{name}": value for name, value in now.weights.items()}
    (tmp_path / MODEL).write_bytes(save(arrays, {"mobile_style": json.dumps(card)}))
    before = Checkpoint.read(tmp_path / MODEL)
    assert "arrays_sha256" not in before.card and set(before.weights) == set(now.weights)


def card_with(card: Card, place: str, value: object) -> Card:
    card = copy.deepcopy(card)
    *outer, last = place.split(".")
    part: Any = card
    for key in outer:
        part = part[key]
    part[last] = value
    return card


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("config", None), ("config", []), ("config.style", 7), ("config.architecture", {"width": 8}), ("step", "30"),
        ("config.architecture.width", 8.0), ("config.architecture.width", True), ("step", -1), ("step", 10**400),
        ("config.architecture.depth", 5), ("config.steps", None), ("config.minutes", float("nan")),
        ("losses", {"total": float("inf")}), ("losses", {"total": "1"}), ("versions", {"keras": 3}), ("date", 5),
        ("content_sha256", "abc"), ("seconds", 1e300), ("config.preset", "x" * 1000), ("more", 1), ("schema", 1),
        ("schema", None), ("schema", "2"), ("config.style", "x" * 2_000_000),
    ],
)  # fmt: skip
def test_a_card_with_one_wrong_thing_is_refused_in_one_line(
    trained_run: Path, tmp_path: Path, place: str, value: object
) -> None:
    good = Checkpoint.read(trained_run / MODEL)
    Checkpoint(card_with(good.card, place, value), {}, {}).write(tmp_path / MODEL)
    with pytest.raises(CheckpointError, match=r"the card of .* is damaged") as caught:
        read_card(tmp_path / MODEL)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_a_card_that_is_nested_a_hundred_thousand_deep(tmp_path: Path) -> None:
    save_file({"a": np.zeros(1)}, tmp_path / MODEL, {"mobile_style": "[" * 100_000})
    with pytest.raises(CheckpointError, match="nested too deeply"):
        read_card(tmp_path / MODEL)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("config.batch_size", "1"), ("config.steps", 10**10), ("config.objective", None), ("config.unknown", 1),
        ("config.objective.style_layers", ["9_9"]), ("config.objective.reduction", "max"), ("config.seed", -1),
        ("config.objective.style_weight", float("inf")), ("config.learning_rate", 5.0), ("config.image_size", 10**9),
    ],
)  # fmt: skip
def test_training_settings_with_one_wrong_thing(trained_run: Path, place: str, value: object) -> None:
    card = card_with(read_card(trained_run / MODEL), place, value)
    with pytest.raises(CheckpointError) as caught:
        TrainConfig.from_card(card)
    assert "\n" not in str(caught.value)


def test_weights_of_other_types_and_sizes(trained_run: Path, tmp_path: Path) -> None:
    good = Checkpoint.read(trained_run / MODEL)
    name, value = next(iter(good.weights.items()))
    for other in (value.astype(np.float64), value.astype(np.int32), value.astype(bool)):
        Checkpoint(good.card, {**good.weights, name: other}, {}).write(tmp_path / MODEL)
        with pytest.raises(CheckpointError, match=f"unusable array weights/{name}"):
            load_network(tmp_path / MODEL)
    huge = card_with(good.card, "config.architecture", {"width": 256, "blocks": 16, "end_kernel": 15})
    Checkpoint(huge, good.weights, {}).write(tmp_path / MODEL)
    with pytest.raises(CheckpointError, match="do not fit the architecture"):
        load_network(tmp_path / MODEL)


def test_others_may_read_a_checkpoint_as_any_file(tmp_path: Path) -> None:
    Checkpoint(untrained_card({}), {"a": np.zeros(1, np.float32)}, {}).write(tmp_path / "model.safetensors")
    (tmp_path / "any").touch()
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "any").stat().st_mode
