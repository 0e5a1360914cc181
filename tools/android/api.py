"""Holds the app's classes to the API of the oldest Android: what is newer may be named in Newer.kt alone, guarded.

Every class, method and field of the framework that the compiled classes refer to is looked up, through superclasses
and interfaces, in the framework of the oldest version itself.
"""

import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

NEWER = "mobile/style/demo/Newer"
CODE = ("android/", "dalvik/")  # the compiler is told to know no newer Java than 8
OF_ANY_OBJECT = {"equals", "getClass", "hashCode", "notify", "notifyAll", "toString", "wait"}


class Framework:
    """The classes of one version, read as they are asked for."""

    def __init__(self, jars: Sequence[Path]) -> None:
        self._archives = [zipfile.ZipFile(jar) for jar in jars]
        self._names = {name: archive for archive in self._archives for name in archive.namelist()}
        self._read: dict[str, tuple[list[str], set[tuple[str, str]]] | None] = {}

    def __contains__(self, name: str) -> bool:
        return f"{name}.class" in self._names

    def has(self, owner: str, member: tuple[str, str]) -> bool:
        """Whether a class, or one that it inherits from, has the member (name, descriptor).

        What is inherited from a class of Java (HandlerThread is a Thread) is not looked into.
        """
        if owner.startswith("java/"):
            return owner != "java/lang/Object" or member[0] in OF_ANY_OBJECT
        found = self._class(owner)
        return found is not None and (member in found[1] or any(self.has(parent, member) for parent in found[0]))

    def _class(self, name: str) -> tuple[list[str], set[tuple[str, str]]] | None:
        if name not in self._read:
            file = f"{name}.class"
            self._read[name] = _declared(self._names[file].read(file)) if file in self._names else None
        return self._read[name]


def too_new(classes: Sequence[Path], framework: Framework) -> Iterator[str]:
    """Each reference that the framework lacks: "class: what"."""
    for path in sorted(path for folder in classes for path in folder.rglob("*.class")):
        own, references = _references(path.read_bytes())
        if own.split("$")[0] == NEWER:
            continue
        for owner, member in sorted(references, key=str):
            if not owner.startswith(CODE):
                continue
            if owner not in framework:
                yield f"{own}: {owner}"
            elif member and not framework.has(owner, member):
                yield f"{own}: {owner}.{member[0]}{member[1]}"


def _pool(content: bytes) -> tuple[dict[int, tuple[int, ...] | str], int]:
    (count,) = struct.unpack_from(">H", content, 8)
    pool: dict[int, tuple[int, ...] | str] = {}
    at, index = 10, 1
    while index < count:
        tag = content[at]
        if tag == 1:
            (length,) = struct.unpack_from(">H", content, at + 1)
            pool[index] = content[at + 3 : at + 3 + length].decode("utf-8", "replace")
            at += 3 + length
        elif tag in (7, 8, 16, 19, 20):
            pool[index] = (tag, *struct.unpack_from(">H", content, at + 1))
            at += 3
        elif tag == 15:
            at += 4
        elif tag in (5, 6):
            at, index = at + 9, index + 1
        else:  # a number of 4 bytes, or two indices
            pool[index] = (tag, *struct.unpack_from(">HH", content, at + 1))
            at += 5
        index += 1
    return pool, at


def _text(pool: dict[int, tuple[int, ...] | str], index: int) -> str:
    value = pool[index]
    return value if isinstance(value, str) else _text(pool, value[1])


def _references(content: bytes) -> tuple[str, set[tuple[str, tuple[str, str] | None]]]:
    pool, at = _pool(content)
    own = _text(pool, struct.unpack_from(">H", content, at + 2)[0])
    found: set[tuple[str, tuple[str, str] | None]] = set()
    for value in pool.values():
        if isinstance(value, tuple) and value[0] == 7:
            name = _text(pool, value[1])
            found.add((name.strip("[").removeprefix("L").rstrip(";") if name.startswith("[") else name, None))
        elif isinstance(value, tuple) and value[0] in (9, 10, 11):
            pair = pool[value[2]]
            assert isinstance(pair, tuple)
            owner = _text(pool, value[1])
            if not owner.startswith("["):  # an array has what Object has
                found.add((owner, (_text(pool, pair[1]), _text(pool, pair[2]))))
    return own, found


def _declared(content: bytes) -> tuple[list[str], set[tuple[str, str]]]:
    """The names of a class' superclass and interfaces, and its own (name, descriptor)s."""
    pool, at = _pool(content)
    _, parent, count = struct.unpack_from(">HHH", content, at + 2)
    parents = [parent] if parent else []
    parents += struct.unpack_from(f">{count}H", content, at + 8)
    at += 8 + 2 * count
    members = set()
    for _ in range(2):  # fields, then methods
        (count,) = struct.unpack_from(">H", content, at)
        at += 2
        for _ in range(count):
            _, name, descriptor, attributes = struct.unpack_from(">HHHH", content, at)
            members.add((_text(pool, name), _text(pool, descriptor)))
            at += 8
            for _ in range(attributes):
                at += 6 + int(struct.unpack_from(">I", content, at + 2)[0])
    return [_text(pool, index) for index in parents], members
