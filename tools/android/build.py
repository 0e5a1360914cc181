"""Builds android_demo/build/mobile-style.apk with Debian's Android tools, D8 and the Kotlin compiler alone.

    python tools/android/build.py

The APK is signed with a key made for this machine, aligned, and checked by verify.py. Two builds of the same sources
and styles have the same bytes but for the signature.
"""

import shutil
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import compiling
import verify
from toolchain import DEMO, Toolchain, ToolchainError, find

ASSETS = DEMO / "app/src/main/assets"
APK = DEMO / "build" / "mobile-style.apk"
WORK = DEMO / "build" / "work"
KEY_PASSWORD = "android"  # of debug keys everywhere
LOCAL_HEADER = 30  # bytes before a file's name in an archive
ALIGNMENT = struct.Struct("<HHH")
EPOCH = (1980, 1, 1, 0, 0, 0)
STORED = (".so", ".tflite", ".png", ".jpg", ".arsc")


def build(tools: Toolchain, out: Path = APK, assets: Path = ASSETS, work: Path = WORK) -> Path:
    """Builds, signs and checks the APK; beside it lies the same without a signature, for comparing builds.

    What is made on the way stays in `work`: core/, app/ and the libraries' jars are what the tests run.

    Raises:
        BuildError: a tool failed, there is no style, or the finished file is not what it should be.
    """
    if not any(assets.glob("styles/*/*/model.tflite")):
        raise compiling.BuildError("there is no style to put in; run: mobile-style bundle MODEL --android android_demo")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    core = compiling.core(tools, work)
    jars = compiling.libraries(tools, work)
    linked = compiling.resources(tools, work, [assets])
    app = compiling.app(tools, work, core, jars)
    dex = compiling.dex(tools, work, [core, app], jars)
    _pack(work / "aligned.apk", sorted(_entries(tools, linked, dex)))
    shutil.copy(work / "aligned.apk", work / "signed.apk")
    _sign(tools, work / "signed.apk")
    verify.verify(work / "signed.apk", assets)
    (work / "aligned.apk").replace(out.with_suffix(".unsigned.apk"))
    return (work / "signed.apk").replace(out)


def _entries(tools: Toolchain, linked: Path, dex: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(linked) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)
    for file in dex.glob("*.dex"):
        yield file.name, file.read_bytes()
    yield from compiling.native_libraries(tools)
    yield from compiling.java_resources(tools)


def _pack(path: Path, entries: list[tuple[str, bytes]]) -> None:
    """Writes an archive whose stored files can be mapped: native libraries on pages of 16 KB, others on 4 bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
            if info.compress_type == zipfile.ZIP_STORED:
                assert archive.fp is not None
                info.extra = _padding(archive.fp.tell() + LOCAL_HEADER + len(name.encode()), name)
            archive.writestr(info, content)


def _padding(position: int, name: str) -> bytes:
    """The field that apksigner, too, aligns by: its id, its length, the alignment, and zeros as far as the content."""
    alignment = verify.PAGE if name.endswith(".so") else 4
    zeros = -(position + ALIGNMENT.size) % alignment
    return ALIGNMENT.pack(0xD935, 2 + zeros, alignment) + bytes(zeros)


def _sign(tools: Toolchain, apk: Path) -> None:
    key = tools.folder / "debug.keystore"
    if not key.exists():
        compiling.run(
            *("keytool", "-genkeypair", "-keystore", key, "-storepass", KEY_PASSWORD, "-alias", "debug"),
            *("-dname", "CN=Debug", "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000"),
        )
    compiling.run(
        *("apksigner", "sign", "--ks", key, "--ks-pass", f"pass:{KEY_PASSWORD}", "--ks-key-alias", "debug"),
        *("--v4-signing-enabled", "false", apk),
    )


if __name__ == "__main__":
    try:
        print(build(find()))
        print("\n".join(verify.report(APK)))
    except (ToolchainError, compiling.BuildError, verify.VerifyError) as error:
        sys.exit(f"error: {error}")
