"""What a target holds, of what it was made, and what failed: lines of JSON in the target itself.

A line is written before a result is begun and another when it is done, so a result without any line is somebody
else's. A reader takes the newest line of each name, whichever shard wrote it. Of a long video there is a line for each
part that was painted, too.
"""

import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from .stores import Stamp, Store

HELD = 200  # lines that an object store gets together, at most
SECONDS = 30.0  # that a line is held back for, at most


@dataclass(frozen=True)
class Entry:
    """A line about a source.

    Attributes:
        name: of the source.
        target: the result's name, or the part's.
        result: "begun" until it is known.
        source: as it was.
        settings: a digest of the model and of whatever changes results.
        sha256: of the source; empty where it could not be read.
        target_bytes: of the result.
        said: why it failed, or what is to be said of the result.
        seconds: that it took.
        part: which one of a long video, from 1; 0 for the whole.
        time: of the line, in seconds since 1970.
    """

    name: str
    target: str
    result: Literal["begun", "painted", "failed"]
    source: Stamp
    settings: str
    sha256: str = ""
    target_bytes: int = 0
    said: tuple[str, ...] = ()
    seconds: float = 0.0
    part: int = 0
    time: float = 0.0


def read(store: Store) -> dict[str, Entry]:
    """The newest entry of each name, and of each part by its place."""
    found: dict[str, Entry] = {}
    for line in store.records():
        try:
            told = json.loads(line)
            told["source"], told["said"] = Stamp(*told["source"]), tuple(told.get("said", ()))
            entry = Entry(**told)
            sound = _is_sound(entry)
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):  # a session's line, or a cut one
            continue
        if not sound:
            continue
        key = entry.target if entry.part else entry.name
        if key not in found or found[key].time <= entry.time:
            found[key] = entry
    return found


def _is_sound(entry: Entry) -> bool:
    """Whether a line that may be damaged has values of the right types."""
    texts = (entry.name, entry.target, entry.result, entry.settings, entry.sha256, *entry.said)
    counts, times = (*entry.source, entry.target_bytes, entry.part), (entry.seconds, entry.time)
    return (
        all(isinstance(text, str) for text in texts)
        and all(type(count) is int for count in counts)
        and all(type(each) in (int, float) and math.isfinite(each) for each in times)
    )


class Manifest:
    """The one that a shard writes.

    Args:
        store: the target.
        shard: its name.
        at_once: write the line of each result when it is known, which a folder takes; else some together.
    """

    def __init__(self, store: Store, shard: str, at_once: bool) -> None:
        self._store, self._shard, self._most = store, shard, 1 if at_once else HELD
        self._held: list[str] = []
        self._written = time.monotonic()

    def begin_session(self, settings: Mapping[str, object], digest: str) -> None:
        """Tells in full what a digest of settings stands for."""
        session = {"session": dict(settings), "settings": digest, "time": round(time.time(), 3)}
        self._store.record([json.dumps(session)], self._shard)

    def begin(self, entries: Iterable[Entry]) -> None:
        """Tells that results will be made."""
        if lines := [_line(entry) for entry in entries]:
            self._store.record(lines, self._shard)

    def add(self, entry: Entry) -> None:
        """Tells of a result."""
        self._held.append(_line(entry))
        if len(self._held) >= self._most or time.monotonic() - self._written > SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what is held back."""
        if self._held:
            self._store.record(self._held, self._shard)
        self._held, self._written = [], time.monotonic()


def _line(entry: Entry) -> str:
    told = asdict(entry) | {"source": list(entry.source), "time": round(time.time(), 3)}
    return json.dumps({name: value for name, value in told.items() if value not in ((), "", 0)})
