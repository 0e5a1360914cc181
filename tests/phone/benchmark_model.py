"""A stand-in for TensorFlow Lite's benchmark_model: runs the model by LiteRT and prints in the tool's words.

What it does besides is ruled by $BEHAVIOR:

    gpu=partial, gpu=refused, gpu=silent   how the GPU delegate ends; without it, it takes the whole graph
    vanish=N                               the phone's adbd is killed in the Nth run
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

flags = dict(flag.lstrip("-").partition("=")[::2] for flag in sys.argv[1:])
behavior = dict(part.partition("=")[::2] for part in os.environ.get("BEHAVIOR", "").split())
if "help" in flags:
    print("usage: benchmark_model\nFlags:\n\t--num_runs=50\tint32\toptional\tminimum number of runs")
    print("\t--use_gpu=false\tbool\toptional\tuse gpu\n\t--use_xnnpack=false\tbool\toptional\tuse xnnpack")
    sys.exit(1)

runs = Path("/data/runs")
with runs.open("a") as file:
    file.write("x")
if "vanish" in behavior and len(runs.read_text()) == int(behavior["vanish"]):
    Path("/data/vanished").touch()
    os.kill(int(Path("/data/adbd.pid").read_text()), signal.SIGKILL)
    time.sleep(1)

from ai_edge_litert.interpreter import Interpreter  # noqa: E402

print("INFO: STARTING!")
print(f"INFO: Graph: [{flags['graph']}]")
began = time.perf_counter()
try:
    interpreter = Interpreter(flags["graph"], num_threads=int(flags.get("num_threads", 1)))
    interpreter.allocate_tensors()
except (ValueError, RuntimeError) as error:
    print(
        f"ERROR: {str(error).splitlines()[0]}\nERROR: Failed to initialize the interpreter\nERROR: Benchmarking failed."
    )
    sys.exit(1)
init = time.perf_counter() - began
print(f"INFO: Loaded model {flags['graph']}")
if flags.get("use_gpu") == "true":
    print("INFO: GPU delegate created.")
    applied = "Explicitly applied GPU delegate, and the model graph will be"
    how = {
        "completely": f"{applied} completely executed by the delegate.",
        "partial": f"{applied} partially executed by the delegate w/ 2 delegate kernels.",
        "refused": "Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate.",
        "silent": "",
    }
    print(f"INFO: {how[behavior.get('gpu', 'completely')]}")
operators = interpreter._get_ops_details()
nodes = sum(operator["op_name"] != "DELEGATE" for operator in operators)
taken_over = nodes - sum(operator["op_name"] == "QUANTIZE" for operator in operators)  # which XNNPACK leaves out
print(
    f"VERBOSE: Replacing {taken_over} out of {nodes} node(s) with delegate (TfLiteXNNPackDelegate) node, "
    "yielding 3 partitions for subgraph 0."
)
inputs, (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
given_files = [pair.split(":") for pair in flags.get("input_layer_value_files", "").split(",") if pair]
assert [name for name, _ in given_files] == [name for name in flags.get("input_layer", "").split(",") if name]
for given in inputs:
    values = np.zeros(given["shape"], given["dtype"])
    for name, place in given_files:
        if name in given["name"]:
            values = np.fromfile(place, given["dtype"]).reshape(given["shape"])
    interpreter.set_tensor(given["index"], values)


def timed(count, seconds=0.0):
    taken, end = [], time.perf_counter() + seconds
    while len(taken) < count or time.perf_counter() < end:
        began = time.perf_counter()
        interpreter.invoke()
        taken.append(1e6 * (time.perf_counter() - began))
    return taken


def stats(taken):
    if len(taken) == 1:
        return f"INFO: count=1 curr={taken[0]:.0f} p5={taken[0]:.0f} median={taken[0]:.0f} p95={taken[0]:.0f}"
    return (
        f"INFO: count={len(taken)} first={taken[0]:.0f} curr={taken[-1]:.0f} min={min(taken):.0f} max={max(taken):.0f} "
        f"avg={np.mean(taken):g} std={np.std(taken):.0f} p5={np.quantile(taken, 0.05):.0f} "
        f"median={np.median(taken):.0f} p95={np.quantile(taken, 0.95):.0f}"
    )


warm, taken = timed(int(flags.get("warmup_runs", 1))), timed(int(flags["num_runs"]), float(flags["min_secs"]))
print(f"{stats(warm)}\n\n{stats(taken)}\n")
print(
    f"INFO: Inference timings in us: Init: {1e6 * init:.0f}, First inference: {warm[0]:.0f}, "
    f"Warmup (avg): {np.mean(warm):g}, Inference (avg): {np.mean(taken):g}"
)
print("INFO: Memory footprint delta from the start of the tool (MB): init=8.25 overall=18.75")
if "output_filepath" in flags:
    Path(flags["output_filepath"]).write_bytes(interpreter.get_tensor(wanted["index"]).tobytes())
