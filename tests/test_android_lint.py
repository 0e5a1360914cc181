"""ktlint finds nothing in the Kotlin sources, and does find what is wrong."""

from pathlib import Path

import pytest

import lint
import toolchain


@pytest.mark.slow
def test_ktlint_finds_what_is_wrong_and_nothing_in_the_project(tmp_path: Path) -> None:
    if any(not jar.exists() for jar in toolchain.Toolchain().lint()):
        pytest.skip("ktlint is not here; run: python tools/android/toolchain.py --lint")
    wrong = tmp_path / "Wrong.kt"
    wrong.write_text('package wrong\n\nimport java.io.File\nimport java.io.File\n\nfun  open() = File("")\n')
    found = lint.lint([*lint.sources(), wrong])
    assert "Duplicate 'import java.io.File'" in found
    assert [line for line in found.splitlines() if ".kt" in line and "Wrong.kt:" not in line] == []
    assert len(lint.sources()) > 30
