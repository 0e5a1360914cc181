"""Turns photos into TFRecord shards, and shards into training batches.

A shard is a TFRecord file (https://www.tensorflow.org/tutorials/load_data/tfrecord) in which every
record is one JPEG file, so `tf.data.TFRecordDataset(shard).map(tf.io.decode_jpeg)` reads it too. It
is read here without TensorFlow, because training also runs where TensorFlow is not installed.
"""

import hashlib
import json
import os
import struct
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import google_crc32c
import numpy as np
from msgspec import Meta

from ..documents import Count, FileName, Sha256, Text, read_document_file
from ..errors import DatasetError, ImageError
from ..files import refuse_existing, writing
from ..media import images
from ..progress import Note, Progress, silent, track

MANIFEST = "manifest.json"
MANIFEST_BYTES = 50_000_000  # at most; it names every photo that was skipped
PHOTOS_PER_SHARD = 512


@dataclass(frozen=True)
class Shard:
    """One TFRecord file of the dataset."""

    name: FileName
    photos: Annotated[int, Meta(ge=1, le=10**9)]
    bytes: Count
    sha256: Sha256


@dataclass(frozen=True)
class Manifest:
    """What `build` made, as written to manifest.json.

    Attributes:
        photos: number of photos in the shards, in an order shuffled by `seed`.
        shorter_side: shorter side of every photo, in pixels.
        unreadable: (file, reason) of every file that was skipped.
    """

    photos: Annotated[int, Meta(ge=1, le=10**12)]
    shorter_side: Annotated[int, Meta(ge=1, le=images.MAX_SIDE)]
    seed: Annotated[int, Meta(ge=0)]
    shards: tuple[Shard, ...]
    unreadable: tuple[tuple[Text, Text], ...]
    schema: Literal[1] = 1

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Reads a dataset's manifest, refusing one that is damaged or from another version."""
        path, advice = folder / MANIFEST, "; make the shards again"
        manifest = read_document_file(cls, path, DatasetError, advice, largest=MANIFEST_BYTES)
        if manifest.photos != sum(shard.photos for shard in manifest.shards):
            raise DatasetError(f"{path} is damaged (its numbers of photos do not add up){advice}")
        return manifest


