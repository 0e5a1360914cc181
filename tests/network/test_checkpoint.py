from pathlib import Path

import numpy as np
import pytest

from mobile_style.errors import CheckpointError
from mobile_style.network.card import MODEL, read_card
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.transform_net import load_network


def test_round_trip(trained_run: Path, tmp_path: Path) -> None:
    first = Checkpoint.read(trained_run / MODEL)
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
        with pytest.raises(CheckpointError, match="damaged or no model"):
            load_network(tmp_path / MODEL)


def test_what_is_no_model(trained_run: Path, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    with pytest.raises(CheckpointError, match="there is no model"):
        read_card(tmp_path / "nothing")
    save_file({"a": np.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="not written by mobile-style"):
        read_card(tmp_path / "other.safetensors")
    good = Checkpoint.read(trained_run / MODEL)
    Checkpoint(good.card | {"schema": 99}, good.weights, {}).write(tmp_path / "future.safetensors")
    with pytest.raises(CheckpointError, match="schema 99"):
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


def test_others_may_read_a_checkpoint_as_any_file(tmp_path: Path) -> None:
    Checkpoint({"schema": 1}, {"a": np.zeros(1, np.float32)}, {}).write(tmp_path / "model.safetensors")
    (tmp_path / "any").touch()
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "any").stat().st_mode
