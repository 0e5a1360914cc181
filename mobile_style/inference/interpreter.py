"""Running a .tflite file that is in memory."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ..network.backend import quiet


class Loaded:
    """The file, ready to run.

    Attributes:
        inputs, outputs: what the runtime says of each, in the file's order.
    """

    def __init__(self, content: bytes, threads: int | None = None) -> None:
        """`threads` is by default one for each core that this process may use."""
        with quiet():
            self._interpreter = Interpreter(model_content=content, num_threads=threads or cores())
            self._interpreter.allocate_tensors()
        self.inputs: list[dict[str, Any]] = self._interpreter.get_input_details()
        self.outputs: list[dict[str, Any]] = self._interpreter.get_output_details()

    def __call__(self, *inputs: np.ndarray) -> Sequence[np.ndarray]:
        """The outputs; they and the inputs are in the file's order, and of its types."""
        for details, value in zip(self.inputs, inputs, strict=True):
            self._interpreter.set_tensor(details["index"], value)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(details["index"]) for details in self.outputs]


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
