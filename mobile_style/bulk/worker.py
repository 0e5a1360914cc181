"""What paints one item after the other with a network that it holds: a process of this machine, or an actor of Ray."""

import errno
import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from ..errors import ImageError, MobileStyleError, OutputError
from ..media import moving
from ..network.catalog import with_mix
from ..painting.convert import convert
from ..painting.places import Job
from ..painting.stylize import Painter
from ..progress import silent
from .plan import Item
from .stores import Store

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # what no other result would escape


@dataclass(frozen=True)
class Look:
    """How results look.

    Attributes:
        size: shorter side in pixels; None for the source's own.
        strength: 0 gives the photo, 1 the network's output.
        preserve_color: keep the photo's colors.
        precision: "float" or "int8".
        metadata: write date, place, titles and the like, too.
        stroke_width: times the network's own, from 1 to 8; None: broader the larger a picture is.
    """

    size: int | None = None
    strength: float = 1.0
    preserve_color: bool = False
    precision: str = "float"
    metadata: bool = True
    stroke_width: float | None = None

    def painter(self, model: str | Path, threads: int | None = None) -> Painter:
        """A painter of this look.

        Raises:
            UsageError, CheckpointError: as `Painter` does.
        """
        return Painter(model, self.strength, self.preserve_color, self.precision, self.stroke_width, threads)


@dataclass(frozen=True)
class Order:
    """All that a worker has to know; it is sent to each.

    Attributes:
        model: the checkpoint's bytes, as another machine may not have the file.
        mix: of its styles; empty for a network of one.
        shard: whose results these are.
    """

    source: Store
    target: Store
    model: bytes
    mix: str
    look: Look
    shard: str


@dataclass(frozen=True)
class Outcome:
    """What became of an item.

    Attributes:
        failed: why not, in one line; empty if it was painted.
        stop: no other result can be written, either.
        kept: the result that was there is of this content.
        sha256: of the source.
        target_bytes: of the result.
        said: what is to be said of it.
        seconds: that it took.
    """

    failed: str = ""
    stop: bool = False
    kept: bool = False
    sha256: str = ""
    target_bytes: int = 0
    said: tuple[str, ...] = ()
    seconds: float = 0.0


class Worker:
    """Holds the network, with one thread: other cores have workers of their own, while it decodes, too."""

    def __init__(self, order: Order, folder: Path | None = None) -> None:
        """`folder`, by default the system's for temporary files, is where it writes on its machine."""
        self._order, look = order, order.look
        self._scratch = Path(mkdtemp(prefix="mobile-style-", dir=folder))
        checkpoint = self._scratch / "model.safetensors"
        checkpoint.write_bytes(order.model)
        model = with_mix(checkpoint, order.mix)
        self._painter = look.painter(model, threads=1)

    def ready(self) -> bool:
        """True, once the network is there."""
        return True

    def paint(self, item: Item, wanted: Callable[[], bool] = lambda: True) -> Outcome:
        """Paints an item from the source into the target.

        Args:
            item: what.
            wanted: whether the result is still waited for when it is made; else it is thrown away.
        """
        began = time.perf_counter()
        try:
            with TemporaryDirectory(dir=self._scratch) as folder:
                outcome = self._painted(item, Path(folder), wanted)
        except MobileStyleError as error:
            outcome = Outcome(self._said(str(error)), _is_full(error))
        except MemoryError:
            outcome = Outcome("there is not enough memory for it")
        except Exception as error:  # one file must not end the work on a million
            outcome = Outcome(self._said(f"{type(error).__name__}: {error}"), _is_full(error))
        return replace(outcome, seconds=round(time.perf_counter() - began, 3))

    def _painted(self, item: Item, folder: Path, wanted: Callable[[], bool]) -> Outcome:
        order, look = self._order, self._order.look
        (folder / "in").mkdir()
        try:
            source = order.source.fetch(item.name, folder / "in")
            sha256 = _sha256(source)
        except OSError as error:
            raise ImageError(f"{item.name} cannot be read: {error.strerror or error}") from None
        if sha256 == item.known:
            return Outcome(kept=True, sha256=sha256)
        made = folder / "out" / Path(item.target).name
        job = Job(source, made, None, moving.is_moving(source))
        said = convert(job, self._painter, False, look.size, look.metadata, silent)
        if not wanted():
            raise OutputError("nobody waits for it any more")
        order.target.put(made, item.target, order.shard)
        return Outcome(sha256=sha256, target_bytes=made.stat().st_size, said=tuple(map(self._said, said)))

    def _said(self, text: str) -> str:
        """In one line, without the names of temporary folders."""
        text = " ".join(text.split())
        return text.replace(f"{self._scratch}/", "")[:500]

    def close(self) -> None:
        """Removes what it has written on this machine."""
        shutil.rmtree(self._scratch, ignore_errors=True)


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
