"""From the sources of android_demo to class files, resources and dex."""

import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from toolchain import DEMO, Toolchain

APPLICATION = "mobile.style.demo"
VERSION_CODE, VERSION_NAME = 2, "0.2.0"
MIN_SDK, COMPILE_SDK, TARGET_SDK = 26, 36, 36
# Gradle compiles against COMPILE_SDK; the script against Android 15, as the classes of 16 are for Java 21.
ABIS = {"arm64-v8a": "android-arm64", "x86_64": "android-x86_64"}  # as Android names them, and as JavaCPP does
JVM_TARGET = "1.8"  # also of Java's own classes: Android 8 has no newer ones
KEPT = 9  # results of the Kotlin compiler: of three versions of core, app and tests
NEWER = Path(__file__).with_name("newer")
CORE, APP = DEMO / "core/src/main/kotlin", DEMO / "app/src/main"
RUNTIME = ("tensorflow-lite:2.21", "javacpp:1.5")  # the interpreter's classes; for each ABI a jar has its libraries
DELEGATE = ("tensorflow-lite-gpu", "tensorflow-lite-gpu-api", "tensorflow-lite-api")  # archives for Android


class BuildError(Exception):
    """What a tool said, in one line and then as it said it."""


def run(*command: object) -> str:
    """Output of a program; its arguments are strings and paths.

    Raises:
        BuildError: it failed.
    """
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"{command[0]} failed:\n{(done.stdout + done.stderr).strip()}")
    return done.stdout


