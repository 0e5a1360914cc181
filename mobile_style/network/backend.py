"""Loading Keras and the framework under it."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from ..processor import has

Precision = Literal["float32", "bfloat16"]

# Named wherever Keras would else do as keras.json says, which may be another project's; so is float32.
LAST = "channels_last"

_one_at_a_time = threading.RLock()  # or a thread would keep what another has silenced


@contextmanager
def quiet() -> Iterator[None]:
    """Runs the body without the pages that native libraries print.

    Python's own errors are shown all the same: they come after file descriptor 2 is back.
    """
    with _one_at_a_time:
        sys.stderr.flush()
        kept = os.dup(2)
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a device, not a path)
            os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def loading() -> Iterator[None]:
    """Imports in the body, and the backend's waking up, quietly."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # whatever keras.json says
    with quiet():
        yield
        import keras

        keras.config.set_floatx("float32")
        keras.ops.zeros(1)


def fastest_precision() -> Precision:
    """bfloat16 where TensorFlow runs on a processor that multiplies it in hardware, else float32."""
    from keras import backend

    return "bfloat16" if backend.backend() == "tensorflow" and has("avx512_bf16", "amx_bf16") else "float32"
