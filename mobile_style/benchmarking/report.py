"""The results of a benchmark as data, and its JSON files."""

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

STOPPED = "it was stopped"  # by the user: the value of `Report.interrupted`
SCHEMA = 3  # of the JSON; schema 1 called rounds "turns", in schema 2 a peak was a median
LARGEST = 100_000_000  # bytes of the JSON, at most: hours of rounds


@dataclass(frozen=True)
class Emulated:
    """The output of an emulated processor or GPU, compared with that of this machine's CPU.

    Attributes:
        identical: whether the outputs are equal.
        db: PSNR of the outputs, not rounded to bytes, data range 255; None if they are identical.
        instructions: (smallest, largest) number of instructions of an inference; None if they are not counted.
        wanted: how close the outputs must be: "identical" (integer models), a limit of `db` such as "100 dB" (floats,
            GPUs), or "" for no limit (8-bit weights with float activations, which each processor rounds differently).
    """

    identical: bool
    db: float | None
    instructions: tuple[int, int] | None
    wanted: str

    def kept(self) -> bool:
        """Whether the output is as close as wanted."""
        if self.identical or self.wanted == "":
            return True
        return self.wanted != "identical" and (self.db or 0.0) >= float(self.wanted.removesuffix(" dB"))


@dataclass(frozen=True)
class Row:
    """One model on one accelerator with one number of threads.

    Attributes:
        path: empty for a model inside the Android app.
        bytes, sha256: of the file.
        size: (height, width) of the pictures, in pixels; None without a card.
        recipe: of the file's card; None without a card.
        fidelity: the card's validation: "psnr" in dB, "ssim", and whether it "passed"; None without one.
        loaded: what loading took.
        latency: None if times mean nothing (emulation).
        relative: time as a multiple of the first model's, on the same accelerator and number of threads; None for the
            first model itself, and if that could not be run.
        macs: multiply-accumulates by arithmetic ("int8", "float"); empty if they are not known.
        peak_share: the time of the multiplications at the machine's measured peak, as a share of the median; None if
            no peak was measured.
        profile: share of each operator in the time of an inference, one thread; empty if it is not known.
        emulated: None except for emulation.
        rounds: milliseconds, (rounds, runs per round).
        seconds: when each round ended, since the first began.
        states: of the device (temperatures), by round.
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
    """A peak, measured in rounds among the models: the most GMAC/s in one arithmetic with one number of threads.

    Attributes:
        arithmetic: "int8" or "float".
        rounds: milliseconds, (rounds, runs per round).
    """

    arithmetic: str
    threads: int
    gmacs: float
    rounds: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Report:
    """A benchmark.

    Attributes:
        method: how it was measured and what the figures mean, in words.
        date: ISO 8601, UTC.
        version: of mobile-style.
        load_average: of this machine before the benchmark, that is, what else was running; None if it does not matter.
        runs: least number of timed inferences of each model.
        sustained: seconds that it was to last; None if `runs` decided.
        before: the device's state before it began, such as temperatures; empty if it reports none.
        left_out: models that an accelerator could not run, and why.
        interrupted: why it ended early; empty if it did not.
    """

    device: Facts
    method: str
    date: str
    version: str
    load_average: float | None  # set by `measure`
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
    """Reads a report that `write_json` wrote.

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
    """Short, distinct names of files: the file's; its folder's for model.tflite; both if it is named like a recipe."""
    found: list[str] = []
    recipes = {recipe.name for recipe in RECIPES}
    for path in files:
        folder = path.resolve().parent.name
        name = folder if path.stem == "model" else f"{folder}-{path.stem}" if path.stem in recipes else path.stem
        same = sum(each == name or each.startswith(f"{name} (") for each in found)
        found.append(f"{name} ({same + 1})" if same else name)
    return found


def described(name: str, path: Path, counts: dict[str, int]) -> Row:
    """A row with only the data of the file and its card; `counts` are its multiply-accumulates by arithmetic."""
    card = _card(path)
    fidelity = None
    if card and card["fidelity"]:
        mean = card["fidelity"]["mean"]
        fidelity = {"psnr": mean["psnr"], "ssim": mean["ssim"], "passed": card["fidelity"]["passed"]}
    return Row(
        model=name,
        path=str(path),
        bytes=path.stat().st_size,
        sha256=card["file"]["sha256"] if card and card["file"] else digest(path),  # checked with the card
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
        return None  # a file from another program
