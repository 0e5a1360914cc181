"""Long videos in parts, which workers paint apart; the target keeps each until the video is joined of them.

A part's name in the target tells of which content and with which settings it was painted, so that a later run takes
what is there of the same, and nothing else.
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
    """Removes what a shard's earlier runs have left of videos that are not to be painted any more."""
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
    said: dict[str, None] = field(default_factory=dict)  # each once, in the order in which it was said


class Segments:
    """The videos that are being painted in parts.

    Args:
        store: the target.
        entries: what earlier runs told.
        settings: a digest of the model and of whatever changes results.
    """

    def __init__(self, store: Store, entries: Mapping[str, Entry], settings: str) -> None:
        self._store, self._entries, self._settings = store, entries, settings
        self._videos: dict[str, _Video] = {}

    def cut(self, item: Item, parts: tuple[Part, ...], content: str) -> list[Item]:
        """What is to be done for a video in place of the item: the parts that are missing, or what joins them.

        Args:
            item: the video.
            parts: of it.
            content: SHA-256 of it.
        """
        places = {self._place(item, part, content): part for part in parts}
        held = self._store.held(_folder_of(item.name))
        for place in held.keys() - places.keys():  # of other settings, or another content
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
        """What is to be done after a part: once all are there, what joins them."""
        video = self._videos.get(item.name)
        if video is None:  # another part has failed
            return []
        video.missing.discard(item.target)
        video.said |= dict.fromkeys(outcome.said)
        return [] if video.missing else [self._joining(video)]

    def give_up(self, name: str) -> Item:
        """The video, which failed; its parts are kept for the next run."""
        return self._videos.pop(name).item

    def joined(self, name: str) -> tuple[str, ...]:
        """Removes the parts of a video that is done; what was said of them."""
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
