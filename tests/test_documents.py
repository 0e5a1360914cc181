import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Meta
from typing_extensions import TypedDict

from mobile_style.documents import FileName, extensible, printable, read_document, read_document_file
from mobile_style.errors import DatasetError


@dataclass(frozen=True)
class Part:
    name: FileName
    size: Annotated[int, Meta(ge=0)]


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    share: float = 0.5


@extensible
class Loose(TypedDict):
    name: str


def read(content: str | bytes, **options: Any) -> Whole:
    content = content.encode() if isinstance(content, str) else content
    return read_document(Whole, content, "the list", DatasetError, "; make it again", **options)


def test_a_sound_document() -> None:
    assert read('{"parts": [{"name": "a.b", "size": 1}], "share": 1}') == Whole((Part("a.b", 1),), 1.0)
    loose = {"name": "a", "other": [1, {"b": None}]}
    assert read_document(Loose, json.dumps(loose).encode(), "", DatasetError) == loose


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "truncated"),
        ("\x00\x01", "malformed"),
        (b"\xff\xfe", "malformed"),
        ("[]", "object"),
        ("{}", "missing required field `parts`"),
        ('{"parts": [], "color": 1}', "unknown key `color`"),
        ('{"parts": [], "": 1}', "unknown key ``"),
        ('{"parts": [{"name": "a", "size": "1"}]}', r"parts\[0\]\.size: Expected `int`, got `str`"),
        ('{"parts": [{"name": "a", "size": true}]}', r"parts\[0\]\.size: Expected `int`, got `bool`"),
        ('{"parts": [{"name": "a", "size": 1, "more": 1}]}', r"unknown key `parts\.0\.more`"),
        ('{"parts": [{"name": "a", "size": -1}]}', r"parts\[0\]\.size: Expected `int` >= 0"),
        ('{"parts": [], "share": NaN}', "malformed"),
        ('{"parts": [], "share": 1e999}', "out of range"),
        ('{"parts": ' + "[" * 50_000, "nested too deeply"),
        ('{"parts": ["' + "a" * 1_000_000 + '"]}', "more than 1,000,000 bytes"),
        *((json.dumps({"parts": [{"name": name, "size": 1}]}), r"parts\[0\]\.name: Expected `str`") for name in (
            "", ".", "..", "a/b", "/dev/zero", "a\\b", "a\0b", "a\x1b[2J", "a\u202eb", "a" * 256, 5)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(content: str | bytes, problem: str) -> None:
    with pytest.raises(DatasetError, match=problem) as caught:
        read(content)
    message = str(caught.value)
    assert message.startswith("the list is damaged (") and message.endswith("); make it again")
    assert printable(message) == message and len(message) < 300


def test_what_an_earlier_version_wrote() -> None:
    old = '{"pieces": []}'
    assert read(old, upgrade=lambda values: {"parts": values["pieces"]}) == Whole(())
    for damaged, problem in (("{}", "'pieces' is missing"), ("null", "damaged"), ("[[", "truncated")):
        with pytest.raises(DatasetError, match=problem):
            read(damaged, upgrade=lambda values: {"parts": values["pieces"]})


@pytest.mark.parametrize("kind", ["missing", "folder", "endless", "pipe"])
def test_what_is_no_file_to_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(DatasetError, match=r"list\.json.*; make it again"):
        read_document_file(Whole, path, DatasetError, "; make it again")


def test_what_a_terminal_would_act_on_is_replaced() -> None:
    assert printable("caf\u00e9 \U0001f469\u200d\U0001f680") == "caf\u00e9 \U0001f469\u200d\U0001f680"
    assert printable("\x1b]0;a\x07b\x9bc\nd\udce9e\u202ef") == "\ufffd]0;a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf"
