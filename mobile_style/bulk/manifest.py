"""The manifest of a target: what each result was made from, and what failed, as lines of JSON in the target itself.

One line is written before a result is begun and another when it is done, so a result without a line comes from
elsewhere. Readers take the newest line for each name, whichever shard wrote it. Each painted part of a long video has
a line, too.
"""

import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from .stores import Stamp, Store

HELD = 200  # lines in one write to an object store, at most
SECONDS = 30.0  # since the last write, after which the next line is written with those held back


@dataclass(frozen=True)
class Entry:
    """A line about a source.

    Attributes:
        name: the source's name.
        target: the result's name, or the part's.
        result: "begun" until the outcome is known.
        source: the source's size and time.
        settings: a digest of the model and of everything else that affects results.
        sha256: of the source; empty if it is not known. Not meaningful for parts.
        target_bytes: size of the result.
        said: why it failed, or remarks on the result.
        seconds: how long it took.
        part: number of the part of a long video, from 1; 0 for the whole.
        time: when the line was written, in seconds since 1970.
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
    """The newest entry of each source by name, and of each part by its name in the target; skips damaged lines.

    Raises:
        OutputError: a manifest cannot be read.
    """
    found: dict[str, Entry] = {}
    for line in store.records():
        try:
            fields = json.loads(line)
            fields["source"], fields["said"] = Stamp(*fields["source"]), tuple(fields.get("said", ()))
            entry = Entry(**fields)
            valid = _is_valid(entry)
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):  # a session's or a truncated line
            continue
        if not valid:
            continue
        key = entry.target if entry.part else entry.name
        if key not in found or found[key].time <= entry.time:
            found[key] = entry
    return found


def _is_valid(entry: Entry) -> bool:
    """Whether a line that may be damaged has values of the right types."""
    texts = (entry.name, entry.target, entry.result, entry.settings, entry.sha256, *entry.said)
    counts, times = (*entry.source, entry.target_bytes, entry.part), (entry.seconds, entry.time)
    return (
        all(isinstance(text, str) for text in texts)
        and all(type(count) is int for count in counts)
        and all(type(each) in (int, float) and math.isfinite(each) for each in times)
    )


class Manifest:
    """Writes the manifest of a shard.

    Args:
        store: the target.
        shard: the shard's name.
        at_once: write each result's line at once, which suits a folder; otherwise several lines together.
    """

    def __init__(self, store: Store, shard: str, at_once: bool) -> None:
        self._store, self._shard, self._batch = store, shard, 1 if at_once else HELD
        self._unwritten: list[str] = []
        self._written = time.monotonic()

    def begin_session(self, settings: Mapping[str, object], digest: str) -> None:
        """Records in full the settings that a digest stands for."""
        session = {"session": dict(settings), "settings": digest, "time": round(time.time(), 3)}
        self._store.record([json.dumps(session)], self._shard)

    def begin(self, entries: Iterable[Entry]) -> None:
        """Records that results are about to be made."""
        if lines := [_line(entry) for entry in entries]:
            self._store.record(lines, self._shard)

    def add(self, entry: Entry) -> None:
        """Records a result."""
        self._unwritten.append(_line(entry))
        if len(self._unwritten) >= self._batch or time.monotonic() - self._written > SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes the lines that are held back."""
        if self._unwritten:
            self._store.record(self._unwritten, self._shard)
        self._unwritten, self._written = [], time.monotonic()


def _line(entry: Entry) -> str:
    fields = asdict(entry) | {"source": list(entry.source), "time": round(time.time(), 3)}
    return json.dumps({name: value for name, value in fields.items() if value not in ((), "", 0)})
