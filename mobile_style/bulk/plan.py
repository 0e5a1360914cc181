"""What of a store is to be painted, and what was painted before."""

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
    """A photo or a video, or what is done for a part of a long video, or to join the parts.

    Attributes:
        name: in the source.
        target: the result's, or the part's, in the target.
        source: the file as it was when it was listed.
        known: the content that the result in the target was painted of, or that the parts were, as SHA-256; empty if it
            has to be painted anew.
        known_bytes: of that result.
        part: what is to be painted; None for the whole.
        joined: the names of the parts that are to be joined.
        share: of the work on the source, to tell the time left.
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
    """What a shard has to do.

    Attributes:
        waiting: what is to be painted: videos first, the largest one at the front, or the last of them would end alone.
        before: how many were painted before.
        foreign: results' names that are taken by files which no manifest knows.
        skipped: how many files are neither photos nor videos by their names.
    """

    waiting: Sequence[Item]
    before: int
    foreign: Sequence[Item]
    skipped: int


def parse_shard(text: str) -> tuple[int, int]:
    """(I, N) of "I/N": the I-th of N shards, counted from 1."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 10**6):
        raise UsageError(f"`shard` takes I/N, such as 3/16 for the third of sixteen, not {text}")
    return int(number), int(count)


def target_of(name: str) -> str:
    """The result's name: the source's, with the suffix of its own format after it where that cannot be written."""
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
    """What of the sources a shard has to paint; a name's digest tells whose it is, so new files move none.

    Args:
        sources: what is in the source.
        results: what is in the target.
        entries: what is told of it.
        settings: their digest.
        shard: which of how many, from 1.

    Raises:
        ImageError: there is no photo and no video.
        OutputError: two results would have one place.
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
        else:  # another date, or another photo: its content will tell
            waiting.append(Item(name, target, sources[name], entry.sha256, entry.target_bytes))
    waiting.sort(key=lambda item: -item.source.bytes if moving.is_video(Path(item.name)) else 1)
    return Plan(waiting, before, foreign, len(sources) - len(names))


def _is_there(entry: Entry, settings: str, results: Mapping[str, Stamp]) -> bool:
    """Whether an entry is of these settings, and its result is in the target."""
    painted = entry.result == "painted" and entry.settings == settings
    return painted and entry.target in results and results[entry.target].bytes == entry.target_bytes


def is_of_shard(number: int, shard: tuple[int, int]) -> bool:
    """Whether a file of that number is a shard's."""
    return number % shard[1] == shard[0] - 1


def number_of(name: str) -> int:
    """A number below 2**64 of a name, the same on all machines."""
    digest = hashlib.sha256(PurePosixPath(name).as_posix().encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big")
