"""Parses the output of TensorFlow Lite's benchmark_model.

The output is the same on a phone and in an app's log, except for prefixes of the lines, and has changed little since
2020. tests/recordings has examples.
"""

import re
from dataclasses import dataclass

PREFIX = re.compile(r"^(?:\d\d-\d\d [\d:.]+\s+\d+\s+\d+ [VDIWE] tflite\s*: ?)?(?:(?:VERBOSE|INFO|WARNING|ERROR): )?")
NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"
FLAG = re.compile(r"--use_(\w+)=")
ACCELERATORS = ("gpu", "nnapi", "hexagon", "edgetpu")  # delegates by the names of their flags
# The tool's own names of the delegates.
DELEGATES = {"gpu": "GPU", "nnapi": "NNAPI", "hexagon": "Hexagon", "edgetpu": "EdgeTPU", "cpu": "XNNPACK"}
FAILURES = (
    "failed to",
    "didn't find op",
    "unresolved custom op",
    "cannot ",
    "error:",
    "no such file",
    "not executable",
)


class NotUnderstood(Exception):
    """The tool reported no timings; the message is what it printed instead."""


@dataclass(frozen=True)
class Timings:
    """One run of the tool, in milliseconds.

    Attributes:
        init, first: loading, and the first inference.
        typical: the median if the tool reports it, else the mean.
        min, max, p95: the shortest, the longest, and the 95th percentile (None if it is not reported).
        count: timed inferences.
        memory_bytes: growth of the process's memory; None if it is not reported.
        delegated, nodes, kernels: as in `protocol.Loaded`; None if they are not reported.
        note: says so if the delegate runs only a part of the model or none of it; else empty.
    """

    init: float
    first: float
    typical: float
    min: float
    max: float
    p95: float | None
    count: int
    memory_bytes: int | None
    delegated: int | None
    nodes: int | None
    kernels: int | None
    note: str


def accelerators(help_text: str) -> tuple[str, ...]:
    """The accelerators that a binary was built with, according to its --help; "cpu" is always one."""
    built = FLAG.findall(help_text)
    return ("cpu", *(name for name in ACCELERATORS if name in built))


def parse(text: str, accelerator: str) -> Timings:
    """Reads what one run printed.

    Raises:
        NotUnderstood: there are no timings in it.
    """
    lines = [PREFIX.sub("", line).strip() for line in text.splitlines()]
    found = re.search(rf"Inference timings in us: Init: {NUMBER}, First inference: {NUMBER}", "\n".join(lines))
    stats = [line for line in lines if line.startswith("count=") and "curr=" in line]
    if found is None or not stats:
        reasons = [line for line in lines if any(word in line.lower() for word in FAILURES)] or lines[-1:]
        raise NotUnderstood(reasons[0] if reasons and reasons[0] else "it printed nothing")
    values: dict[str, str] = dict(
        re.findall(rf"(\w+)={NUMBER}", stats[-1])
    )  # the first such line is that of the warm-up
    current = values["curr"]  # the only figure if all inferences took the same time
    mean = values.get("avg", current)
    memory = re.search(rf"[Mm]emory footprint[^\n]*: init={NUMBER} overall={NUMBER}", "\n".join(lines))
    delegated, nodes, kernels = _delegated(lines)
    return Timings(
        init=float(found[1]) / 1000,
        first=float(found[2]) / 1000,
        typical=float(values.get("median", mean)) / 1000,
        min=float(values.get("min", current)) / 1000,
        max=float(values.get("max", current)) / 1000,
        p95=float(values["p95"]) / 1000 if "p95" in values else None,
        count=int(values["count"]),
        memory_bytes=None if memory is None else round(float(memory[2]) * 2**20),
        delegated=delegated,
        nodes=nodes,
        kernels=kernels,
        note=_note(lines, accelerator, delegated, nodes),
    )


def _delegated(lines: list[str]) -> tuple[int | None, int | None, int | None]:
    """(delegated, nodes, kernels) of all delegates, from --print_preinvoke_state=true or from newer tools' log."""
    owners = [
        match for line in lines if (match := re.match(r"Node \d+ is a \w+ node .*has delegated (\d+) nodes", line))
    ]
    listed = [line for line in lines if re.match(r"Node\s+\d+ Operator (Builtin|Custom)", line)]
    if listed:
        kernels = len(owners)
        return sum(int(match[1]) for match in owners), len(listed) - kernels, kernels
    # The second and later delegates count the kernels of the first as nodes.
    pattern = re.compile(r"Replacing (\d+) out of (\d+) node\(s\) with delegate .*yielding (\d+) partitions")
    logged = [match for line in lines if (match := pattern.match(line))]
    if not logged:
        return None, None, None
    return min(sum(int(match[1]) for match in logged), int(logged[0][2])), int(logged[0][2]), len(logged)


def _note(lines: list[str], accelerator: str, delegated: int | None, nodes: int | None) -> str:
    name = DELEGATES[accelerator]
    for line in lines:
        if "the model graph will not be executed by the delegate" in line or f"Failed to apply {name}" in line:
            return f"the {name} delegate runs nothing of it; these are times of the CPU"
        if "could not be created" in line.lower() or f"{name.lower()} acceleration is unsupported" in line.lower():
            return f"the {name} delegate is not to be had on this phone; these are times of the CPU"
        if "will be partially executed by the delegate" in line and accelerator != "cpu":
            return f"the {name} delegate runs parts of it only, the CPU the rest"
    if accelerator != "cpu" and not any("will be completely executed by the delegate" in line for line in lines):
        if delegated is None or delegated != nodes:
            return f"nothing tells that the {name} delegate runs it; take these for times of the CPU"
    elif accelerator == "cpu" and delegated == 0:
        return "no delegate runs anything of it: the slow reference kernels do"
    return ""
