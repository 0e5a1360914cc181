"""Measures the share of each operator in the time of an inference, with LiteRT's own profiler.

LiteRT's Python interpreter gives no access to the profiler, but the library's C interface does. It is called in its own
process (`python profiler.py MODEL RUNS`, one thread): if a version of LiteRT has another interface, only the profile is
lost.

Prints the same tables as TensorFlow Lite's benchmark_model with --enable_op_profiling=true.
"""

import ctypes
import re
import sys
from pathlib import Path

CPU = 1  # kLiteRtHwAcceleratorCpu
ROW = re.compile(r"^\s*(\S.*?)\s+(?:[\d.]+\s+){1,2}([\d.]+)\s+[\d.]+%\s+[\d.]+%\s+[\d.]+\s+\d+\s+\S.*$")


def shares(text: str) -> dict[str, float]:
    """Share, 0 to 1, of each kind of operator in the total time, largest first, from the printed tables.

    The operators inside a delegate count in place of the delegate. The last "Run Order" table is that of the
    inferences; benchmark_model prints one of the loading before it. Empty if there is none.
    """
    times: dict[str, float] = {}
    table = text.rpartition(" Run Order ")[2].partition(" Top by ")[0]
    rows = [match for line in table.splitlines() if (match := ROW.match(line))]
    inside = any(row[1].startswith("Delegate/") for row in rows)
    for row in rows:
        kind = row[1].removeprefix("Delegate/")
        if not (inside and kind.startswith(("DELEGATE", "TfLite"))):
            times[kind] = times.get(kind, 0.0) + float(row[2])
    total = sum(times.values())
    return {kind: times[kind] / total for kind in sorted(times, key=lambda k: -times[k])} if total else {}


class _Layout(ctypes.Structure):
    _fields_ = [("rank", ctypes.c_uint32), ("sizes", ctypes.c_int32 * 8), ("strides", ctypes.c_uint32 * 8)]


class _TensorType(ctypes.Structure):
    _fields_ = [("element", ctypes.c_int32), ("layout", _Layout)]


def profile(library: Path, model: str, runs: int) -> str:
    """Runs a model `runs` times, after one warm-up, and returns the profiler's tables; `library` is libLiteRt.so.

    Raises:
        RuntimeError: a function of LiteRT fails.
        AttributeError, OSError: the library lacks a function, or cannot be loaded.
    """
    lite_rt, libc = ctypes.CDLL(str(library)), ctypes.CDLL(None)
    libc.strdup.restype = ctypes.c_void_p
    number, handle = ctypes.c_size_t, ctypes.c_void_p

    def call(name: str, *arguments: object) -> None:
        status = getattr(lite_rt, name)(*arguments)
        if status:
            raise RuntimeError(f"{name}: status {status}")

    def made(name: str, *arguments: object) -> ctypes.c_void_p:
        result = handle()
        call(name, *arguments, ctypes.byref(result))
        return result

    environment = made("LiteRtCreateEnvironment", 0, None)
    loaded = made("LiteRtCreateModelFromFile", environment, model.encode())
    options = made("LiteRtCreateOptions")
    call("LiteRtSetOptionsHardwareAccelerators", options, CPU)
    setting = handle(libc.strdup(b"enable_profiling = true\n"))
    free = ctypes.cast(libc.free, handle)
    call("LiteRtAddOpaqueOptions", options, made("LiteRtCreateOpaqueOptions", b"runtime_options_string", setting, free))
    compiled = made("LiteRtCreateCompiledModel", environment, loaded, options)
    profiler = made("LiteRtCompiledModelGetProfiler", compiled)
    graph = made("LiteRtGetModelSubgraph", loaded, number(0))

    def buffers(kind: str) -> ctypes.Array[ctypes.c_void_p]:
        count = number()
        call(f"LiteRtGetNumSubgraph{kind}s", graph, ctypes.byref(count))
        found = []
        for index in range(count.value):
            described = _TensorType()
            tensor = made(f"LiteRtGetSubgraph{kind}", graph, number(index))
            call("LiteRtGetRankedTensorType", tensor, ctypes.byref(described))
            needs = made(f"LiteRtGetCompiledModel{kind}BufferRequirements", compiled, number(0), number(index))
            create = "LiteRtCreateManagedTensorBufferFromRequirements"
            found.append(made(create, environment, ctypes.byref(described), needs))
        return (handle * len(found))(*found)

    given, wanted = buffers("Input"), buffers("Output")
    for run in range(runs + 1):
        if run == 1:  # the first run is slower, and not profiled
            call("LiteRtStartProfiler", profiler)
        call("LiteRtRunCompiledModel", compiled, number(0), number(len(given)), given, number(len(wanted)), wanted)
    call("LiteRtStopProfiler", profiler)
    summary = ctypes.c_char_p()
    call("LiteRtGetProfileSummary", profiler, compiled, ctypes.byref(summary))
    return (summary.value or b"").decode(errors="replace")


if __name__ == "__main__":
    import ai_edge_litert

    print(profile(Path(ai_edge_litert.__file__).with_name("libLiteRt.so"), sys.argv[1], int(sys.argv[2])))
