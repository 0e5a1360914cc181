import copy
import json
import os
import shutil
from pathlib import Path

import pytest

from mobile_style.errors import CheckpointError
from mobile_style.exporting.card import card_path, read_export_card, source_checkpoint
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.write import write
from mobile_style.network.catalog import BUNDLED, DEFAULT

MODEL = BUNDLED / DEFAULT / "int8.tflite"


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    shutil.copy(MODEL, tmp_path / "model.tflite")
    shutil.copy(card_path(MODEL), tmp_path / "model.json")
    return tmp_path / "model.tflite"


def test_every_bundled_card_is_read() -> None:
    files = [*BUNDLED.glob("*/*.tflite"), *BUNDLED.glob("*/*.mlpackage")]
    assert len(files) == 3 * len(list(BUNDLED.glob("*/int8.tflite"))) >= 24 and all(
        read_export_card(file)["name"] == file.parent.name for file in files
    )


def test_a_network_below_a_folder_that_no_text_can_name_is_found(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9 1")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("the file system takes names in UTF-8 only")
    shutil.copy(BUNDLED / "udnie" / "model.safetensors", folder)
    (written,) = write(folder, find_recipe("tflite", "float32"), [(64, 64)], out=tmp_path / "exports" / "model.tflite")
    assert source_checkpoint(written.path, read_export_card(written.path)).resolve() == folder / "model.safetensors"


def test_the_card_inside_lacks_what_was_known_later(exported: Path) -> None:
    beside = read_export_card(exported)
    card_path(exported).unlink()
    inside = read_export_card(exported)
    assert inside["file"] is inside["fidelity"] is None and "training" not in inside["source"]
    assert inside["input"] == beside["input"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("source", None), ("source.checkpoint", 3), ("name", 7), ("name", "../escape"), ("name", "a\x1b[2Jb"),
        ("input.shape", "1x64"), ("input.shape", [1, -64, 64, 3]), ("input.shape", [1, float("nan"), 64, 3]),
        ("input.shape", [1, 10**30, 64, 3]), ("input.shape", [64, 64]), ("input.sizes", []), ("target", "onnx"),
        ("fidelity", []), ("fidelity.mean", {"psnr": 10**400, "ssim": 1}), ("fidelity.passed", "yes"), ("schema", 2),
        ("file", None), ("file.sha256", "0" * 64), ("file.bytes", "many"), ("tools", {"a": 1}), ("more", 1),
        ("recipe", ["int8"]), ("style", "x" * 2_000_000),
    ],
)  # fmt: skip
def test_a_card_with_one_wrong_thing_is_refused_in_one_line(exported: Path, place: str, value: object) -> None:
    card = copy.deepcopy(json.loads(card_path(exported).read_text()))
    *outer, last = place.split(".")
    part = card
    for key in outer:
        part = part[key]
    part[last] = value
    card_path(exported).write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match="export it again") as caught:
        read_export_card(exported)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize("content", ["", "null", "[" * 200_000, "{}", "\0"])
def test_what_is_no_card(exported: Path, content: str) -> None:
    card_path(exported).write_text(content)
    with pytest.raises(CheckpointError, match="export it again"):
        read_export_card(exported)
