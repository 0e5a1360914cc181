"""Reading JSON that others may have written or damaged: cards of models, manifests, settings, reports.

A kind of document is a dataclass, or a TypedDict where keys are passed on as they are. Its annotations say what is
allowed: other keys are refused, numbers are finite, and "5" is not taken for a number.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import msgspec
from msgspec import Meta
from typing_extensions import get_type_hints, is_typeddict

from .errors import MobileStyleError

T = TypeVar("T")

LARGEST = 1_000_000  # bytes of a document
TURNING = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # the direction of writing

# Names a file or folder inside another one, and can be shown.
FileName = Annotated[str, Meta(max_length=255, pattern=rf"^(?!\.\.?\Z)[^/\\\x00-\x1f\x7f-\x9f{TURNING}]+\Z")]
Text = Annotated[str, Meta(max_length=10_000)]  # shown only by way of `printable`
Label = Annotated[str, Meta(max_length=100)]
Sha256 = Annotated[str, Meta(min_length=64, max_length=64)]
Count = Annotated[int, Meta(ge=0, le=10**12)]
Figure = Annotated[float, Meta(ge=-1e300, le=1e300)]

_extensible: set[type] = set()


def extensible(kind: type[T]) -> type[T]:
    """Marks a kind of document, or of a part of one, of which others know more keys."""
    _extensible.add(kind)
    return kind


def read_document(
    kind: type[T],
    content: bytes,
    name: object,
    error: type[MobileStyleError],
    advice: str = "",
    upgrade: Callable[[Any], Any] | None = None,
    largest: int = LARGEST,
) -> T:
    """The document in some JSON.

    Args:
        kind: the dataclass or TypedDict that it must be.
        content: UTF-8.
        name: of the file, for messages.
        error: what to raise.
        advice: what to do about a damaged document, from a semicolon on.
        upgrade: makes what this version writes out of what an earlier one wrote; a KeyError, TypeError or
            AttributeError that it raises says that the document is damaged.
        largest: bytes.
    """
    try:
        if len(content) > largest:
            raise ValueError(f"more than {largest:,} bytes")
        values = msgspec.json.decode(content)
        if upgrade is not None:
            values = upgrade(values)
        document = msgspec.convert(values, kind)
        if (key := _unknown_key(kind, values)) is not None:
            raise ValueError(f"unknown key `{key}`")
        return cast(T, values) if is_typeddict(kind) else document
    except KeyError as failure:
        problem = f"{failure} is missing"
    except RecursionError:
        problem = "nested too deeply"
    except msgspec.ValidationError as failure:
        wrong, _, place = str(failure).partition(" - at ")
        problem = f"{place.strip('`$.')}: {wrong.partition(' matching regex ')[0]}" if place else wrong
    except (ValueError, TypeError, AttributeError) as failure:
        problem = str(failure)
    raise error(f"{name} is damaged ({printable(problem)}){advice}")


def _unknown_key(kind: Any, value: Any) -> str | None:
    """The first key of a document that its kind lacks, with where it is: parts.0.size. None if there is none."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(each for each in get_args(kind) if each is not NoneType)
    kinds: dict[Any, Any]
    if isinstance(value, dict) and (is_dataclass(kind) or is_typeddict(kind)):
        kinds, parts = _annotations(kind), value
        if kind not in _extensible and (unknown := [key for key in value if key not in kinds]):
            return str(unknown[0])
    elif isinstance(value, dict | list) and (inside := get_args(kind)):
        parts = value if isinstance(value, dict) else dict(enumerate(value))
        kinds = dict.fromkeys(parts, inside[-1] if isinstance(value, dict) else inside[0])
    else:
        return None
    found = ((key, _unknown_key(kinds[key], part)) for key, part in parts.items() if key in kinds)
    return next((f"{key}.{rest}" for key, rest in found if rest is not None), None)


_annotations = cache(get_type_hints)


def read_document_file(
    kind: type[T],
    path: Path,
    error: type[MobileStyleError],
    advice: str = "",
    upgrade: Callable[[Any], Any] | None = None,
    largest: int = LARGEST,
) -> T:
    """The document in a file; no more of it is read than may be."""
    try:
        if path.exists() and not path.is_file():
            raise error(f"{path} is no file{advice}")
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as failure:
        raise error(f"cannot read {path}: {failure.strerror}{advice}") from None
    return read_document(kind, content, path, error, advice, upgrade, largest)


def printable(text: str) -> str:
    """The text with a mark in place of each character that a terminal would act on, or that turns writing around."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if c in TURNING or unicodedata.category(c) in ("Cc", "Cs") else c for c in text
    )
