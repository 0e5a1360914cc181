"""Rewrites a native library whose segments are aligned for pages of 4 KB so that pages of 16 KB can hold them.

The code of a library reaches its data by distances, so no two bytes may move apart. Two things are free: where the
whole library begins, and what the file holds before that. So every address moves up by the same distance, a multiple of
4 KB (the unit of arm64's ADRP instruction), which puts the first byte of writable memory onto a page of 16 KB; the room
below holds the ELF header. The two writable segments, whose border lies inside a page, become one, and what is
read-only once it is relocated (RELRO) ends at the last whole page.

Formats: System V gABI, chapters 4 and 5; ELF for the Arm 64-bit architecture, and AMD64 psABI, on relocations.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass

PAGE = 0x4000
UNIT = 0x1000
EHDR, PHDR, SHDR = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ"), struct.Struct("<IIQQQQIIQQ")
DYNAMIC, SYMBOL, RELA = struct.Struct("<qQ"), struct.Struct("<IBBHQQ"), struct.Struct("<QQq")
LOAD, DYNAMIC_SEGMENT, HEADERS, RELRO, STACK = 1, 2, 6, 0x6474E552, 0x6474E551
EXECUTE, WRITE, ALLOCATED = 1, 2, 2  # flags: two of a segment, one of a section
# Tags of the dynamic section: addresses, which move, and what does not.
ADDRESSES = {3, 4, 5, 6, 7, 12, 13, 23, 25, 26, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE}
OTHERS = {0, 1, 2, 8, 9, 10, 11, 14, 20, 24, 27, 28, 30, 0x6FFFFFF9, 0x6FFFFFFB, 0x6FFFFFFD, 0x6FFFFFFF}
SYMTAB, HASH, RELA_TABLE, RELA_BYTES, PLT_TABLE, PLT_BYTES = 6, 4, 7, 8, 23, 2
MACHINES = {183: (1027, {257, 1025, 1026}), 62: (8, {1, 6, 7})}  # R_RELATIVE, and what refers to a symbol


class PagesError(Exception):
    """The library is of a kind that this cannot rewrite."""


@dataclass
class Segment:
    """A program header."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    file_bytes: int
    memory_bytes: int
    align: int

    @property
    def end(self) -> int:
        """The address after the last byte in memory."""
        return self.address + self.memory_bytes


def segments(library: bytes) -> list[Segment]:
    """The program headers of a 64-bit, little-endian shared library.

    Raises:
        PagesError: it is none.
    """
    if library[:6] != b"\x7fELF\x02\x01" or EHDR.unpack_from(library)[1] != 3:
        raise PagesError("it is no 64-bit shared library")
    header = EHDR.unpack_from(library)
    return [Segment(*PHDR.unpack_from(library, header[5] + PHDR.size * i)) for i in range(header[10])]


def for_16k(library: bytes) -> bytes:
    """The same library for pages of 16 KB (and of 4 KB), at the same distances in memory.

    Raises:
        PagesError: it has other segments, relocations or tags than those known, or its code and data are too close.
    """
    old = segments(library)
    code, *writable = [each for each in old if each.kind == LOAD]
    relro = [each for each in old if each.kind == RELRO]
    expected = not (code.offset or code.address or code.flags & WRITE) and writable and len(relro) == 1
    expected = expected and all(each.flags & WRITE and not each.flags & EXECUTE for each in writable)
    if not expected or relro[0].address != writable[0].address:
        raise PagesError("its segments are not code, then data that is read-only once relocated, then data")
    up = -writable[0].address % PAGE
    if up % UNIT or up < EHDR.size + PHDR.size * len(old) or _page_up(code.end + up) > writable[0].address + up:
        raise PagesError("its code and data share a page of 16 KB wherever it begins")

    last = writable[-1]
    image = bytearray(last.address + last.file_bytes + up)  # addresses and offsets are the same from here on
    for each in (code, *writable):
        image[each.address + up : each.address + up + each.file_bytes] = library[each.offset :][: each.file_bytes]
    _move_addresses(image, next(each for each in old if each.kind == DYNAMIC_SEGMENT).address + up, up)
    return _with_headers(library, image, up, list(_moved(old, code, writable, up)))