def build(
    sources: Sequence[Path | str], out: Path | str, shorter_side: int = 288, seed: int = 0, progress: Progress = silent
) -> Manifest:
    """Packs photos into TFRecord shards under the new folder `out`, and returns the manifest.

    Each photo is turned upright, converted to RGB and resized; what cannot be read is skipped and listed. The same
    photos and seed give the same bytes. Nothing appears at `out` before it is complete.

    Args:
        sources: files and folders (searched recursively).
        out: the folder to make.
        shorter_side: shorter side of the stored photos, in pixels; a smaller photo is enlarged.
        seed: decides the order of the photos.
        progress: called after each photo, and with what was skipped.

    Raises:
        DatasetError: no photo at all could be read.
        OutputError: `out` exists or cannot be written.
    """
    refuse_existing(out := Path(out))
    files = images.find(map(Path, sources), images.is_photo)
    if not files:
        raise DatasetError(
            f"no photos in {', '.join(map(str, sources))} (looked for {', '.join(sorted(images.SUFFIXES))}); "
            "name another folder"
        )
    files = [files[index] for index in np.random.default_rng(seed).permutation(len(files))]
    unreadable: list[tuple[str, str]] = []

    with writing(out) as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        folder.mkdir()
        shards: list[Shard] = []
        records: list[bytes] = []
        content = pool.map(partial(_prepared, shorter_side), files)
        packed = track(content, "Packing photos", len(files), "photos", progress)
        for file, prepared in zip(files, packed, strict=True):
            if isinstance(prepared, ImageError):
                unreadable.append((str(file), str(prepared)))
                continue
            records.append(prepared)
            if len(records) == PHOTOS_PER_SHARD:
                shards.append(_write_shard(folder, len(shards), records))
                records = []
        if records:
            shards.append(_write_shard(folder, len(shards), records))
        if not shards:
            raise DatasetError(f"none of the {len(files)} files could be read; the first: {unreadable[0][1]}")
        manifest = Manifest(
            photos=sum(shard.photos for shard in shards),
            shorter_side=shorter_side,
            seed=seed,
            shards=tuple(shards),
            unreadable=tuple(sorted(unreadable)),
        )
        for shard in shards:  # until now, a killed process leaves nothing that looks complete
            (folder / f"{shard.name}.partial").rename(folder / shard.name)
        (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    return manifest


def _prepared(shorter_side: int, file: Path) -> bytes | ImageError:
    try:
        return images.encode(images.with_shorter_side(images.load(file), shorter_side), "JPEG")
    except ImageError as error:
        return error


def _write_shard(folder: Path, number: int, records: list[bytes]) -> Shard:
    content = b"".join(map(_frame, records))
    name = f"photos-{number:05d}.tfrecord"
    (folder / f"{name}.partial").write_bytes(content)
    return Shard(name, len(records), len(content), hashlib.sha256(content).hexdigest())


def _masked_crc(data: bytes) -> int:
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _frame(record: bytes) -> bytes:
    """A TFRecord: length, its checksum, the record, its checksum, all little-endian."""
    length = struct.pack("<Q", len(record))
    return length + struct.pack("<I", _masked_crc(length)) + record + struct.pack("<I", _masked_crc(record))


def _records(content: bytes) -> Iterator[tuple[int, int]]:
    """Where each record of a shard starts, and its length, up to one that is cut short."""
    offset = 0
    while offset + 16 <= len(content):
        (length,) = struct.unpack_from("<Q", content, offset)
        if (end := offset + 16 + length) > len(content):
            return
        yield offset + 12, length
        offset = end


def note_unreadable(manifest: Manifest, progress: Progress) -> None:
    """Names every file that was skipped, and why."""
    for name, reason in manifest.unreadable:
        progress(Note(f"skipped {reason if name in reason else f'{name}: {reason}'}", warning=True))


class Photos:
    """The photos of a dataset folder, by number.

    The first `held_out` of them (an eighth, four at most) are never trained on: previews show them.
    """

    def __init__(self, folder: Path) -> None:
        """Opens the shards and checks that each is whole.

        Raises:
            DatasetError: a shard is missing, cut short or changed.
        """
        self.manifest = Manifest.read(folder)
        self.held_out = min(4, self.manifest.photos // 8)
        self._places: list[tuple[Path, int, int]] = []
        for shard in self.manifest.shards:
            path = folder / shard.name
            try:
                same = path.is_file() and path.stat().st_size == shard.bytes
                content = path.read_bytes() if same or not path.exists() else b""
            except OSError as error:
                raise DatasetError(f"cannot read {path}: {error.strerror}") from None
            places = list(_records(content))
            if hashlib.sha256(content).hexdigest() != shard.sha256 or len(places) != shard.photos:
                raise DatasetError(f"{path} is not what {MANIFEST} describes; make the shards again")
            self._places += [(path, *place) for place in places]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> np.ndarray:
        """Photo number `index`: (H, W, 3) uint8."""
        path, offset, length = self._places[index]
        with path.open("rb") as file:
            file.seek(offset)
            return images.load(file.read(length))

    def sha256(self) -> str:
        """Identifies the photos and their order."""
        return hashlib.sha256("".join(shard.sha256 for shard in self.manifest.shards).encode()).hexdigest()


class Batches:
    """Random crops of the photos that are not held out.

    Batch number n depends on n and the seed alone, so a resumed training sees what it would have
    seen. Each epoch takes every photo once, in a new order. `part` of each batch is made, by default all of it.
    """

    def __init__(self, photos: Photos, batch_size: int, image_size: int, seed: int, part: slice = slice(None)) -> None:
        self.part = part
        self.photos, self.batch_size, self.image_size, self.seed = photos, batch_size, image_size, seed
        self.count = len(photos) - photos.held_out

    def __getitem__(self, number: int) -> np.ndarray:
        """The part of batch `number`; a whole one is (batch_size, image_size, image_size, 3) float32, 0..255."""
        first = number * self.batch_size
        crops = range(first, first + self.batch_size)[self.part]
        return np.stack([self._crop(n) for n in crops]).astype(np.float32)

    def _crop(self, number: int) -> np.ndarray:
        epoch, position = divmod(number, self.count)
        order = np.random.default_rng((self.seed, 0, epoch)).permutation(self.count)
        photo = self.photos[self.photos.held_out + int(order[position])]
        rng = np.random.default_rng((self.seed, 1, number))
        # Zoom a little, so that the network sees objects at more than one scale.
        photo = images.with_shorter_side(photo, round(self.image_size * rng.uniform(1.0, 1.25)))
        top = rng.integers(photo.shape[0] - self.image_size + 1)
        left = rng.integers(photo.shape[1] - self.image_size + 1)
        crop = photo[top : top + self.image_size, left : left + self.image_size]
        return crop[:, ::-1] if rng.random() < 0.5 else crop

    def starting_at(self, number: int) -> Generator[np.ndarray, None, None]:
        """Yields batches without end from `number` on; the next two are decoded while one is trained on."""
        with ThreadPoolExecutor(1) as pool:
            waiting = [pool.submit(self.__getitem__, number + ahead) for ahead in range(2)]
            try:
                while True:
                    waiting.append(pool.submit(self.__getitem__, number + 2))
                    yield waiting.pop(0).result()
                    number += 1
            finally:
                for batch in waiting:
                    batch.cancel()
