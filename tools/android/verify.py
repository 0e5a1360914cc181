"""Reads an APK back with tools that this project did not write, and says what is in it."""

import hashlib
import json
import re
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from compiling import ABIS, APPLICATION, MIN_SDK

PERMISSIONS = ["android.permission.CAMERA"]
PAGE_16K = 16384


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
    if _run("zipalign", "-c", "-p", "4", str(apk)).returncode:
        yield "zipalign: not aligned"
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


def _contents(apk: Path, assets: Path) -> Iterator[str]:
    with zipfile.ZipFile(apk) as archive:
        names = archive.namelist()
        for abi in ABIS:
            if f"lib/{abi}/libtensorflowlite_jni.so" not in names:
                yield f"no TensorFlow Lite for {abi}"
        for file in sorted(path for path in assets.rglob("*") if path.is_file()):
            name = f"assets/{file.relative_to(assets).as_posix()}"
            if name not in names or archive.read(name) != file.read_bytes():
                yield f"{name} is missing or another"
        models = [name for name in names if name.endswith("/model.tflite")]
        if not models:
            yield "no model"
        for name in models:
            card = json.loads(archive.read(name.replace("model.tflite", "card.json")))
            if hashlib.sha256(archive.read(name)).hexdigest() != card["file"]["sha256"]:
                yield f"{name} is not the file that its card describes"
            if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
                yield f"{name} is compressed, so it cannot be mapped"


def report(apk: Path) -> list[str]:
    """Lines on what is in it: size, styles, and the page size that each native library is aligned for."""
    with zipfile.ZipFile(apk) as archive:
        names = archive.namelist()
        styles = sorted({name.split("/")[2] for name in names if re.match(r"assets/styles/.+/model\.tflite$", name)})
        lines = [f"{apk.stat().st_size / 1e6:.1f} MB, styles: {', '.join(styles)}"]
        for name in sorted(name for name in names if name.endswith(".so")):
            page = page_size(archive.read(name))
            enough = "" if page >= PAGE_16K else " (phones with pages of 16 KB run it in their compatibility mode)"
            lines.append(f"{name}: aligned for pages of {page // 1024} KB{enough}")
    return lines


def page_size(library: bytes) -> int:
    """The least alignment of an ELF file's loaded segments."""
    wide = library[4] == 2
    (offset,) = struct.unpack_from("<Q" if wide else "<I", library, 32 if wide else 28)
    size, count = struct.unpack_from("<HH", library, 54 if wide else 42)
    at = [offset + size * index for index in range(count)]
    loaded = [start for start in at if struct.unpack_from("<I", library, start)[0] == 1]
    return min(
        int(struct.unpack_from("<Q" if wide else "<I", library, start + (48 if wide else 28))[0]) for start in loaded
    )


def _dex(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if re.fullmatch(r"classes\d*\.dex", name)]


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, errors="replace")
