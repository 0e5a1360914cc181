"""Checks the Kotlin of the Android demo with ktlint, by the rules of android_demo/.editorconfig.

    python tools/android/lint.py [--format]

It reads the scripts of Gradle, too, so they are known to be Kotlin, as there is no Gradle here to run them.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from toolchain import DEMO, Toolchain, ToolchainError, set_up_lint

SOURCES = ("*.kts", "*/*.kts", "*/src/*/kotlin/**/*.kt")


def lint(files: Sequence[Path], *flags: str) -> str:
    """What ktlint finds in the files, a finding a line; nothing if all is well.

    Raises:
        ToolchainError: ktlint is not here, or failed.
    """
    jars = Toolchain().lint()
    if missing := [jar.name for jar in jars if not jar.exists()]:
        raise ToolchainError(f"ktlint lacks {missing[0]}; run: python tools/android/toolchain.py --lint")
    command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", os.pathsep.join(map(str, jars))]
    command += ["com.pinterest.ktlint.Main", f"--editorconfig={DEMO / '.editorconfig'}", "--log-level=error"]
    done = subprocess.run([*command, "--relative", *flags, *map(str, files)], capture_output=True, text=True)
    if done.returncode and not done.stdout:
        raise ToolchainError(f"ktlint failed: {done.stderr.strip().splitlines()[0]}")
    return done.stdout


def sources() -> list[Path]:
    """Every Kotlin file of the project."""
    return sorted(path for pattern in SOURCES for path in DEMO.glob(pattern))


if __name__ == "__main__":
    try:
        set_up_lint()
        if found := lint(sources(), *(flag for flag in sys.argv[1:] if flag == "--format")):
            sys.exit(found.strip())
    except ToolchainError as error:
        sys.exit(f"error: {error}")
