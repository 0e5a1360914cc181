"""Runs a .tflite file that is in memory."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ..network.backend import quiet


class Loaded:
    """A file that is ready to run from several threads at once: each has its own interpreter.

    Attributes:
        inputs, outputs: the runtime's description of each, in the file's order.
    """

    def __init__(self, content: bytes, threads: int | None = None) -> None:
        """Each interpreter has `threads` threads, by default one for each core that this process may use."""
        self._content, self._threads = content, threads or cores()
        self._idle = [first := self._interpreter()]
        self.inputs: list[dict[str, Any]] = first.get_input_details()
        self.outputs: list[dict[str, Any]] = first.get_output_details()

    def __call__(self, *inputs: np.ndarray) -> Sequence[np.ndarray]:
        """Runs the file; inputs and outputs have its order and types."""
        try:
            interpreter = self._idle.pop()
        except IndexError:
            interpreter = self._interpreter()
        for details, value in zip(self.inputs, inputs, strict=True):
            interpreter.set_tensor(details["index"], value)
        interpreter.invoke()
        found = [interpreter.get_tensor(details["index"]) for details in self.outputs]
        self._idle.append(interpreter)
        return found

    def _interpreter(self) -> Interpreter:
        with quiet():
            made = Interpreter(model_content=self._content, num_threads=self._threads)
            made.allocate_tensors()
        return made


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
