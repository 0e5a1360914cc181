"""Loads one .tflite file and runs it on request; each measured model has its own such process.

    python worker.py MODEL.tflite INTERPRETER_MODULE THREADS

Needs only Python, NumPy and the runtime, so that the same file runs on emulated arm64 as well. It answers in JSON lines
on its standard output: first what loading took, then one line for each line of its input:

    {"runs": 5}                               times that many inferences, after one that is not timed
    {"inputs": ["a.npy"], "output": "b.npy"}  runs one inference; each input has an array, cast to the input's type

An answer with the key "error" is the last one.
"""

import importlib
import json
import os
import sys
import time
from typing import Any

import numpy as np


def delegated(operators: list[dict[str, Any]], outputs: list[int]) -> tuple[int, int, int]:
    """(nodes that delegates run, nodes of the model, delegate kernels) of an interpreter's first graph.

    The interpreter lists the model's nodes and, after them, the delegates' kernels. A kernel computes its outputs in
    place of the nodes that did so before. A node has been replaced if it cannot be reached from the model's outputs
    through the operators that compute them now.
    """
    kernels = [operator for operator in operators if operator["op_name"] == "DELEGATE"]
    nodes = [operator for operator in operators if operator["op_name"] != "DELEGATE"]
    maker = {int(tensor): operator for operator in nodes + kernels for tensor in operator["outputs"]}
    wanted, running = [int(tensor) for tensor in outputs], set()
    while wanted:
        operator = maker.get(wanted.pop())
        if operator is not None and operator["index"] not in running:
            running.add(operator["index"])
            wanted += [int(tensor) for tensor in operator["inputs"]]
    used = sum(kernel["index"] in running for kernel in kernels)
    return len(nodes) - sum(node["index"] in running for node in nodes), len(nodes), used


def memory(key: str) -> int | None:
    """VmRSS (now) or VmHWM (the peak) of this process in bytes; None if the system does not report it."""
    try:
        with open("/proc/self/status") as file:  # noqa: PTH123
            kilobytes = next(line.split()[1] for line in file if line.startswith(key + ":"))
    except (OSError, StopIteration):
        return None
    return 1024 * int(kilobytes)


def random_input(details: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Noise of an input's shape and type: integers from 0 to 127, or floats from 0 to 1."""
    shape, kind = tuple(details["shape"]), np.dtype(details["dtype"])
    if kind.kind in "iu":
        return rng.integers(0, 128, shape).astype(kind)
    return rng.random(shape).astype(kind)


def timed(interpreter: Any, runs: int) -> list[float]:
    """Milliseconds of each of `runs` inferences, after one that lets caches and clocks settle."""
    interpreter.invoke()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        interpreter.invoke()
        times.append(1000 * (time.perf_counter() - began))
    return times


def refuse_uncomputed(interpreter: Any, wanted: list[dict[str, Any]]) -> None:
    """Raises ValueError if no operator computes an output: the model's times would mean nothing."""
    if hasattr(interpreter, "accelerated"):  # gpu_interpreter.py
        return
    computed = {int(tensor) for operator in interpreter._get_ops_details() for tensor in operator["outputs"]}
    if any(each["index"] not in computed for each in wanted):
        raise ValueError("no operator computes its output")


def serve(path: str, module: str, threads: int) -> None:
    """Loads the file and answers until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # so that native libraries print nothing between the answers

    def answer(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")

    try:
        library = importlib.import_module(module)
        before = memory("VmRSS")
        began = time.perf_counter()
        interpreter = library.Interpreter(model_path=os.fsencode(path), num_threads=threads)
        interpreter.allocate_tensors()
        loaded = time.perf_counter() - began
        given, wanted = interpreter.get_input_details(), interpreter.get_output_details()
        refuse_uncomputed(interpreter, wanted)
        rng = np.random.default_rng(0)
        for details in given:
            interpreter.set_tensor(details["index"], random_input(details, rng))
        began = time.perf_counter()
        interpreter.invoke()
        first = time.perf_counter() - began
    except Exception as error:  # the parent must get any error
        answer(error=f"{type(error).__name__}: {error}")
        return
    accelerated = getattr(interpreter, "accelerated", None)  # gpu_interpreter.py reports it itself
    if accelerated is None:
        counts = delegated(interpreter._get_ops_details(), [each["index"] for each in wanted])
        accelerated = dict(zip(("delegated", "nodes", "kernels"), counts, strict=True))
    peak = memory("VmHWM")
    answer(
        load_ms=1000 * loaded,
        first_ms=1000 * first,
        memory_bytes=None if peak is None or before is None else peak - before,
        **accelerated,
        inputs=[[each["name"], list(map(int, each["shape"])), np.dtype(each["dtype"]).name] for each in given],
        python=sys.version.split()[0],
        machine=os.uname().machine if hasattr(os, "uname") else "",
    )
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if "runs" in order:
                times = timed(interpreter, order["runs"])
                peak = memory("VmHWM")
                answer(times_ms=times, memory_bytes=None if peak is None or before is None else peak - before)
            else:
                for details, file in zip(given, order["inputs"], strict=True):
                    interpreter.set_tensor(details["index"], np.load(file).astype(details["dtype"]))
                os.getppid()  # marks the inference for the emulator's instruction counter
                interpreter.invoke()
                os.getppid()
                np.save(order["output"], interpreter.get_tensor(wanted[0]["index"]))
                answer(done=True)
        except Exception as error:
            answer(error=f"{type(error).__name__}: {error}")
            return


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
