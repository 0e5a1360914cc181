"""Paints everything in a folder or an object store, on every core or on Ray; started again, it resumes."""

import hashlib
import json
import shutil
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from ..errors import ImageError, OutputError, UnpaintedError, UsageError
from ..files import alone
from ..network.catalog import DEFAULT, mix_of, model_path, reference
from ..painting.stylize import check_size
from ..progress import Note, Progress, Step, silent
from .manifest import HELD, Entry, Manifest, read
from .plan import Item, Plan, plan
from .pool import Pool, ProcessPool
from .segments import Segments, sweep
from .stores import RECORDS, FolderStore, Store, store_of
from .worker import Order, Outcome, Rendering

TRIES = 3  # of an item whose worker is lost: a machine may fail once, but an item that takes all memory always fails
FOREIGN = "is in the target, and no manifest there knows it; move it away, or choose another `target`"


@dataclass(frozen=True)
class Summary:
    """What a run has done.

    Attributes:
        painted: number of files painted.
        before: number of files that were painted before and are left as they are.
        failed: the reason for each failure, by the source's name.
        manifest: where the manifest is.
    """

    painted: int
    before: int
    failed: dict[str, str]
    manifest: str


@dataclass(frozen=True)
class Crew:
    """Who paints.

    Attributes:
        workers: largest number of workers; None for one per core.
        ray: a cluster's address, or "local" for one on this machine; None for processes without Ray.
        shard: this run's part of the work, such as (3, 16) for the third of sixteen.
    """

    workers: int | None = None
    ray: str | None = None
    shard: tuple[int, int] = (1, 1)


def bulk(
    source: Path | str,
    target: Path | str,
    model: str | Path = DEFAULT,
    rendering: Rendering | None = None,
    crew: Crew | None = None,
    progress: Progress = silent,
) -> Summary:
    """Paints every photo and video of a folder or URI into another, under the same names.

    Results painted before from the same content, with the same model and settings, are left as they are; failures are
    tried again. Each result equals what `stylize_files` writes with the same precision, byte for byte.

    Args:
        source: a folder, or a URI such as s3://bucket/photos (with the extra `cloud`).
        target: the same, for the results and the manifest.
        model: a bundled model's name, a run's folder or a checkpoint; for many styles, followed by a colon and a mix.
        rendering: how results look.
        crew: who paints.
        progress: called after each item, and with the reason for each failure.

    Raises:
        UnpaintedError: some items failed; the others are done.
        ImageError: the source holds nothing to paint.
        OutputError: the target is full or cannot be written, or another process works on this shard.
        UsageError, CheckpointError: an argument or the model is wrong; nothing has been painted.
    """
    rendering, crew = rendering or Rendering(), crew or Crew()
    check_size(rendering.size)
    rendering.painter(model)  # raises an error if the settings or the model are wrong
    places = store_of(source), store_of(target)
    _check_apart(*places)
    content, shard = model_path(model).read_bytes(), f"{crew.shard[0]}-of-{crew.shard[1]}"
    order = Order(*places, content, mix_of(reference(model)), rendering, shard)
    settings = asdict(rendering) | {"model_sha256": hashlib.sha256(content).hexdigest(), "mix": order.mix}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    with _alone(places[1], shard):
        entries = read(places[1])
        chosen = plan(places[0].files(), places[1].files(), entries, digest, crew.shard)
        sweep(places[1], [item.name for item in chosen.waiting], crew.shard)
        if chosen.skipped:
            progress(Note(f"{chosen.skipped} files are neither photos nor videos by their names, and are skipped"))
        if chosen.before:
            progress(Note(f"{chosen.before} were painted before and are left as they are"))
        manifest = Manifest(places[1], shard, isinstance(places[1], FolderStore))
        run = _Run(chosen, manifest, Segments(places[1], entries, digest), digest, progress)
        if chosen.waiting:
            progress(Note(f"{len(chosen.waiting)} files are to be painted"))
            manifest.begin_session(settings | {"model": str(model), "version": version("mobile-style")}, digest)
            with closing(_pool(order, crew)) as pool:
                run.go(pool)
    summary = Summary(run.painted, chosen.before + run.kept, run.failed, places[1].place(shard))
    if run.failed:
        count = run.painted + run.kept + len(run.failed)
        raise UnpaintedError(f"{len(run.failed)} of {count} failed; the others are done ({summary.manifest})", ())
    return summary


def _check_apart(source: Store, target: Store) -> None:
    if isinstance(source, FolderStore) and not source.folder.is_dir():
        raise ImageError(f"{source.folder} is no folder; `stylize` paints single files")
    place, other = (store.place("").partition(RECORDS)[0] for store in (target, source))
    if place.startswith(other):
        raise UsageError("`target` lies in `source`, so results would be painted again; name another one")


def _pool(order: Order, crew: Crew) -> Pool:
    if crew.ray is None:
        return ProcessPool(order, crew.workers)
    from .ray_pool import RayPool

    return RayPool(order, crew.ray, crew.workers)


