"""Compiles the Kotlin tests and runs them on this machine's Java: the core plainly, the app on Robolectric."""

import os
import re
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import compiling
from toolchain import DEMO, Toolchain

SOURCES = {"core": DEMO / "core/src/test/kotlin", "app": DEMO / "app/src/test/kotlin"}
SHIM = DEMO / "app/src/test/java"


def compile_tests(tools: Toolchain, work: Path, classes: Sequence[Path]) -> Path:
    """Compiles the tests of core and app against the classes of both, and the Kotlin of docs/apps.md."""
    out, jars = work / "tests", tools.tests()
    framework = tools.artifact("android-all:15")
    compiling.javac(sorted(SHIM.rglob("*.java")), out, [framework])
    sources = [folder for folder in SOURCES.values() if folder.is_dir()]
    interpreter = work / "documented.jar"
    with zipfile.ZipFile(tools.artifact("tensorflow-lite:2.16")) as archive:
        interpreter.write_bytes(archive.read("classes.jar"))
    classpath = [out, *classes, interpreter, framework, *jars]
    compiling.kotlinc(tools, [*sources, documented(work)], out, classpath, "-module-name", "tests")
    return out


def documented(work: Path) -> Path:
    """A source file with the Kotlin of docs/apps.md."""
    blocks = re.findall(r"^```kotlin\n(.*?)^```", (DEMO.parent / "docs/apps.md").read_text(), re.M | re.S)
    imports = ("android.graphics.Bitmap", "java.io.File", "java.nio.ByteBuffer", "org.tensorflow.lite.Interpreter")
    lines = [f"import {name}" for name in imports]
    for index, block in enumerate(blocks):
        lines += [f"fun documented{index}(modelFile: File, bitmap: Bitmap) {{", block, "}"]
    source = work / "Documented.kt"
    source.write_text("\n".join(lines) + "\n")
    return source


def run_tests(tools: Toolchain, work: Path, assets: Path, vectors: Path, screenshots: Path) -> tuple[bool, int, str]:
    """Runs every class with a name that ends in Test.

    Args:
        tools: where the jars are.
        work: where build() and compile_tests() left what they made.
        assets: that the APK was built with.
        vectors: the core's golden vectors.
        screenshots: an existing folder that the app's screens are written to, as PNG.

    Returns:
        Whether all passed, how many there were, and what JUnit printed.
    """
    tests = work / "tests"
    names = sorted(".".join(path.relative_to(tests).with_suffix("").parts) for path in tests.rglob("*Test.class"))
    config = work / "config" / "com/android/tools/test_config.properties"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        f"android_resource_apk={work / 'linked.apk'}\nandroid_merged_manifest={work / 'AndroidManifest.xml'}\n"
        f"android_merged_assets={assets}\nandroid_custom_package={compiling.APPLICATION}\n"
    )
    framework = tools.artifact("android-all-instrumented:15")
    properties = {
        "robolectric.offline": "true",
        "robolectric.dependency.dir": str(framework.parent),
        "org.bytedeco.javacpp.cachedir": str(work / "javacpp"),
        "vectors": str(vectors),
        "screenshots": str(screenshots),
    }
    # Android's own classes close files by a private field of Java's.
    command = [
        "java",
        "--add-opens=java.base/java.io=ALL-UNNAMED",
        "-Xmx1500m",
        "-XX:TieredStopAtLevel=1",
        "-Duser.language=en",
        "-Duser.timezone=UTC",
    ]
    command += [f"-D{key}={value}" for key, value in properties.items()]
    jars = [jar for jar in tools.tests() if not jar.name.startswith("android-all")]
    classes = [tests, work / "config", work / "core", work / "app", *sorted(work.glob("*.jar")), tools.stdlib, *jars]
    classes.append(tools.artifact("android-all:15"))  # as names only: Robolectric loads its own
    command += ["-cp", os.pathsep.join(map(str, classes)), "org.junit.runner.JUnitCore", *names]
    with TemporaryDirectory(dir=work) as temporary:  # where Robolectric unpacks its native libraries
        command[1:1] = [f"-Djava.io.tmpdir={temporary}"]
        done = subprocess.run(command, capture_output=True, text=True)
    told = done.stdout + done.stderr
    count = re.search(r"OK \((\d+) test|Tests run: (\d+)", told)
    return done.returncode == 0, int(count[1] or count[2]) if count else 0, told
