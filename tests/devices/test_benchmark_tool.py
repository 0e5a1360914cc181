from pathlib import Path

import pytest

from mobile_style.devices.benchmark_tool import NotUnderstood, accelerators, parse
from mobile_style.devices.profiler import shares

RECORDINGS = Path(__file__).parent / "recordings"


def recorded(name: str) -> str:
    return (RECORDINGS / f"{name}.txt").read_text()


def test_a_run_on_the_cpu() -> None:
    run = parse(recorded("cpu_2022"), "cpu")
    assert (run.init, run.first, run.typical, run.min, run.max, run.count) == (
        18.777, 64.791, 55.0432, 53.077, 60.727, 50,
    )  # fmt: skip
    assert run.p95 is None and run.memory_bytes == round(18.7227 * 2**20) and run.note == ""
    assert (run.delegated, run.nodes, run.kernels) == (None, None, None)  # it did not tell


def test_a_run_on_the_gpu() -> None:
    run = parse(recorded("gpu_2020"), "gpu")
    assert (run.init, run.first, run.typical, run.count, run.note) == (870.557, 130.565, 119.375, 50, "")


@pytest.mark.parametrize(
    ("said", "note"),
    [
        (
            "Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate.",
            "runs nothing",
        ),
        ("Failed to apply GPU delegate.", "runs nothing"),
        ("GPU acceleration is unsupported on this platform.", "is not to be had"),
        ("", "nothing tells that the GPU delegate runs it"),
    ],
)
def test_a_delegate_that_silently_falls_back(said: str, note: str) -> None:
    applied = "Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate."
    text = recorded("gpu_2020")
    assert applied in text and note in parse(text.replace(applied, said), "gpu").note


def test_a_delegate_that_runs_parts_only_in_a_phones_log() -> None:
    run = parse(recorded("nnapi_partial_2022"), "nnapi")
    assert run.typical == 12.1676 and run.count == 75 and "runs parts of it only" in run.note


def test_delegated_nodes() -> None:
    run = parse(recorded("state_2021") + recorded("cpu_2022"), "cpu")
    assert (run.delegated, run.nodes, run.kernels) == (66, 2, 1)  # the recording lists two of the 66 nodes
    logged = (
        "VERBOSE: Replacing 200 out of 245 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 3 partitions.\n"
        "VERBOSE: Replacing 43 out of 245 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 2 partitions.\n"
    )
    run = parse(logged + recorded("cpu_2022"), "cpu")
    assert (run.delegated, run.nodes, run.kernels) == (243, 245, 2)
    none = logged.splitlines()[0].replace("200 out of", "0 out of").replace("GpuDelegateV2", "XNNPackDelegate")
    assert "slow reference kernels" in parse(none + "\n" + recorded("cpu_2022"), "cpu").note


def test_newer_tools_tell_percentiles_and_a_single_run_tells_one_number() -> None:
    text = recorded("cpu_2022")
    last = "count=50 first=58154 curr=53809 min=53077 max=60727 avg=55043.2 std=1562"
    assert last in text
    run = parse(text.replace(last, last + " p5=53100 median=54321 p95=59876"), "cpu")
    assert (run.typical, run.p95) == (54.321, 59.876)
    run = parse(text.replace(last, "count=1 curr=1.38151e+06"), "cpu")
    assert (run.typical, run.min, run.max, run.count) == (1381.51,) * 3 + (1,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (recorded("gpu_dies_2024"), "Failed to build program executable"),
        ("sh: ./x: Permission denied", "Permission denied"),
        ("", "it printed nothing"),
        (
            "INFO: STARTING!\nERROR: Didn't find op for builtin opcode 'X' version '9'.\nERROR: Benchmarking failed.",
            "'X'",
        ),
    ],
)
def test_a_run_without_timings_says_why(text: str, says: str) -> None:
    with pytest.raises(NotUnderstood, match=says) as caught:
        parse(text, "gpu")
    assert "\n" not in str(caught.value)


def test_what_a_binary_was_built_with() -> None:
    assert accelerators("Flags:\n\t--use_gpu=false\tbool\n\t--use_nnapi=false\n\t--use_xnnpack=true") == (
        "cpu",
        "gpu",
        "nnapi",
    )
    assert accelerators("not a help text") == ("cpu",)


def test_the_profilers_table_with_and_without_the_column_of_starts() -> None:
    head = "===== Run Order =====\n\t[node type]\t[start]\t[first]\t[avg ms]\t[%]\t[cdf%]\t[mem KB]\t[times]\t[Name]\n"
    rows = (
        "\t TfLiteXNNPackDelegate\t 0.000\t 9.0\t 9.000\t 50.0%\t 50.0%\t 0.000\t 1\t[a]:0\n"
        "\t Delegate/Convolution (NHWC, QC8)\t 0.000\t 6.0\t 6.000\t 30.0%\t 80.0%\t 0.000\t 1\t[Delegate]:0\n"
        "\t Delegate/Add (ND)\t 0.000\t 3.0\t 1.500\t 15.0%\t 95.0%\t 0.000\t 1\t[Delegate]:1\n"
        "\t QUANTIZE\t 0.000\t 3.0\t 2.500\t 15.0%\t 95.0%\t 0.000\t 1\t[b]:1\n"
    )
    expected = {"Convolution (NHWC, QC8)": 0.6, "QUANTIZE": 0.25, "Add (ND)": 0.15}
    ends = "===== Top by Computation Time =====\n" + rows
    loading = (
        "===== Run Order =====\n\t AllocateTensors\t 0.000\t 9.0\t 9.0\t 1.0%\t 1.0%\t 0.0\t 1\tAllocateTensors/0\n"
    )
    assert shares(loading + ends + head + rows + ends) == pytest.approx(expected)
    assert shares(head + rows.replace("\t 0.000\t 6", "\t 6").replace("\t 0.000\t 3", "\t 3")) == pytest.approx(
        expected
    )
    assert list(shares(head + rows)) == list(expected) and shares("nothing of the kind") == {}