@contextmanager
def _alone(target: Store, shard: str) -> Iterator[None]:
    """If the target is a folder, locks the shard against other processes, and removes half-written files."""
    if not isinstance(target, FolderStore):
        yield
        return
    place = Path(target.place(shard)).parent
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {place}: {error.strerror}; choose another place") from None
    with alone(place, "the same shard", "target"):
        shutil.rmtree(target.parts(shard), ignore_errors=True)
        yield
        shutil.rmtree(target.parts(shard), ignore_errors=True)


class _Run:
    """Gives the items of a plan to workers, and records the outcomes."""

    def __init__(self, chosen: Plan, manifest: Manifest, segments: Segments, settings: str, progress: Progress) -> None:
        self._waiting, self._begun = deque(chosen.waiting), deque[Item]()
        self._total, self._manifest, self._settings = len(chosen.waiting), manifest, settings
        self._progress, self._segments, self._lost = progress, segments, Counter[str]()
        self._began = time.monotonic()
        self._bytes = self._left = float(sum(item.source.bytes for item in chosen.waiting))
        self.painted = self.kept = 0
        self.failed: dict[str, str] = {}
        for item in chosen.foreign:
            self._fail(item, f"{item.target} {FOREIGN}")

    def go(self, pool: Pool) -> None:
        """Paints all items.

        Raises:
            OutputError: the target is full or read-only.
        """
        self._report()
        try:
            while self._waiting or self._begun or pool.busy():
                while pool.idle() and (item := self._next()) is not None:
                    pool.submit(item)
                for item, outcome in pool.outcomes():
                    self._take(item, outcome)
        finally:
            self._manifest.flush()

    def _next(self) -> Item | None:
        if not self._begun:
            self._begun.extend(islice(self._waiting, HELD))
            for _ in self._begun:
                self._waiting.popleft()
            self._manifest.begin(self._entry(item, "begun") for item in self._begun)
        return self._begun.popleft() if self._begun else None

    def _entry(self, item: Item, result: str) -> Entry:
        return Entry(item.name, item.target, result, item.source, self._settings)  # type: ignore[arg-type]

    def _take(self, item: Item, outcome: Outcome | None) -> None:
        if outcome is None:
            self._lost[item.target] += 1
            if self._lost[item.target] < TRIES:
                self._begun.append(item)
                return
            outcome = Outcome(f"{item.name}: its worker was ended {TRIES} times; perhaps it takes too much memory")
        if outcome.stop:
            raise OutputError(f"{outcome.failed}; make room, and start the same command again")
        if outcome.parts:
            self._cut(item, outcome)
            return
        if item.joined and not outcome.failed:
            outcome = replace(outcome, said=(*self._segments.joined(item.name), *outcome.said))
        self._manifest.add(self._final_entry(item, outcome))
        self._left -= item.source.bytes * item.share
        if item.part is not None:
            self._take_part(item, outcome)
        elif outcome.failed:
            self._fail(item, outcome.failed)
        elif outcome.kept:
            self.kept += 1
        else:
            self.painted += 1
        self._report()

    def _final_entry(self, item: Item, outcome: Outcome) -> Entry:
        return replace(
            self._entry(item, "failed" if outcome.failed else "painted"),
            sha256=outcome.sha256,
            target_bytes=item.known_bytes if outcome.kept else outcome.target_bytes,
            said=(outcome.failed,) if outcome.failed else outcome.said,
            seconds=outcome.seconds,
            part=0 if item.part is None else item.part.number + 1,
        )

    def _cut(self, item: Item, outcome: Outcome) -> None:
        """Replaces a long video by its missing parts, at the front of the queue."""
        items = self._segments.cut(item, outcome.parts, outcome.sha256)
        before = item.source.bytes * (item.share - sum(each.share for each in items))
        self._bytes, self._left = self._bytes - before, self._left - before
        self._begun.extendleft(reversed(items))

    def _take_part(self, item: Item, outcome: Outcome) -> None:
        """Joins the parts of a video after the last one; if a part fails, drops those that are still waiting."""
        if not outcome.failed:
            self._begun.extendleft(self._segments.painted(item, outcome))
        elif item.name not in self.failed:
            whole = self._segments.give_up(item.name)
            left = [each for each in self._begun if each.name == item.name]
            self._left -= sum(each.source.bytes * each.share for each in left)
            self._begun = deque(each for each in self._begun if each.name != item.name)
            self._manifest.add(self._final_entry(whole, outcome))
            self._fail(item, outcome.failed)

    def _fail(self, item: Item, reason: str) -> None:
        self.failed[item.name] = reason
        self._progress(Note(reason if item.name in reason else f"{item.name}: {reason}", warning=True))

    def _report(self) -> None:
        """Reports the rate, and the time left if each byte goes on taking as long."""
        done, seconds = self.painted + self.kept + len(self.failed), time.monotonic() - self._began
        details = {}
        if seconds and (done or self._left < self._bytes):  # parts of a long video may be done
            left = seconds * self._left / (self._bytes - self._left) if self._left < self._bytes else 0.0
            details = {"rate": f"{done / seconds:.2f}/s", "left": _readable(left), "failed": str(len(self.failed))}
        self._progress(Step("Painting", done, self._total, "files", details))


def _readable(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:30."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
