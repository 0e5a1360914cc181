"""Loading Keras and the framework under it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Runs the body without the pages that native libraries print.

    Python's own errors are shown all the same: they come after file descriptor 2 is back.
    """
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
    with quiet():
        yield
        from keras import ops

        ops.zeros(1)
