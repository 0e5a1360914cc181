"""Reads an APK back with tools that this project did not write, and says what is in it."""

import hashlib
import itertools
import json
import re
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pages
from compiling import ABIS, APPLICATION, MIN_SDK

LIBRARIES = ("libjnijavacpp.so", "libjnitensorflowlite.so", "libtensorflowlite_gpu_jni.so")
PERMISSIONS = ["android.permission.CAMERA"]
PAGE = 16384  # bytes: the largest memory page that phones have


class VerifyError(Exception):
    """What the APK lacks, each on a line."""


def verify(apk: Path, assets: Path) -> None:
    """Checks signature, alignment, badging, dex, native libraries, and each model against its card.

    Raises:
        VerifyError: something is wrong; every finding is named.
    """
    findings = [*_tools(apk), *_contents(apk, assets)]
    if findings:
        raise VerifyError("the APK is not right:\n" + "\n".join(findings))


def _tools(apk: Path) -> Iterator[str]:
    signed = _run("apksigner", "verify", "--verbose", "--min-sdk-version", str(MIN_SDK), str(apk))
    for scheme in ("v2", "v3"):
        if not re.search(rf"Verified using {scheme} scheme.*: true", signed.stdout):
            yield f"apksigner: not signed by scheme {scheme}: {signed.stderr.strip()[:200]}"
    yield from _zipalign(apk)
    badging = _run("aapt2", "dump", "badging", str(apk)).stdout
    wanted = [
        f"package: name='{APPLICATION}'",
        f"sdkVersion:'{MIN_SDK}'",
        f"launchable-activity: name='{APPLICATION}.MainActivity'",
    ]
    yield from (f"aapt2: no {line}" for line in wanted if line not in badging)
    permissions = re.findall(r"uses-permission: name='([^']+)'", badging)
    if permissions != PERMISSIONS:
        yield f"aapt2: asks for {permissions}, not {PERMISSIONS}"
    with TemporaryDirectory() as folder, zipfile.ZipFile(apk) as archive:
        dumped = [_run("dexdump", archive.extract(name, folder)).stdout for name in _dex(archive)]
        if not any("Class descriptor  : 'Lmobile/style/demo/MainActivity;'" in text for text in dumped):
            yield "dexdump: no MainActivity"


def _zipalign(apk: Path) -> Iterator[str]:
    pages = ["-P", "16"] if "-P" in _run("zipalign").stderr else ["-p"]  # an older one knows pages of 4 KB only
    if _run("zipalign", "-c", *pages, "4", str(apk)).returncode:
        yield "zipalign: not aligned"


def _contents(apk: Path, assets: Path) -> Iterator[str]:
    with zipfile.ZipFile(apk) as archive:
        names = archive.namelist()
        for abi in ABIS:
            for library in LIBRARIES:
                if f"lib/{abi}/{library}" not in names:
                    yield f"no {library} for {abi}"
        yield from _libraries(apk)
        for file in sorted(path for path in assets.rglob("*") if path.is_file()):
            name = f"assets/{file.relative_to(assets).as_posix()}"
            if name not in names or archive.read(name) != file.read_bytes():
                yield f"{name} is missing or another"
        models = [name for name in names if name.endswith(".tflite")]
        if not models:
            yield "no model"
        for name in models:
            card_name = name.replace("model.tflite", "card.json").replace("float16.tflite", "float16.json")
            card = json.loads(archive.read(card_name))
            if hashlib.sha256(archive.read(name)).hexdigest() != card["file"]["sha256"]:
                yield f"{name} is not the file that its card describes"
            if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
                yield f"{name} is compressed, so it cannot be mapped"


def _libraries(apk: Path) -> Iterator[str]:
    """What keeps Android from mapping a native library from the APK, with pages of 4 KB or of 16 KB."""
    with zipfile.ZipFile(apk) as archive, apk.open("rb") as file:
        for info in archive.infolist():
            if info.filename.endswith(".so"):
                file.seek(info.header_offset + 26)
                name, extra = struct.unpack("<HH", file.read(4))
                if info.compress_type or (info.header_offset + 30 + name + extra) % PAGE:
                    yield f"{info.filename} does not begin on a page of 16 KB of the APK"
                yield from (f"{info.filename}: {finding}" for finding in elf_findings(archive.read(info)))


def elf_findings(library: bytes) -> Iterator[str]:
    """What is wrong with the segments of a 64-bit library for a loader with pages of 16 KB."""
    try:
        found = pages.segments(library)
    except pages.PagesError as error:
        yield str(error)
        return
    loaded = [each for each in found if each.kind == pages.LOAD]
    for each in loaded:
        if each.align % PAGE:
            yield f"the segment at {each.address:#x} is aligned for pages of {each.align // 1024} KB"
        if (each.address - each.offset) % PAGE:
            yield f"the segment at {each.address:#x} lies elsewhere within its page in the file"
        if each.flags & pages.WRITE and each.flags & pages.EXECUTE:
            yield f"the segment at {each.address:#x} is both writable and executable"
    for before, after in itertools.pairwise(loaded):
        if after.address // PAGE <= (before.end - 1) // PAGE:
            yield f"the segments at {before.address:#x} and {after.address:#x} share a page"
    for relro in (each for each in found if each.kind == pages.RELRO):
        for page in (4096, PAGE):  # the loader protects whole pages: none may have data that is written later
            end = -(-relro.end // page) * page
            if any(max(each.address, relro.end) < min(each.end, end) for each in loaded):
                yield f"with pages of {page // 1024} KB, data after {relro.end:#x} cannot be written to"


def report(apk: Path) -> list[str]:
    """Lines on what is in it: its size and that of what takes most of it, and the styles."""
    with zipfile.ZipFile(apk) as archive:
        infos = archive.infolist()
    styles = sorted({info.filename.split("/")[2] for info in infos if info.filename.endswith("/model.tflite")})
    lines = [f"{apk.stat().st_size / 1e6:.1f} MB, styles: {', '.join(styles)}"]
    for abi in ABIS:
        size = sum(info.file_size for info in infos if info.filename.startswith(f"lib/{abi}/"))
        lines.append(f"{size / 1e6:.1f} MB of native libraries for {abi}, aligned for pages of 16 KB")
    for file, kind in (("/model.tflite", "int8"), ("/float16.tflite", "float16")):
        size = sum(info.file_size for info in infos if info.filename.endswith(file))
        lines.append(f"{size / 1e6:.1f} MB of {kind} models")
    return lines


def _dex(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if re.fullmatch(r"classes\d*\.dex", name)]


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, errors="replace")