def kotlinc(tools: Toolchain, sources: Sequence[Path], out: Path, classpath: Sequence[Path], *flags: str) -> None:
    """Compiles Kotlin (and reads the Java among the sources) into a folder, or copies what it once made of the same."""
    key = _digest([*sources, tools.kotlin / "build.txt", tools.stdlib, *classpath], flags)
    kept = tools.folder / "classes" / key
    if not kept.is_dir():
        kept.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=kept.parent) as made:
            _kotlinc(tools, sources, Path(made) / key, classpath, *flags)
            with suppress(OSError):  # another process was faster
                (Path(made) / key).rename(kept)
        for old in sorted(kept.parent.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(kept, out, dirs_exist_ok=True)


def _digest(paths: Sequence[Path], flags: Sequence[str]) -> str:
    """What compiling depends on: the content of files and folders, but not where they lie."""
    digest = hashlib.sha256(repr((JVM_TARGET, flags)).encode())
    for path in paths:
        for file in sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]:
            digest.update(f"\n{file.relative_to(path)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _kotlinc(tools: Toolchain, sources: Sequence[Path], out: Path, classpath: Sequence[Path], *flags: str) -> None:
    lib = tools.kotlin / "lib"
    jars = (
        "kotlin-compiler",
        "kotlin-stdlib",
        "kotlin-script-runtime",
        "kotlin-reflect",
        "kotlinx-coroutines-core-jvm",
    )
    compiler = os.pathsep.join(str(lib / f"{jar}.jar") for jar in (*jars, "annotations-13.0"))
    run(
        *("java", "-Xmx1500m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", compiler),
        *("org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib", "-no-reflect", "-Werror"),
        *(
            f"-Xjdk-release={JVM_TARGET}",
            "-classpath",
            _joined([tools.stdlib, *classpath]),
            "-d",
            out,
            *flags,
            *sources,
        ),
    )


def javac(sources: Sequence[Path], out: Path, classpath: Sequence[Path]) -> None:
    """Compiles Java into a folder."""
    run(
        *("javac", "-nowarn", "-Xlint:none", "--release", JVM_TARGET.removeprefix("1."), "-encoding", "utf-8"),
        *("-d", out, "-classpath", _joined(classpath), *sources),
    )


def _joined(paths: Sequence[Path]) -> str:
    return os.pathsep.join(map(str, paths))


def core(tools: Toolchain, work: Path) -> Path:
    """Compiles the core, against Java and Kotlin's library only: an Android import in it would fail."""
    out = work / "core"
    kotlinc(tools, [CORE], out, [], "-module-name", "core")
    return out


def libraries(tools: Toolchain, work: Path) -> list[Path]:
    """The classes of the runtime and the GPU delegate, as jars in work."""
    jars = []
    for name in RUNTIME:
        jars.append(Path(shutil.copy(tools.artifact(name), work)))
    for name in DELEGATE:
        jar = work / f"{name}.jar"
        with zipfile.ZipFile(tools.archive(name)) as archive:
            jar.write_bytes(archive.read("classes.jar"))
        jars.append(jar)
    return jars


def native_libraries(tools: Toolchain) -> Iterator[tuple[str, bytes]]:
    """The libraries of the runtime and the GPU delegate, each with its name in the APK."""
    archives = [tools.artifact(f"{name}:{abi}") for name in RUNTIME for abi in ABIS.values()]
    for path in (*archives, tools.gpu):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                folder, _, rest = name.partition("/")
                if folder in ("lib", "jni") and rest.split("/")[0] in ABIS and name.endswith(".so"):
                    yield f"lib/{rest}", archive.read(name)


def java_resources(tools: Toolchain) -> Iterator[tuple[str, bytes]]:
    """What JavaCPP reads of itself on a phone: the names of libraries there."""
    with zipfile.ZipFile(tools.artifact(RUNTIME[1])) as archive:
        for abi in ABIS.values():
            name = f"org/bytedeco/javacpp/properties/{abi}.properties"
            yield name, archive.read(name)


def resources(tools: Toolchain, work: Path, assets: Sequence[Path]) -> Path:
    """Compiles and links resources, manifest and assets; R.java goes to work/generated."""
    run("aapt2", "compile", "--dir", APP / "res", "-o", work / "res.zip")
    # Gradle takes the package from its own file and refuses it in the manifest; aapt2 wants it there.
    manifest, linked = work / "AndroidManifest.xml", work / "linked.apk"
    newer = _newer_attributes(work)
    manifest.write_text(
        (APP / manifest.name).read_text().replace("<manifest ", f'<manifest package="{APPLICATION}" ', 1)
    )
    run(
        *("aapt2", "link", "-o", linked, "-I", tools.framework_resources, "-I", newer, "--manifest", manifest),
        *("--java", work / "generated"),
        *("--min-sdk-version", str(MIN_SDK), "--target-sdk-version", str(TARGET_SDK)),
        *("--version-code", str(VERSION_CODE), "--version-name", VERSION_NAME, "--no-version-vectors"),
        "--warn-manifest-validation",
        *(part for folder in assets for part in ("-A", folder)),
        *("-0", "tflite", "-0", "png", "-0", "jpg", work / "res.zip"),
    )
    return linked


def _newer_attributes(work: Path) -> Path:
    """Resources of the package android that the framework's older ones lack."""
    compiled, manifest, linked = work / "newer.zip", work / "newer.xml", work / "newer.apk"
    run("aapt2", "compile", "--dir", NEWER, "-o", compiled)
    manifest.write_text('<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="android"/>')
    run("aapt2", "link", "-x", "-o", linked, "--manifest", manifest, compiled)
    return linked


def app(tools: Toolchain, work: Path, core_classes: Path, jars: Sequence[Path]) -> Path:
    """Compiles the app against the framework's classes."""
    out, generated = work / "app", work / "generated"
    framework = tools.artifact("android-all:15")
    kotlinc(
        *(tools, [APP / "kotlin", generated], out, [framework, core_classes, *jars]),
        *("-module-name", "app"),
    )
    javac(sorted(generated.rglob("*.java")), out, [framework])
    return out


def dex(tools: Toolchain, work: Path, classes: Sequence[Path], jars: Sequence[Path]) -> Path:
    """Turns folders of classes into dex files in a folder; the libraries are turned once for all builds."""
    libraries = [tools.stdlib, *jars]
    library = tools.folder / f"libraries-{MIN_SDK}-{_digest(libraries, ())}"
    if not (library / "classes.dex").exists():
        _d8(tools, library, libraries, [])
    out = work / "dex"
    files = [path for folder in classes for path in sorted(folder.rglob("*.class"))]
    _d8(tools, out, [*files, library / "classes.dex"], libraries)
    return out


def _d8(tools: Toolchain, out: Path, files: Sequence[Path], classpath: Sequence[Path]) -> None:
    """Runs D8; what it made is in place whole or not at all."""
    flags = [part for jar in classpath for part in ("--classpath", jar)]
    with TemporaryDirectory(dir=out.parent) as made:
        run(
            *("java", "-Xmx1500m", "-cp", tools.d8, "com.android.tools.r8.D8", "--release", "--min-api", str(MIN_SDK)),
            *("--lib", tools.artifact("android-all:15"), "--output", made, *flags, *files),
        )
        out.mkdir(exist_ok=True)
        for file in Path(made).glob("*.dex"):
            file.replace(out / file.name)
