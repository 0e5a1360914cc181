import json
import os
import shutil
import signal
import subprocess
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from conftest import command, environment
from mobile_style.errors import DatasetError, OutputError
from mobile_style.media import images
from mobile_style.training.dataset import MANIFEST, Batches, Manifest, Photos, build
from picture_files import bad_files


def test_shards_hold_the_photos(photos: Path, tmp_path: Path) -> None:
    manifest = build([photos], tmp_path / "shards", shorter_side=32)
    assert manifest.photos == 12 and manifest == Manifest.read(tmp_path / "shards")
    opened = Photos(tmp_path / "shards")
    assert len(opened) == 12 and all(min(opened[n].shape[:2]) == 32 for n in range(12))
    expected = sorted(images.with_shorter_side(images.load(p), 32).mean() for p in images.find([photos]))
    np.testing.assert_allclose(sorted(opened[n].mean() for n in range(12)), expected, atol=1)


def test_tensorflow_reads_the_shards(photos: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    build([photos], tmp_path / "shards", shorter_side=32)
    records = tf.data.TFRecordDataset(str(tmp_path / "shards" / "photos-00000.tfrecord"))
    theirs = [tf.io.decode_jpeg(record, dct_method="INTEGER_ACCURATE").numpy() for record in records]
    opened = Photos(tmp_path / "shards")
    assert len(theirs) == 12
    for number, photo in enumerate(theirs):
        np.testing.assert_allclose(photo, opened[number], atol=8)  # two decoders; another photo is off by 255


def test_the_same_photos_and_seed_give_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    shas = [build([photos], tmp_path / str(n), 32, seed).shards[0].sha256 for n, seed in enumerate((1, 1, 2))]
    assert shas[0] == shas[1] != shas[2]


@pytest.mark.slow
def test_unreadable_photos_are_skipped_and_named(photos: Path, tmp_path: Path) -> None:
    bad = set(map(str, bad_files(photos)))
    manifest = build([photos], tmp_path / "shards", shorter_side=32)
    assert manifest.photos == 12 and {name for name, _ in manifest.unreadable} == bad


def test_a_strip_is_skipped_like_any_unreadable_photo(photos: Path, tmp_path: Path) -> None:
    images.save(np.zeros((1, 3000, 3), np.uint8), photos / "strip.png")
    manifest = build([photos], tmp_path / "shards", shorter_side=32)
    assert manifest.photos == 12 and "too narrow" in manifest.unreadable[0][1]


@pytest.mark.slow
def test_nothing_readable(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no photos in"):
        build([tmp_path / "empty"], tmp_path / "shards")
    (tmp_path / "bad").mkdir()
    bad_files(tmp_path / "bad")
    with pytest.raises(DatasetError, match="none of the 5 files"):
        build([tmp_path / "bad"], tmp_path / "shards")
    assert not (tmp_path / "shards").exists()


def test_existing_output_is_left_alone(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        build([photos], tmp_path / "shards")
    assert (tmp_path / "shards" / "mine.txt").read_text() == "mine"


def test_a_killed_build_leaves_nothing_that_looks_complete(tmp_path: Path, rng: np.random.Generator) -> None:
    big = tmp_path / "photos"
    images.save(rng.integers(0, 256, (1200, 1200, 3), np.uint8), big / "0.png")
    for number in range(1, 80):
        shutil.copy(big / "0.png", big / f"{number}.png")
    process = subprocess.Popen(command("dataset", big, "--out", tmp_path / "shards"), env=environment())
    while process.poll() is None and not list(tmp_path.glob(".shards.*")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "shards").exists() and not list(tmp_path.rglob(MANIFEST)) + list(
        tmp_path.rglob("*.tfrecord")
    )


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "manifest"])
def test_damaged_shards(photos: Path, tmp_path: Path, damage: str) -> None:
    build([photos], tmp_path / "shards", shorter_side=32)
    shard = tmp_path / "shards" / "photos-00000.tfrecord"
    content = bytearray(shard.read_bytes())
    if damage == "cut":
        shard.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
        shard.write_bytes(content)
    elif damage == "gone":
        shard.unlink()
    else:
        (tmp_path / "shards" / MANIFEST).write_text(json.dumps({"schema": 1}))
    with pytest.raises(DatasetError):
        Photos(tmp_path / "shards")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("photos", "12"), ("photos", 13), ("photos", 0), ("shorter_side", 0), ("schema", 2), ("shards", {}),
        ("unreadable", [["a"]]), ("more", 1), ("name", 5), ("name", "a\0b"), ("name", "../photos-00000.tfrecord"),
        ("name", "/dev/zero"), ("sha256", "0" * 64), ("bytes", -1),
    ],
)  # fmt: skip
def test_a_manifest_with_one_wrong_thing(photos: Path, tmp_path: Path, place: str, value: object) -> None:
    build([photos], tmp_path / "shards", shorter_side=32)
    path = tmp_path / "shards" / MANIFEST
    manifest = json.loads(path.read_text())
    (manifest["shards"][0] if place in manifest["shards"][0] and place != "photos" else manifest)[place] = value
    path.write_text(json.dumps(manifest))
    with pytest.raises(DatasetError, match="make the shards again") as caught:
        Photos(tmp_path / "shards")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff" * 8 + bytes(40), b"\x05" + bytes(30)])
def test_a_shard_whose_records_are_not_those_described(photos: Path, tmp_path: Path, content: bytes) -> None:
    build([photos], tmp_path / "shards", shorter_side=32)
    shard = {
        "name": "photos-00000.tfrecord",
        "photos": 12,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    (tmp_path / "shards" / "photos-00000.tfrecord").write_bytes(content)
    path = tmp_path / "shards" / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"shards": [shard]}))
    with pytest.raises(DatasetError, match=r"is not what manifest\.json describes"):
        Photos(tmp_path / "shards")


def test_a_shard_that_never_ends(photos: Path, tmp_path: Path) -> None:
    build([photos], tmp_path / "shards", shorter_side=32)
    (tmp_path / "shards" / "photos-00000.tfrecord").unlink()
    (tmp_path / "shards" / "photos-00000.tfrecord").symlink_to("/dev/zero")
    with pytest.raises(DatasetError, match=r"is not what manifest\.json describes"):
        Photos(tmp_path / "shards")


def test_batches_depend_on_number_and_seed_alone(photos: Path, tmp_path: Path) -> None:
    build([photos], tmp_path / "shards", shorter_side=40)
    batches = Batches(Photos(tmp_path / "shards"), 2, 32, seed=3)
    assert batches.count == 11  # one of twelve is held out
    stream = batches.starting_at(4)
    for number in range(4, 9):
        batch = next(stream)
        assert batch.shape == (2, 32, 32, 3) and batch.dtype == np.float32
        np.testing.assert_array_equal(batch, batches[number])
    stream.close()
    assert (Batches(Photos(tmp_path / "shards"), 2, 32, seed=4)[0] != batches[0]).any()


def test_an_epoch_takes_every_photo_once(tmp_path: Path) -> None:
    for number in range(10):
        images.save(np.full((32, 32, 3), 20 * number, np.uint8), tmp_path / "photos" / f"{number}.png")
    build([tmp_path / "photos"], tmp_path / "shards", shorter_side=32)
    batches = Batches(Photos(tmp_path / "shards"), 1, 32, seed=0)
    epochs = [[round(batches[n].mean() / 20) for n in range(start, start + 9)] for start in (0, 9)]
    assert len(set(epochs[0])) == 9 and sorted(epochs[0]) == sorted(epochs[1]) and epochs[0] != epochs[1]
