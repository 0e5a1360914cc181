"""Native libraries rewritten for memory pages of 16 KB: the process sees the same bytes at the same places."""

import struct
import subprocess
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import pages
import toolchain
import verify

BASE = 0x7F0000004000
RELATIVE = {183: 1027, 62: 8}


@pytest.fixture(params=toolchain.GPU_LIBRARIES)
def published(request: pytest.FixtureRequest) -> bytes:
    """The GPU delegate's library as Maven Central has it."""
    try:
        archive = toolchain.find(tests=True).artifact("tensorflow-lite-gpu")
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))
    with zipfile.ZipFile(archive) as opened:
        return opened.read(f"{request.param}libtensorflowlite_gpu_jni.so")


@dataclass
class Loaded:
    """What a loader leaves in memory: the bytes, where its own tables are, what is exported and what runs at first."""

    image: bytearray
    tables: list[tuple[int, int]] = field(default_factory=list)
    exports: dict[str, int] = field(default_factory=dict)
    initial: tuple[int, ...] = ()


def load(library: bytes, base: int) -> Loaded:
    """Maps and relocates as the System V ABI says; another library's symbol is a number made of its name."""
    found = pages.segments(library)
    mapped = [each for each in found if each.kind == pages.LOAD]
    made = Loaded(bytearray(max(each.end for each in mapped)))
    for each in mapped:
        made.image[each.address : each.address + each.file_bytes] = library[each.offset : each.offset + each.file_bytes]
    (dynamic,) = (each for each in found if each.kind == 2)
    pairs = struct.iter_unpack("<QQ", made.image[dynamic.address : dynamic.address + dynamic.file_bytes])
    tags = {tag: value for tag, value in pairs if tag}
    made.tables.append((dynamic.address, dynamic.end))
    symbols = []
    (count,) = struct.unpack_from("<I", made.image, tags[4] + 4)
    for at in range(tags[6], tags[6] + 24 * count, 24):
        name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", made.image, at)
        text = made.image[tags[5] + name : made.image.index(b"\0", tags[5] + name)].decode()
        symbols.append(base + value if section else zlib.crc32(text.encode()))
        if section:
            made.exports[text] = base + value
    made.tables.append((tags[6], tags[6] + 24 * count))
    (machine,) = struct.unpack_from("<H", library, 18)
    for start, size in ((tags[7], tags[8]), (tags[23], tags[2])):
        made.tables.append((start, start + size))
        for place, info, addend in list(struct.iter_unpack("<QQq", made.image[start : start + size])):
            of = base if info & 0xFFFFFFFF == RELATIVE[machine] else symbols[info >> 32]
            struct.pack_into("<Q", made.image, place, of + addend)
    made.initial = struct.unpack_from(f"<{tags[27] // 8}Q", made.image, tags[25])
    return made


def test_a_process_finds_the_same_at_the_same_places(published: bytes) -> None:
    rewritten = pages.for_16k(published)
    old_start = next(each.address for each in pages.segments(published) if each.kind == pages.RELRO)
    new_start = next(each.address for each in pages.segments(rewritten) if each.kind == pages.RELRO)
    up = new_start - old_start
    old, new = load(published, BASE + up), load(rewritten, BASE)
    assert up and up % 4096 == 0
    assert [(start + up, end + up) for start, end in old.tables] == new.tables
    for start, end in old.tables:  # they hold addresses within the file, which moved
        old.image[start:end] = new.image[start + up : end + up] = bytes(end - start)
    assert len(new.image) == len(old.image) + up
    assert new.image[up:] == old.image
    assert new.exports == old.exports and len(new.exports) >= 8
    assert new.initial == old.initial and BASE < min(old.initial) < BASE + len(new.image)


def test_the_loader_can_map_it_with_any_page(published: bytes, tmp_path: Path) -> None:
    assert any("aligned for pages of 4 KB" in finding for finding in verify.elf_findings(published))
    rewritten = pages.for_16k(published)
    assert list(verify.elf_findings(rewritten)) == []
    (tmp_path / "library.so").write_bytes(rewritten)
    read = subprocess.run(["readelf", "-aW", tmp_path / "library.so"], capture_output=True, text=True)
    assert read.returncode == 0 and not read.stderr and "Warning" not in read.stdout
    for address in ("INIT_ARRAY", "FINI_ARRAY", "DYNAMIC"):
        assert address in read.stdout


def test_what_a_loader_cannot_map_is_found(published: bytes) -> None:
    rewritten = pages.for_16k(published)
    found = pages.segments(rewritten)
    code, data = (index for index, each in enumerate(found) if each.kind == pages.LOAD)
    (relro,) = (index for index, each in enumerate(found) if each.kind == pages.RELRO)

    def finds(what: str, index: int, at: int, kind: str, value: int) -> None:
        changed = bytearray(rewritten)
        struct.pack_into(kind, changed, pages.EHDR.size + pages.PHDR.size * index + at, value)
        assert what in "\n".join(verify.elf_findings(bytes(changed)))

    finds("aligned for pages of 4 KB", data, 48, "<Q", 0x1000)
    finds("elsewhere within its page", data, 8, "<Q", found[data].offset + 0x1000)
    finds("both writable and executable", code, 4, "<I", 7)
    finds("share a page", data, 16, "<Q", found[data].address - pages.PAGE)
    finds("cannot be written to", relro, 40, "<Q", found[relro].memory_bytes + 0x1000)


def test_what_is_not_known_is_refused(published: bytes) -> None:
    def refused(why: str, at: int, kind: str, value: int) -> None:
        changed = bytearray(published)
        struct.pack_into(kind, changed, at, value)
        with pytest.raises(pages.PagesError, match=why):
            pages.for_16k(bytes(changed))

    found = pages.segments(published)
    (dynamic,) = (each for each in found if each.kind == 2)
    code, data = (index for index, each in enumerate(found[:3]) if each.kind == pages.LOAD)
    tags = dict(struct.iter_unpack("<QQ", published[dynamic.offset : dynamic.offset + dynamic.file_bytes]))
    refused("neither arm64 nor", 18, "<H", 40)
    refused("has the tag 0x24", dynamic.offset, "<Q", 36)  # packed relocations
    refused("relocation of the kind 99", tags[7] + 8, "<Q", 99)
    refused("share a page", pages.EHDR.size + pages.PHDR.size * code + 40, "<Q", found[data].address + 1)
    with pytest.raises(pages.PagesError, match="no 64-bit"):
        pages.for_16k(b"\x7fELF\x01" + published[5:])
