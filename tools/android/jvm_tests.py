"""Compiles the Kotlin tests and runs them on this machine's Java: the core plainly, the app on Robolectric."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import compiling
from toolchain import DEMO, Toolchain

SOURCES = {"core": DEMO / "core/src/test/kotlin", "app": DEMO / "app/src/test/kotlin"}
SHIM = DEMO / "app/src/test/java"


def compile_tests(tools: Toolchain, work: Path, classes: Sequence[Path]) -> Path:
    """Compiles the tests of core and app against the classes of both."""
    out, jars = work / "tests", tools.tests()
    framework = tools.artifact("android-all:14")
    compiling.javac(sorted(SHIM.rglob("*.java")), out, [framework])
    sources = [folder for folder in SOURCES.values() if folder.is_dir()]
    compiling.kotlinc(tools, sources, out, [out, *classes, framework, *jars], "-module-name", "tests")
    return out


def run_tests(
    tools: Toolchain, work: Path, classpath: Sequence[Path], properties: dict[str, str], out: Path
) -> tuple[bool, int, str]:
    """Runs every class with a name that ends in Test.

    Args:
        classpath: tests, classes, and what they need beside the toolchain's jars.
        properties: what the tests are told.
        out: a folder for Robolectric's own files.

    Returns:
        Whether all passed, how many there were, and what JUnit printed.
    """
    tests = work / "tests"
    names = sorted(
        ".".join(path.relative_to(tests).with_suffix("").parts) for path in tests.rglob("*Test.class")
    )
    framework = tools.artifact("android-all-instrumented:14")
    properties = {
        "robolectric.offline": "true",
        "robolectric.dependency.dir": str(framework.parent),
        "java.io.tmpdir": str(out),
        "user.home": str(out),
    } | properties
    command = ["java", "-Xmx1500m", "-XX:TieredStopAtLevel=1", "-Duser.language=en", "-Duser.timezone=UTC"]
    command += [f"-D{key}={value}" for key, value in properties.items()]
    jars = [jar for jar in tools.tests() if not jar.name.startswith("android-all")]
    command += ["-cp", os.pathsep.join(map(str, [tests, *classpath, tools.stdlib, *jars]))]
    done = subprocess.run([*command, "org.junit.runner.JUnitCore", *names], capture_output=True, text=True)
    told = done.stdout + done.stderr
    count = re.search(r"OK \((\d+) test|Tests run: (\d+)", told)
    return done.returncode == 0, int(count[1] or count[2]) if count else 0, told
