"""Which files of a store are to be painted, and which were painted before."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import ImageError, OutputError, UsageError
from ..media import images, moving
from ..media.clip import Part
from ..painting.places import suffix_of
from .manifest import Entry
from .stores import Stamp


@dataclass(frozen=True)
class Item:
    """One task for a worker: to paint a photo, a video or a part of a long video, or to join the parts of one.

    Attributes:
        name: the source's name.
        target: name of the result, or of the part, in the target.
        source: the source's size and time when it was listed.
        known: SHA-256 of the content that the result, or the parts, in the target were painted from; empty if the
            source must be painted in any case.
        known_bytes: size of that result.
        part: the part to paint; None for the whole.
        joined: the names of the parts to join.
        share: of the work on the source, 0 to 1, for estimating the time left.
    """

    name: str
    target: str
    source: Stamp
    known: str = ""
    known_bytes: int = 0
    part: Part | None = None
    joined: tuple[str, ...] = ()
    share: float = 1.0


@dataclass(frozen=True)
class Plan:
    """The work of a shard.

    Attributes:
        waiting: items to paint: videos first, the largest at the front, so that no long one is painted last and alone.
        before: number of files that were painted before.
        foreign: items whose result's name is taken by a file that is in no manifest.
        skipped: number of files that are neither photos nor videos by their names.
    """

    waiting: Sequence[Item]
    before: int
    foreign: Sequence[Item]
    skipped: int


def parse_shard(text: str) -> tuple[int, int]:
    """Parses "I/N", the I-th of N shards counted from 1, as (I, N).

    Raises:
        UsageError: it is not of this form, or not 1 <= I <= N <= 1,000,000.
    """
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 10**6):
        raise UsageError(f"`shard` takes I/N, such as 3/16 for the third of sixteen, not {text}")
    return int(number), int(count)


def target_of(name: str) -> str:
    """The result's name: the source's, followed by another suffix if the source's format cannot be written."""
    path = Path(name)
    suffix = suffix_of(path, moving.is_video(path))
    return name if suffix == path.suffix else name + suffix


def plan(
    sources: Mapping[str, Stamp],
    results: Mapping[str, Stamp],
    entries: Mapping[str, Entry],
    settings: str,
    shard: tuple[int, int],
) -> Plan:
    """What a shard has to paint. The digest of a file's name decides its shard, so new files do not move others.

    Args:
        sources: the files in the source.
        results: the files in the target.
        entries: the target's manifest.
        settings: the digest of the settings.
        shard: (I, N), the I-th of N shards, from 1.

    Raises:
        ImageError: the source holds no photo and no video.
        OutputError: two results would have the same name.
    """
    names = [name for name in sources if images.is_photo(Path(name)) or moving.is_video(Path(name))]
    if not names:
        raise ImageError("the source holds no photo and no video")
    targets = {name: target_of(name) for name in names}
    target, count = Counter(targets.values()).most_common(1)[0]
    if count > 1:
        raise OutputError(f"two inputs would both become {target}; rename one of them")
    waiting, foreign, before = [], [], 0
    for name in names:
        if not is_of_shard(number_of(name), shard):
            continue
        entry, target = entries.get(name), targets[name]
        if entry is None and target in results:
            foreign.append(Item(name, target, sources[name]))
        elif entry is None or not _is_there(entry, settings, results):
            waiting.append(Item(name, target, sources[name]))
        elif entry.source == sources[name]:
            before += 1
        else:  # the size or time has changed: the worker compares the content
            waiting.append(Item(name, target, sources[name], entry.sha256, entry.target_bytes))
    waiting.sort(key=lambda item: -item.source.bytes if moving.is_video(Path(item.name)) else 1)
    return Plan(waiting, before, foreign, len(sources) - len(names))


def _is_there(entry: Entry, settings: str, results: Mapping[str, Stamp]) -> bool:
    """Whether an entry has these settings, and its result is in the target."""
    painted = entry.result == "painted" and entry.settings == settings
    return painted and entry.target in results and results[entry.target].bytes == entry.target_bytes


def is_of_shard(number: int, shard: tuple[int, int]) -> bool:
    """Whether a file with this number (see `number_of`) belongs to a shard."""
    return number % shard[1] == shard[0] - 1


def number_of(name: str) -> int:
    """A hash of a name, below 2**64, the same on all machines."""
    digest = hashlib.sha256(PurePosixPath(name).as_posix().encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big")
