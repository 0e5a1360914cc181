"""What a benchmark measured, as data."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..devices.protocol import Facts, Loaded
from ..documents import read_document_file
from ..errors import CheckpointError, UsageError
from ..exporting.card import digest, read_export_card
from ..exporting.recipes import RECIPES
from ..files import writing
from .latency import Interval, Latency

STOPPED = "it was stopped"  # by the user: `interrupted` of a report
SCHEMA = 3  # of the JSON; schema 1 said "turns" for rounds, in schema 2 a peak was a median
LARGEST = 100_000_000  # bytes of the JSON: hours of rounds


@dataclass(frozen=True)
class Emulated:
    """What an emulated processor or GPU computed, against this machine's CPU.

    Attributes:
        identical: every byte of the output is the same.
        db: peak signal to noise ratio of the outputs as they are, not rounded to bytes, data range 255; None if
            they are identical.
        instructions: of one inference, its smallest and its largest count; None if they are not counted.
        wanted: what the file's arithmetic must keep: "identical" (integers throughout), a limit of `db` such as
            "100 dB" (floats), or "" (8-bit weights with float activations, which each processor rounds in its own way).
    """

    identical: bool
    db: float | None
    instructions: tuple[int, int] | None
    wanted: str

    def kept(self) -> bool:
        """Whether it is what is wanted."""
        if self.identical or self.wanted == "":
            return True
        return self.wanted != "identical" and (self.db or 0.0) >= float(self.wanted.removesuffix(" dB"))


@dataclass(frozen=True)
class Row:
    """One model on one accelerator with one number of threads.

    Attributes:
        size: (height, width) of the pictures; None if the model takes something else.
        recipe, fidelity: of the file's card (PSNR in dB and SSIM of its validation, and whether it passed); None
            without a card or a validation.
        latency: None where time means nothing (emulation).
        relative: to the first model with as many threads on the same accelerator; None for that itself, and where it
            could not be run.
        macs: multiply-accumulates by arithmetic ("int8", "float").
        peak_share: the time that the multiplications would take at the machine's measured peak, as a share of
            the median; None where no peak was measured.
        profile: share of each operator in the time of an inference, one thread.
        rounds: milliseconds as they were taken.
        states: of the device (temperatures) by round; seconds: when each round ended, since the first began.
    """

    model: str
    path: str
    bytes: int
    sha256: str
    size: tuple[int, int] | None
    recipe: str | None
    fidelity: dict[str, Any] | None
    accelerator: str
    threads: int
    loaded: Loaded | None
    latency: Latency | None
    relative: Interval | None
    macs: dict[str, int]
    peak_share: float | None
    profile: dict[str, float]
    emulated: Emulated | None
    rounds: tuple[tuple[float, ...], ...]
    seconds: tuple[float, ...]
    states: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class Probe:
    """A peak, measured in rounds with the models: the most GMAC/s of one arithmetic with one number of threads."""

    arithmetic: str
    threads: int
    gmacs: float
    rounds: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Report:
    """A benchmark.

    Attributes:
        method: how it was measured and what the figures mean, in words.
        before: temperatures and the like before it began, as far as the device tells.
        left_out: models that an accelerator could not run, and why.
        interrupted: why it ended before its time; empty if it did not.
        load_average: of this machine before it began, that is, what else was running; None for a phone.
    """

    device: Facts
    method: str
    date: str
    version: str
    load_average: float | None  # `measure` knows it
    runs: int
    sustained: float | None
    rows: tuple[Row, ...]
    probes: tuple[Probe, ...]
    before: dict[str, float] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    interrupted: str = ""

    def figures(self) -> dict[str, Any]:
        """Everything, for JSON (docs/benchmark.md has the schema)."""
        return {"schema": SCHEMA} | asdict(self)


def write_json(report: Report, path: Path) -> None:
    """Writes all figures; docs/benchmark.md has the schema."""
    with writing(path) as temporary:
        temporary.write_text(json.dumps(report.figures(), indent=1) + "\n")


def read_json(path: Path) -> Report:
    """A report that `write_json` wrote.

    Raises:
        UsageError: it is missing, damaged, of another kind or of another schema.
    """

    def content(document: dict[str, Any]) -> dict[str, Any]:
        if document["schema"] != SCHEMA:
            raise UsageError(f"{path} is of schema {document['schema']}, this version reads {SCHEMA}; benchmark again")
        return {name: value for name, value in document.items() if name != "schema"}

    advice = "; name a file of `mobile-style benchmark --json`"
    return read_document_file(Report, path, UsageError, advice, content, LARGEST)


def labels(files: Sequence[Path]) -> list[str]:
    """Short names of files, each once: of one called model.tflite, its folder's; of int8.tflite, both."""
    found: list[str] = []
    recipes = {recipe.name for recipe in RECIPES}
    for path in files:
        folder = path.resolve().parent.name
        name = folder if path.stem == "model" else f"{folder}-{path.stem}" if path.stem in recipes else path.stem
        same = sum(each == name or each.startswith(f"{name} (") for each in found)
        found.append(f"{name} ({same + 1})" if same else name)
    return found


def described(name: str, path: Path, counts: dict[str, int]) -> Row:
    """A row of which only the file is known."""
    card = _card(path)
    fidelity = None
    if card and card["fidelity"]:
        mean = card["fidelity"]["mean"]
        fidelity = {"psnr": mean["psnr"], "ssim": mean["ssim"], "passed": card["fidelity"]["passed"]}
    return Row(
        model=name,
        path=str(path),
        bytes=path.stat().st_size,
        sha256=card["file"]["sha256"] if card and card["file"] else digest(path),  # which reading the card has checked
        size=tuple(card["input"]["shape"][1:3]) if card else None,
        recipe=card["recipe"] if card else None,
        fidelity=fidelity,
        accelerator="cpu",
        threads=1,
        loaded=None,
        latency=None,
        relative=None,
        macs=counts,
        peak_share=None,
        profile={},
        emulated=None,
        rounds=(),
        seconds=(),
        states=(),
    )


def _card(path: Path) -> dict[str, Any] | None:
    try:
        return read_export_card(path)
    except CheckpointError:
        return None  # a model of others
