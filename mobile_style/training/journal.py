"""Keeps the losses of every step in log.jsonl and TensorBoard's files."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType

import keras
from tensorboard.compat import tf
from tensorboard.summary import Writer

if keras.backend.backend() != "tensorflow":  # TensorBoard takes this module for "no TensorFlow": saves four seconds
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("notf"))
tf.io  # noqa: B018 (loads what the writer needs, while messages of what is loading are not shown)

Add = Callable[[int, Mapping[str, str], Mapping[str, float], float], None]


@contextmanager
def journal(out: Path) -> Iterator[Add]:
    """Gives a function that adds a step: its number, whose turn it was, its losses, and images per second."""
    with closing(Writer(str(out / "tensorboard"))) as board, (out / "log.jsonl").open("a", buffering=1) as log:

        def add(step: int, of: Mapping[str, str], losses: Mapping[str, float], rate: float) -> None:
            log.write(json.dumps({"step": step, **of, **losses, "images_per_second": round(rate, 3)}) + "\n")
            for name, value in losses.items():
                board.add_scalar("/".join(["loss", *of.values(), name]), value, step)

        yield add


@contextmanager
def no_journal() -> Iterator[Add]:
    """Gives a function that adds nothing: of several processes of a training, one keeps the journal."""
    yield lambda *_: None
