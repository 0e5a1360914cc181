"""The Swift in the docs is parsed, as no Swift compiler is at hand."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
CASES = [
    pytest.param(block, id=f"{page.stem}-{index}")
    for page in sorted(DOCS.rglob("*.md"))
    for index, block in enumerate(re.findall(r"^```swift\n(.*?)^```", page.read_text(), re.M | re.S))
]


@pytest.mark.parametrize("block", CASES)
def test_it_is_swift(block: str) -> None:
    tree_sitter = pytest.importorskip("tree_sitter")
    swift = tree_sitter.Language(pytest.importorskip("tree_sitter_swift").language())
    parser = tree_sitter.Parser(swift)
    assert not parser.parse(block.encode()).root_node.has_error
    for mark in ("(", "{"):
        if mark in block:  # one that is never closed
            at = block.rindex(mark)
            assert parser.parse((block[:at] + mark + block[at:]).encode()).root_node.has_error


def test_there_is_swift() -> None:
    assert CASES