def _page_up(address: int) -> int:
    return -(-address // PAGE) * PAGE


def _moved(old: list[Segment], code: Segment, writable: list[Segment], up: int) -> Iterator[Segment]:
    first, last = writable[0], writable[-1]
    for each in old:
        if each.kind == STACK:
            yield each
        elif each.kind == RELRO:
            begin, end = each.address + up, (each.end + up) // PAGE * PAGE
            if end > begin:
                yield Segment(each.kind, each.flags, begin, begin, begin, end - begin, end - begin, each.align)
        elif each is code:
            yield Segment(LOAD, each.flags, 0, 0, 0, each.file_bytes + up, each.memory_bytes + up, PAGE)
        elif each is first:
            begin = each.address + up
            file_bytes = last.address + last.file_bytes - first.address
            yield Segment(LOAD, each.flags, begin, begin, begin, file_bytes, last.end - first.address, PAGE)
        elif each.kind != LOAD:
            begin = each.address if each.kind == HEADERS else each.address + up  # these very headers stay
            yield Segment(each.kind, each.flags, begin, begin, begin, each.file_bytes, each.memory_bytes, each.align)


def _with_headers(library: bytes, image: bytearray, up: int, moved: list[Segment]) -> bytes:
    header = list(EHDR.unpack_from(library))
    sections = [list(SHDR.unpack_from(library, header[6] + SHDR.size * i)) for i in range(header[12])]
    for section in sections:
        _, kind, flags, address, offset, size = section[:6]
        if flags & ALLOCATED:
            section[3], section[4] = address + up, address + up
        elif kind:
            section[4] = len(image)
            image += library[offset : offset + size]
    image += bytes(-len(image) % 8)
    if header[4]:
        header[4] += up
    header[5], header[6], header[10] = EHDR.size, len(image), len(moved)
    for section in sections:
        image += SHDR.pack(*section)
    for segment in moved:
        if segment.kind == HEADERS:
            segment.file_bytes = segment.memory_bytes = PHDR.size * len(moved)
    image[: EHDR.size] = EHDR.pack(*header)
    for index, segment in enumerate(moved):
        PHDR.pack_into(image, EHDR.size + PHDR.size * index, *astuple(segment))
    return bytes(image)


def _move_addresses(image: bytearray, dynamic: int, up: int) -> None:
    """Adds to every address that the loader reads: the dynamic section's, the symbols', the relocations'."""
    relative, by_symbol = MACHINES.get(struct.unpack_from("<H", image, up + 18)[0], (None, None))
    if relative is None or by_symbol is None:
        raise PagesError("it is for neither arm64 nor x86-64")
    tags: dict[int, int] = {}
    while not tags or 0 not in tags:
        tag, value = DYNAMIC.unpack_from(image, dynamic)
        if tag not in ADDRESSES | OTHERS:
            raise PagesError(f"its dynamic section has the tag {tag:#x}, which is not known here")
        value += up if tag in ADDRESSES else 0
        tags[tag] = value
        DYNAMIC.pack_into(image, dynamic, tag, value)
        dynamic += DYNAMIC.size

    def symbol(_: int, name: int, info: int, other: int, section: int, value: int, size: int) -> tuple[int, ...]:
        defined = section not in (0, 0xFFF1)  # neither another library's nor a plain number
        return name, info, other, section, value + up if defined else value, size

    def relocation(at: int, place: int, info: int, addend: int) -> tuple[int, ...]:
        if info & 0xFFFFFFFF == relative:
            return place + up, info, addend + up
        if info & 0xFFFFFFFF not in by_symbol or not info >> 32:
            raise PagesError(f"it has a relocation of the kind {info & 0xFFFFFFFF} at {at:#x}")
        return place + up, info, addend

    count = struct.unpack_from("<I", image, tags[HASH] + 4)[0]  # chains: as many as symbols
    _rewrite(image, SYMBOL, tags[SYMTAB], count, symbol)
    _rewrite(image, RELA, tags.get(RELA_TABLE, 0), tags.get(RELA_BYTES, 0) // RELA.size, relocation)
    _rewrite(image, RELA, tags.get(PLT_TABLE, 0), tags.get(PLT_BYTES, 0) // RELA.size, relocation)


def _rewrite(
    image: bytearray, entry: struct.Struct, start: int, count: int, change: Callable[..., tuple[int, ...]]
) -> None:
    for at in range(start, start + entry.size * count, entry.size):
        entry.pack_into(image, at, *change(at, *entry.unpack_from(image, at)))
