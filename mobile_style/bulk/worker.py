"""A worker: holds the network and paints one item after the other, in a local process or a Ray actor."""

import errno
import hashlib
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from ..errors import ImageError, MobileStyleError
from ..media import moving
from ..media.clip import Part
from ..network.catalog import with_mix
from ..painting.convert import convert
from ..painting.places import Job
from ..painting.stylize import Painter
from ..progress import silent
from .plan import Item
from .stores import Stamp, Store

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # errors that every other result would meet, too


@dataclass(frozen=True)
class Rendering:
    """How results look.

    Attributes:
        size: shorter side in pixels; None for the source's own.
        strength: 0 gives the photo, 1 the network's output.
        preserve_color: keep the photo's colors.
        precision: "float" or "int8".
        metadata: also write the date, place, titles and the like.
        stroke_width: factor on the network's own stroke width, 1 to 8; None to choose it by the picture's size.
    """

    size: int | None = None
    strength: float = 1.0
    preserve_color: bool = False
    precision: str = "float"
    metadata: bool = True
    stroke_width: float | None = None

    def painter(self, model: str | Path, threads: int | None = None) -> Painter:
        """A painter of this rendering.

        Raises:
            UsageError, CheckpointError: as `Painter` does.
        """
        return Painter(model, self.strength, self.preserve_color, self.precision, self.stroke_width, threads)


@dataclass(frozen=True)
class Order:
    """What each worker is sent at its start.

    Attributes:
        model: the checkpoint's bytes, because another machine may not have the file.
        mix: of its styles; empty for a network of one style.
        shard: name of the shard that the results belong to.
    """

    source: Store
    target: Store
    model: bytes
    mix: str
    rendering: Rendering
    shard: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of an item.

    Attributes:
        failed: why it failed, in one line; empty otherwise.
        stop: whether no other result could be written, either.
        kept: whether the existing result was painted from the same content, so nothing was painted.
        parts: of a long video, to be painted in its place; nothing was painted. Empty otherwise.
        sha256: of the source.
        target_bytes: size of the result.
        said: remarks on the result.
        seconds: how long it took.
    """

    failed: str = ""
    stop: bool = False
    kept: bool = False
    parts: tuple[Part, ...] = ()
    sha256: str = ""
    target_bytes: int = 0
    said: tuple[str, ...] = ()
    seconds: float = 0.0


class Worker:
    """Holds the network and runs it on one thread: the other cores have their own workers, even while this decodes."""

    def __init__(self, order: Order, folder: Path | None = None) -> None:
        """Temporary files go to `folder`; None for the system's folder of temporary files."""
        self._order, rendering = order, order.rendering
        self._scratch = Path(mkdtemp(prefix="mobile-style-", dir=folder))
        checkpoint = self._scratch / "model.safetensors"
        checkpoint.write_bytes(order.model)
        model = with_mix(checkpoint, order.mix)
        self._painter = rendering.painter(model, threads=1)
        self._source: tuple[str, Stamp, Path] | None = None  # the latest one fetched

    def ready(self) -> bool:
        """Returns True once the network is loaded."""
        return True

    def paint(self, item: Item) -> Outcome:
        """Paints an item from the source into the target; errors are returned as an outcome, not raised."""
        began = time.perf_counter()
        try:
            with TemporaryDirectory(dir=self._scratch) as folder:
                outcome = self._painted(item, Path(folder))
        except MobileStyleError as error:
            outcome = Outcome(self._one_line(str(error)), _is_full(error))
        except MemoryError:
            outcome = Outcome("there is not enough memory for it")
        except Exception as error:  # one file must not end the work on a million
            outcome = Outcome(self._one_line(f"{type(error).__name__}: {error}"), _is_full(error))
        return replace(outcome, seconds=round(time.perf_counter() - began, 3))

    def _painted(self, item: Item, folder: Path) -> Outcome:
        try:
            source = self._fetched(item)
            sha256 = item.known if item.part is not None else _sha256(source)
        except OSError as error:
            raise ImageError(f"{item.name} cannot be read: {error.strerror or error}") from None
        made = folder / "out" / Path(item.target).name
        if item.part is not None or item.joined:
            said = self._in_parts(item, source, sha256, made)
        elif sha256 == item.known:
            return Outcome(kept=True, sha256=sha256)
        elif parts := _parts_of(source):
            return Outcome(sha256=sha256, parts=parts)
        else:
            rendering, job = self._order.rendering, Job(source, made, None, moving.is_moving(source))
            said = convert(job, self._painter, False, rendering.size, rendering.metadata, silent)
        self._order.target.put(made, item.target, self._order.shard)
        return Outcome(sha256=sha256, target_bytes=made.stat().st_size, said=tuple(map(self._one_line, said)))

    def _fetched(self, item: Item) -> Path:
        """The source's local path; a copy is kept until another is fetched, because more parts may follow."""
        if self._source is None or self._source[:2] != (item.name, item.source):
            self._source, folder = None, self._scratch / "in"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            self._source = item.name, item.source, self._order.source.fetch(item.name, folder)
        return self._source[2]

    def _in_parts(self, item: Item, source: Path, sha256: str, made: Path) -> list[str]:
        """Paints a part of a video, or joins all of them."""
        from ..painting.video_parts import join, paint_part

        order, rendering = self._order, self._order.rendering
        if item.part is not None:
            return paint_part(source, item.part, made, self._painter, rendering.size)
        if sha256 != item.known:
            raise ImageError(f"{item.name} has changed while it was painted; start the same command again")
        made.parent.mkdir()
        return join(source, [order.target.fetch(place, made.parent) for place in item.joined], made, rendering.metadata)

    def _one_line(self, text: str) -> str:
        """The text in one line of at most 500 characters, without the path of the temporary folder."""
        text = " ".join(text.split())
        return text.replace(f"{self._scratch}/", "")[:500]

    def close(self) -> None:
        """Removes its temporary files."""
        shutil.rmtree(self._scratch, ignore_errors=True)


def _parts_of(source: Path) -> tuple[Part, ...]:
    """The parts of a long video; empty for any other file."""
    if not moving.is_video(source):
        return ()
    from ..media.video_cut import parts_of  # imports PyAV, which photos do not need

    return parts_of(source)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
