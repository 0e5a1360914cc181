"""Long videos in parts, which workers paint independently; the target keeps the parts until the video is joined.

A part's name in the target contains a digest of its content and settings, so a later run reuses only parts with the
same ones.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..media.clip import Part
from .manifest import Entry
from .plan import Item, is_of_shard, number_of
from .stores import RECORDS, Store
from .worker import Outcome

FOLDER = f"{RECORDS}/segments"


def sweep(store: Store, waiting: Collection[str], shard: tuple[int, int]) -> None:
    """Removes the parts that a shard's earlier runs left of videos that no longer wait to be painted."""
    wanted = {_folder_of(name) for name in waiting}
    for place in store.held(FOLDER):
        folder, number = place.rpartition("/")[0], re.match(f"{FOLDER}/([0-9a-f]{{16}})/", place)
        if number and folder not in wanted and is_of_shard(int(number[1], 16), shard):
            store.drop(place)


@dataclass
class _Video:
    item: Item
    places: tuple[str, ...]
    content: str
    missing: set[str]
    said: dict[str, None] = field(default_factory=dict)  # remarks, each once, in their order


class Segments:
    """The videos that are being painted in parts.

    Args:
        store: the target.
        entries: the target's manifest, from earlier runs.
        settings: a digest of the model and of everything else that affects results.
    """

    def __init__(self, store: Store, entries: Mapping[str, Entry], settings: str) -> None:
        self._store, self._entries, self._settings = store, entries, settings
        self._videos: dict[str, _Video] = {}

    def cut(self, item: Item, parts: tuple[Part, ...], content: str) -> list[Item]:
        """The items that replace a video: its missing parts, or its joining if none is missing.

        Args:
            item: the video.
            parts: all its parts.
            content: its SHA-256.
        """
        places = {self._place(item, part, content): part for part in parts}
        held = self._store.held(_folder_of(item.name))
        for place in held.keys() - places.keys():  # parts with other settings, or of other content
            self._store.drop(place)
        done = {place for place in places if self._is_done(place, held)}
        video = _Video(item, tuple(places), content, places.keys() - done)
        self._videos[item.name] = video
        for place in places:
            if place in done:
                video.said |= dict.fromkeys(self._entries[place].said)
        share = item.share / len(parts)
        missing = [
            replace(item, target=place, part=places[place], share=share) for place in places if place not in done
        ]
        return missing or [self._joining(video)]

    def painted(self, item: Item, outcome: Outcome) -> list[Item]:
        """The items that follow a painted part: the joining once all parts are there, else none."""
        video = self._videos.get(item.name)
        if video is None:  # another part has failed
            return []
        video.missing.discard(item.target)
        video.said |= dict.fromkeys(outcome.said)
        return [] if video.missing else [self._joining(video)]

    def give_up(self, name: str) -> Item:
        """Forgets a video that failed, and returns its item; its parts are kept for the next run."""
        return self._videos.pop(name).item

    def joined(self, name: str) -> tuple[str, ...]:
        """Removes the parts of a video that is done, and returns the remarks on them."""
        video = self._videos.pop(name)
        for place in video.places:
            self._store.drop(place)
        return tuple(video.said)

    def _place(self, item: Item, part: Part, content: str) -> str:
        digest = hashlib.sha256(f"{self._settings} {content} {part}".encode()).hexdigest()[:16]
        return f"{_folder_of(item.name)}/{part.number:05d}-{digest}{Path(item.target).suffix}"

    def _is_done(self, place: str, held: Mapping[str, int]) -> bool:
        entry = self._entries.get(place)
        return entry is not None and entry.result == "painted" and held.get(place) == entry.target_bytes

    @staticmethod
    def _joining(video: _Video) -> Item:
        return replace(video.item, joined=video.places, known=video.content, share=0.0)


def _folder_of(name: str) -> str:
    return f"{FOLDER}/{number_of(name):016x}"
