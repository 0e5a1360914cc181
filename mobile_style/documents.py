"""Reading JSON that others may have written or damaged: cards of models, manifests, settings, reports.

A kind of document is a frozen dataclass, or a TypedDict where keys are passed on as they are, marked as `strict`: its
annotations say what is allowed, other keys are refused, numbers are finite, and "5" is not taken for a number.
"""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Le, MaxLen, MinLen, Predicate

from .errors import MobileStyleError

T = TypeVar("T")

STRICT = {"strict": True, "extra": "forbid", "allow_inf_nan": False}  # as pydantic reads it
LARGEST = 1_000_000  # bytes of a document
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # the direction of writing


def strict(kind: type[T]) -> type[T]:
    """Marks a kind of document. Kinds inside it follow it."""
    kind.__pydantic_config__ = STRICT  # type: ignore[attr-defined]
    return kind


def extensible(kind: type[T]) -> type[T]:
    """Marks a kind of document, or of a part of one, of which others know more keys."""
    kind.__pydantic_config__ = STRICT | {"extra": "allow"}  # type: ignore[attr-defined]
    return kind


def is_file_name(text: str) -> bool:
    """Whether the text can name a file or folder inside another one, and be shown."""
    return text not in ("", ".", "..") and not {"/", "\\"} & set(text) and text == printable(text)


FileName = Annotated[str, MaxLen(255), Predicate(is_file_name)]
Text = Annotated[str, MaxLen(10_000)]  # shown only by way of `printable`
Label = Annotated[str, MaxLen(100)]
Sha256 = Annotated[str, MinLen(64), MaxLen(64)]
Count = Annotated[int, Ge(0), Le(10**12)]
Figure = Annotated[float, Ge(-1e300), Le(1e300)]


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
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import from_json

    try:
        if len(content) > largest:
            raise ValueError(f"more than {largest:,} bytes")
        if upgrade is not None:
            content = json.dumps(upgrade(from_json(content, allow_inf_nan=False))).encode()
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        problem = f"{place}: {first['msg']}" if place else first["msg"]
    except KeyError as failure:
        problem = f"{failure} is missing"
    except (ValueError, TypeError, AttributeError) as failure:
        problem = str(failure)
    raise error(f"{name} is damaged ({printable(problem)}){advice}")


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
