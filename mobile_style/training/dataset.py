"""Photos to TFRecord shards, and shards to training batches.

A shard is a TFRecord file (https://www.tensorflow.org/tutorials/load_data/tfrecord) in which every
record is one JPEG file, so `tf.data.TFRecordDataset(shard).map(tf.io.decode_jpeg)` reads it too. It
is read here without TensorFlow, because training also runs where TensorFlow is not installed.
"""

import hashlib
import json
import os
import struct
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import google_crc32c
import numpy as np

from .. import images
from ..errors import DatasetError, ImageError
from ..files import refuse_existing, writing
from ..progress import Note, Progress, silent, track

MANIFEST = "manifest.json"
SCHEMA = 1
PHOTOS_PER_SHARD = 512


@dataclass(frozen=True)
class Shard:
    """One TFRecord file of the dataset."""

    name: str
    photos: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What `build` made, as written to manifest.json.

    Attributes:
        photos: how many are in the shards, in an order shuffled by `seed`.
        shorter_side: of every photo, in pixels.
        unreadable: (file, reason) of every file that was skipped.
    """

    photos: int
    shorter_side: int
    seed: int
    shards: tuple[Shard, ...]
    unreadable: tuple[tuple[str, str], ...]
    schema: int = SCHEMA

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Reads a dataset's manifest, refusing one that is damaged or from another version."""
        path = folder / MANIFEST
        try:
            values = json.loads(path.read_text())
            if values.get("schema") != SCHEMA:
                raise DatasetError(f"{path} is of schema {values.get('schema')}, not {SCHEMA}; make the shards again")
            shards = tuple(Shard(**shard) for shard in values.pop("shards"))
            unreadable = tuple((name, reason) for name, reason in values.pop("unreadable"))
            return cls(shards=shards, unreadable=unreadable, **values)
        except OSError as error:
            raise DatasetError(f"cannot read {path}: {error.strerror}") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DatasetError(f"{path} is damaged ({error}); make the shards again") from None


def build(
    sources: Sequence[Path], out: Path, shorter_side: int = 288, seed: int = 0, progress: Progress = silent
) -> Manifest:
    """Packs photos into TFRecord shards under the new folder `out`.

    Each photo is decoded, turned upright, converted to RGB and resized; what cannot be read is
    skipped and listed. The same photos and seed give the same bytes. Nothing appears at `out`
    before all of it is complete.

    Args:
        sources: files and folders (searched all the way down).
        out: the folder to make.
        shorter_side: of the stored photos, in pixels; a smaller photo is enlarged.
        seed: of the order of the photos.
        progress: called after each photo, and with what was skipped.

    Raises:
        DatasetError: no photo at all could be read.
        OutputError: `out` exists or cannot be written.
    """
    refuse_existing(out)
    files = images.find(sources, images.is_photo)
    if not files:
        raise DatasetError(
            f"no photos in {', '.join(map(str, sources))} (looked for {', '.join(sorted(images.SUFFIXES))})"
        )
    order = np.random.default_rng(seed).permutation(len(files))
    unreadable: list[tuple[str, str]] = []

    def prepare(index: int) -> bytes | ImageError:
        try:
            return images.encode(images.with_shorter_side(images.load(files[index]), shorter_side), "JPEG")
        except ImageError as error:
            return error

    with writing(out) as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        folder.mkdir()
        shards: list[Shard] = []
        records: list[bytes] = []
        packed = track(pool.map(prepare, order), "Packing photos", len(files), "photos", progress)
        for index, prepared in zip(order, packed, strict=True):
            if isinstance(prepared, ImageError):
                unreadable.append((str(files[index]), str(prepared)))
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
                content = path.read_bytes()
            except OSError as error:
                raise DatasetError(f"cannot read {path}: {error.strerror}") from None
            if hashlib.sha256(content).hexdigest() != shard.sha256:
                raise DatasetError(f"{path} is not what {MANIFEST} describes; make the shards again")
            offset = 0
            while offset < len(content):
                (length,) = struct.unpack_from("<Q", content, offset)
                self._places.append((path, offset + 12, length))
                offset += length + 16

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
    seen. Each epoch takes every photo once, in a new order.
    """

    def __init__(self, photos: Photos, batch_size: int, image_size: int, seed: int) -> None:
        self.photos, self.batch_size, self.image_size, self.seed = photos, batch_size, image_size, seed
        self.count = len(photos) - photos.held_out

    def __getitem__(self, number: int) -> np.ndarray:
        """Batch `number`: (batch_size, image_size, image_size, 3) float32, 0..255."""
        first = number * self.batch_size
        return np.stack([self._crop(n) for n in range(first, first + self.batch_size)]).astype(np.float32)

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
        """Endless batches from `number` on, the next two being decoded while one is trained on."""
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
