import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mobile_style.errors import CheckpointError
from mobile_style.evaluation.style_grams import GRAMS, losses_of, read_grams, save_grams
from mobile_style.network.card import MODEL, read_card
from mobile_style.network.catalog import DEFAULT, model_path
from mobile_style.training.config import TrainConfig

SIZES = {"1_2": 64, "2_2": 128}
LAYERS = tuple(SIZES)


def test_gram_matrices_stand_in_for_the_painting(tmp_path: Path) -> None:
    config = TrainConfig.from_card(read_card(model_path(DEFAULT)))
    whole = losses_of(model_path(DEFAULT), config)
    save_grams(whole, tmp_path / GRAMS)
    kept = losses_of(tmp_path / MODEL, config)
    for layer, gram in whole.style_grams.items():
        np.testing.assert_allclose(kept.style_grams[layer], gram, rtol=1e-3, atol=1e-3)


def halves(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {layer: rng.uniform(0, 9, c * (c + 1) // 2).astype(np.float16) for layer, c in SIZES.items()}


def test_they_are_symmetric(tmp_path: Path, rng: np.random.Generator) -> None:
    np.savez_compressed(tmp_path / GRAMS, **halves(rng))
    grams = read_grams(tmp_path / GRAMS, LAYERS)
    assert [gram.shape for gram in grams.values()] == [(64, 64), (128, 128)]
    for layer, gram in grams.items():
        np.testing.assert_array_equal(gram, gram.T)
        np.testing.assert_array_equal(gram[np.triu_indices(len(gram))], halves(np.random.default_rng(0))[layer])


@pytest.mark.parametrize(
    "damage",
    [
        *("missing", "cut", "text", "short", "double", "objects", "words", "infinite", "square", "huge", "flipped"),
        *("brackets", "packed"),
    ],
)
def test_damaged_ones_are_refused_in_one_line(tmp_path: Path, rng: np.random.Generator, damage: str) -> None:
    path, arrays = tmp_path / GRAMS, halves(rng)
    changed = {
        "short": lambda half: half[:-1],
        "double": lambda half: half.astype(np.float64),
        "objects": lambda half: half.astype(object),
        "words": lambda half: np.array(["a"] * half.size),
        "infinite": lambda half: half * np.float16(np.inf),
        "square": lambda half: half.reshape(1, -1),
    }
    if damage == "missing":
        del arrays["1_2"]
    if damage in changed:
        arrays["1_2"] = changed[damage](arrays["1_2"])
    np.savez(path, **arrays)
    if damage == "huge":  # as said; there is nothing in it
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": (10**14,)})
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("1_2.npy", header.getvalue())
    if damage in ("brackets", "packed"):
        method = zipfile.ZIP_LZMA if damage == "packed" else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("1_2.npy", b"\x93NUMPY\x01\0\x10\0{" + b"(" * 2500)
    content = bytearray(path.read_bytes())
    if damage == "packed":
        content[50:60] = b"\xff" * 10
    if damage == "flipped":
        content[2000] ^= 0xFF
    path.write_bytes({"cut": content[: len(content) // 2], "text": b"grams"}.get(damage, content))
    with pytest.raises(CheckpointError, match=r"style_grams\.npz is damaged") as caught:
        read_grams(path, LAYERS)
    assert "\n" not in str(caught.value)
