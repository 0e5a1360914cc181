"""Writes FlatBuffers (https://flatbuffers.dev/internals), the format of .tflite files, twice as fast as their library.

A graph has some 700 tables, and each size of pictures needs its own before the first is painted.
"""

import struct
from collections.abc import Sequence

import numpy as np

# The field's number in its table, its kind, and its value.
Field = tuple[int, str, int | None]
WIDTHS = {"?": 1, "b": 1, "B": 1, "i": 4, "I": 4, "&": 4}  # bytes by kind: a `struct` format, or "&" for a place
DATA_ALIGNMENT = 16  # bytes, of arrays of bytes: TensorFlow Lite wants constants aligned like that
REFERENCE = 4  # bytes


class FlatBuffer:
    """Collects a file from its end to its beginning, as references only lead onward.

    The methods write a value and return its place: how far before the end of the file it begins, in bytes. Arrays and
    texts of the same content are written once.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size, self._alignment = 0, REFERENCE
        self._written: dict[tuple[str, bytes], int] = {}
        self._vtables: dict[tuple[int, ...], int] = {}

    def array(self, values: np.ndarray) -> int:
        """Writes a vector of numbers."""
        data, width = values.tobytes(), values.itemsize
        key = (values.dtype.str, data)
        if key not in self._written:
            alignment = DATA_ALIGNMENT if width == 1 else max(width, REFERENCE)
            self._alignment = max(self._alignment, alignment)
            self._align(alignment, len(data))
            self._put(data)
            self._written[key] = self._put(struct.pack("<I", values.size))
        return self._written[key]

    def text(self, text: str) -> int:
        """Writes a string."""
        data = text.encode()
        key = ("text", data)
        if key not in self._written:
            self._align(REFERENCE, len(data) + 1)
            self._put(data + b"\0")
            self._written[key] = self._put(struct.pack("<I", len(data)))
        return self._written[key]

    def references(self, places: Sequence[int]) -> int:
        """Writes a vector of references."""
        count = len(places)
        self._align(REFERENCE, REFERENCE * count)
        starts = range(self._size + REFERENCE * count, self._size, -REFERENCE)
        return self._put(struct.pack(f"<{count + 1}I", count, *(s - p for s, p in zip(starts, places, strict=True))))

    def table(self, *fields: Field) -> int:
        """Writes a table of the fields that are neither None nor 0, which is what readers take for a missing field."""
        end, starts = self._size, {}
        for number, kind, value in fields:
            if value:
                self._align(WIDTHS[kind])
                starts[number] = self._put(self._reference(value) if kind == "&" else struct.pack(f"<{kind}", value))
        self._align(REFERENCE)
        start = self._size + REFERENCE
        places = (start - starts[n] if n in starts else 0 for n in range(max(starts, default=-1) + 1))
        vtable = (start - end, *places)
        if vtable in self._vtables:
            self._put(struct.pack("<i", self._vtables[vtable] - start))
        else:
            size = 2 * (len(vtable) + 1)
            self._put(struct.pack("<i", size))
            self._vtables[vtable] = self._put(struct.pack(f"<{len(vtable) + 1}H", size, *vtable))
        return start

    def content(self, root: int, identifier: bytes) -> bytes:
        """The file, whose root is the table at that place."""
        self._align(self._alignment, REFERENCE + len(identifier))
        self._put(identifier)
        self._put(self._reference(root))
        return b"".join(reversed(self._parts))

    def _reference(self, place: int) -> bytes:
        return struct.pack("<I", self._size + REFERENCE - place)

    def _align(self, width: int, following: int = 0) -> None:
        """Pads, so that what comes after `following` bytes more is aligned."""
        if gap := -(self._size + following) % width:
            self._put(bytes(gap))

    def _put(self, part: bytes) -> int:
        self._parts.append(part)
        self._size += len(part)
        return self._size
