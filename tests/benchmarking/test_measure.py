import json
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from typer.testing import CliRunner

from conftest import Exported
from known_device import Known
from mobile_style.benchmarking import page, roofline
from mobile_style.benchmarking.benchmark import benchmark
from mobile_style.benchmarking.compare import compare
from mobile_style.benchmarking.report import Emulated, Report, labels, write_json
from mobile_style.benchmarking.table import columns, notes
from mobile_style.cli import app
from mobile_style.devices.host import Host
from mobile_style.devices.protocol import Round
from mobile_style.errors import CheckpointError, DeviceError, UsageError

runner = CliRunner()


@pytest.fixture(scope="module")
def report(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of a model that is called as a probe of this machine's peak is."""
    int8 = shutil.copy(exported("int8"), tmp_path_factory.mktemp("int8", numbered=False) / "model.tflite")
    float32 = shutil.copy(exported("float32"), tmp_path_factory.mktemp("style", numbered=False) / "float32.tflite")
    return benchmark([int8, int8, float32], Host(), runs=15)


@pytest.mark.slow
def test_what_a_measurement_holds(report: Report) -> None:
    int8, again, float32 = report.rows
    assert [row.model for row in report.rows] == ["int8", "int8 (2)", "style-float32"]
    for row in report.rows:
        assert len(row.rounds) == 3 and all(len(each) == 5 for each in row.rounds) and min(map(min, row.rounds)) > 0
        assert row.latency.min <= row.latency.median.value <= row.latency.p90 <= row.latency.p99
        assert row.latency.median.low <= row.latency.median.value <= row.latency.median.high
        assert min(row.loaded.load_ms) > 0 and min(row.loaded.first_ms) > 0 and row.loaded.memory_bytes > 10**6
        assert sum(row.profile.values()) == pytest.approx(1)
        assert list(row.profile.values()) == sorted(row.profile.values(), reverse=True)
        assert any(name.startswith("Convolution") for name in row.profile)
        peaks = {probe.arithmetic: roofline.MACS / min(map(min, probe.rounds)) for probe in report.probes}
        needed = sum(count / peaks[arithmetic] for arithmetic, count in row.macs.items() if count)
        assert row.peak_share == pytest.approx(needed / row.latency.median.value)
    assert float32.loaded.delegated == float32.loaded.nodes and float32.loaded.kernels == 1
    # The conversions to and from the camera's bytes are left to the interpreter, and the profiler sees them there.
    assert int8.loaded.nodes - int8.loaded.delegated == 2 and "QUANTIZE" in int8.profile
    assert int8.relative is None
    medians = [row.latency.median.value for row in (int8, again, float32)]
    assert [again.relative.value, float32.relative.value] == pytest.approx(
        [medians[1] / medians[0], medians[2] / medians[0]]
    )
    assert {probe.arithmetic for probe in report.probes} == {"int8", "float"}
    assert report.device.runtime.startswith("litert ") and report.device.cores >= 1


def test_only_what_a_delegate_runs_is_counted(tmp_path: Path) -> None:
    """Two convolutions that XNNPACK takes, around a cumulative sum that it does not."""
    kernel = tf.constant(np.ones((3, 3, 3, 3), np.float32))

    def function(x: tf.Tensor) -> tf.Tensor:
        x = tf.cumsum(tf.nn.conv2d(x, kernel, 1, "SAME"), axis=1)
        return tf.nn.conv2d(x, kernel, 1, "SAME")

    concrete = tf.function(function, input_signature=[tf.TensorSpec((1, 8, 8, 3))]).get_concrete_function()
    path = tmp_path / "parts.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert())
    session = Host().start(path, "cpu", 1)
    session.close()
    loaded = session.loaded
    assert (loaded.delegated, loaded.nodes, loaded.kernels) == (2, 3, 2)


def test_a_model_that_needs_what_the_runtime_lacks(tmp_path: Path, exported: Exported) -> None:
    import flatbuffers

    from mobile_style.inference.tflite_reader import schema

    model = schema.ModelT.InitFromPackedBuf(exported("float32").read_bytes(), 0)
    code = model.operatorCodes[0]
    code.builtinCode, code.deprecatedBuiltinCode, code.customCode = schema.BuiltinOperator.CUSTOM, 32, "NoSuchOp"
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "custom.tflite"
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(CheckpointError, match=r"needs an operator that the runtime lacks .*NoSuchOp") as caught:
        benchmark([path], Host(), runs=15)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_one_that_is_slower_is_told_from_noise(report: Report, tmp_path: Path) -> None:
    def saved(name: str, factor: float, probe_factor: float = 1.0) -> Path:
        rows = tuple(  # of three rounds, limits are too wide for anything to be told
            replace(row, rounds=tuple(tuple(factor * t for t in each) for each in 4 * row.rounds))
            for row in report.rows
        )
        probes = tuple(
            replace(probe, rounds=tuple(tuple(probe_factor * t for t in each) for each in probe.rounds))
            for probe in report.probes
        )
        write_json(replace(report, rows=rows, probes=probes), tmp_path / name)
        return tmp_path / name

    old = saved("old.json", 1.0)
    verdicts = {
        "same": saved("same.json", 1.0),
        "slower": saved("slower.json", 3.0),
        "faster": saved("faster.json", 1 / 3),
        "machine": saved("machine.json", 3.0, 3.0),
    }
    said = {name: {change.verdict for change in compare(old, path)} for name, path in verdicts.items()}
    assert said == {"same": {"noise"}, "slower": {"slower"}, "faster": {"faster"}, "machine": {"noise"}}
    bare = tmp_path / "bare.json"  # as the Android app's, which tells no multiplications
    write_json(replace(report, rows=tuple(replace(row, macs={}) for row in report.rows)), bare)
    assert {change.verdict for change in compare(bare, bare)} == {"noise"}
    told = tmp_path / "told.json"
    shown = runner.invoke(app, ["compare", str(old), str(verdicts["slower"]), "--json", str(told)])
    assert [row["verdict"] for row in json.loads(told.read_text())] == ["slower"] * 3
    assert shown.exit_code == 0 and shown.stdout.count("slower") >= 3
    upgraded = replace(report, device=replace(report.device, runtime="litert 99"))
    write_json(upgraded, tmp_path / "upgraded.json")
    assert {change.verdict for change in compare(old, tmp_path / "upgraded.json")} == {"noise, another runtime"}
    for name, load in (("idle", 0.5), ("alike", 0.9), ("busy", 4.5)):
        write_json(replace(report, load_average=load), tmp_path / f"{name}.json")
    loads = {
        name: {each.verdict for each in compare(tmp_path / "idle.json", tmp_path / f"{name}.json")}
        for name in ("alike", "busy")
    }
    assert loads == {"alike": {"noise"}, "busy": {"noise, another load (0.5, now 4.5)"}}
    (tmp_path / "other.json").write_text('{"schema": 99}')
    damaged = json.loads(old.read_text())
    damaged["rows"][0]["threads"] = "1"
    (tmp_path / "damaged.json").write_text(json.dumps(damaged))
    for name, says in (
        ("other", "schema 99"),
        ("none", "cannot read"),
        ("damaged", r"rows[0].threads: Expected `int`, got `str`"),
    ):
        path = tmp_path / f"{name}.json"
        result = runner.invoke(app, ["compare", str(old), str(path)])
        assert result.exit_code == 2 and says in result.stderr


class Page(HTMLParser):
    """Collects the tags, and complains of one that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] in ("html",) and tag != "html":
            self.open.pop()
        assert self.open.pop() == tag


@pytest.mark.slow
def test_the_page_is_whole_and_shows_every_row(report: Report) -> None:
    fidelity = {"psnr": 42.0, "ssim": 0.99, "passed": True}
    rows = [replace(row, model=f"<b>{row.model}", fidelity=fidelity) for row in report.rows]
    shown = page.report_page(replace(report, rows=tuple(rows), sustained=10.0))
    tags = Page()
    tags.feed(shown)
    assert tags.seen.count("svg") == 2 and tags.seen.count("polyline") == 3 and tags.seen.count("tr") == 4
    assert "<b>int8" not in shown and "&lt;b&gt;int8 (2)" in shown and "http" not in shown
    assert report.device.name in shown and "litert" in shown


@pytest.mark.slow
def test_a_single_model_is_compared_with_nothing(report: Report) -> None:
    row = replace(report.rows[0], fidelity={"psnr": 42.0, "ssim": 0.99, "passed": True}, relative=None)
    shown = page.report_page(replace(report, rows=(row,)))
    assert "<svg" not in shown and "42.0" in shown
    assert all(f"<th>{name} ms</th>" in shown for name in ("median", "p90", "p99", "min", "first", "load"))
    assert "p90: nine of ten" in shown and "Delegated: operators" in shown and "imes the first" not in shown
    assert "Times the first: the median" in page.report_page(report)


@pytest.mark.slow
def test_the_table_of_an_emulation_tells_no_times(report: Report) -> None:
    row = report.rows[1]
    assert row.loaded is not None
    nothing = replace(row.loaded, load_ms=(), first_ms=(), memory_bytes=None)
    emulated = Emulated(False, 34.0, (1_000_000, 3_000_000), "")
    row = replace(row, loaded=nothing, emulated=emulated, latency=None, relative=None, peak_share=None, rounds=())
    shown = columns(replace(report, method="Emulated.", rows=(row,), probes=()))
    assert {name: show(row) for name, show in shown.items() if name not in ("model", "GMAC", "file MB")} == {
        "output, against this machine's": "34.0 dB",
        "million instructions": "2.00",
        "delegated": f"{nothing.delegated} of {nothing.nodes}",
    }
    timed = columns(report)
    assert {"on", "median ms", "of peak"} <= set(timed) and not {"wanted", "million instructions", "GMAC"} & set(timed)


@pytest.mark.slow
def test_command_writes_what_it_measured(exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(exported("int8"), tmp_path / "a.tflite")
    flags = ["--runs", "15", "--json", "r.json", "--html", "r.html"]
    result = runner.invoke(app, ["benchmark", "a.tflite", *flags])
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("r.json").read_text())
    assert figures["schema"] == 3 and figures["rows"][0]["latency"]["runs"] == 15
    assert (
        "a" in result.stdout and "litert" in result.stdout and Path("r.html").read_text().startswith("<!doctype html>")
    )
    again = runner.invoke(app, ["benchmark", "a.tflite", *flags])
    assert again.exit_code == 6 and "exists and is left as it is; choose another --json" in again.stderr


def test_bad_input_is_one_line(exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = str(exported("int8"))
    Path("letter.tflite").write_text("not a model")
    cases = [
        (["none.tflite"], 5, "there is no TensorFlow Lite model"),
        (["letter.tflite"], 5, "is no TensorFlow Lite model"),
        ([], 2, "name .tflite files or models"),
        ([model, "--threads", "0"], 2, "--threads takes numbers from 1"),
        ([model, "--threads", "65"], 2, "--threads takes numbers from 1 to 64"),
        ([model, "--threads", "two"], 2, "--threads takes numbers such as 1,2,4, not two"),
        ([model, "--runs", "3"], 2, "--runs must be at least 15"),
        ([model, "--device", "watch"], 2, "choose from host, adb"),
        ([model, "--runtime", "onnx"], 2, "choose from litert"),
        ([model, "--size", "128"], 2, "--size is for models still to be exported"),
        (["a.mlpackage"], 2, "is for Apple's devices"),
        ([model, "--benchmark-binary", "b"], 2, "--benchmark-binary applies to --device adb, not to host"),
        (["no_such_model"], 5, "there is no model no_such_model"),
    ]
    for arguments, code, says in cases:
        result = runner.invoke(app, ["benchmark", *arguments])
        assert result.exit_code == code, (arguments, result.output)
        assert result.stderr.splitlines()[-1].startswith("error: ") and says in result.stderr, arguments


class Leaving(Known):
    """A device that goes away in a certain round, and whose GPU driver dies when it loads for the Nth time."""

    def __init__(self, rounds: int, accelerators: tuple[str, ...] = ("cpu",), dies: int = 1) -> None:
        self.left, self.closed, self.accelerators = rounds, 0, accelerators
        self.gpu_loads, self.dies = 0, dies

    def start(self, path: Path, accelerator: str, threads: int) -> "Leaving":
        if accelerator == "gpu":
            self.gpu_loads += 1
            if self.gpu_loads == self.dies:
                raise CheckpointError("its driver died")
        return self

    def state(self) -> dict[str, float]:
        return {"skin": 30.0 + self.closed}

    def profile(self, path: Path, accelerator: str) -> dict[str, float]:
        raise OSError("no profiler")

    def round(self, runs: int) -> Round:
        self.left -= 1
        if self.left < 0:
            raise DeviceError("gone")
        return Round((1.0,), runs, 0.9, None, 1.5, self.state())

    def close(self) -> None:
        self.closed += 1


def test_what_was_measured_before_a_device_left_is_kept(exported: Exported) -> None:
    device = Leaving(4)
    kept = benchmark([exported("int8")], device, runs=50)
    assert kept.interrupted == "gone" and len(kept.rows[0].rounds) == 4 and device.closed == 6
    assert (kept.rows[0].latency.tail, kept.rows[0].latency.p90, kept.rows[0].latency.runs) == ("max", 1.5, 20)
    early = Leaving(2)
    with pytest.raises(DeviceError, match="gone"):
        benchmark([exported("int8")], early, runs=50)
    assert early.closed == 4


def test_labels_are_short_and_different() -> None:
    paths = [Path("exports/a-int8/model.tflite"), Path("x/b.tflite"), Path("y/b.tflite"), Path("x/b.tflite")]
    assert labels(paths) == ["a-int8", "b", "b (2)", "b (3)"]
    assert labels([Path("models/udnie/int8.tflite")]) == ["udnie-int8"]


def test_what_emulation_must_keep() -> None:
    assert Emulated(True, None, None, "identical").kept() and Emulated(False, 34.0, None, "").kept()
    assert Emulated(False, 120.0, None, "100 dB").kept() and not Emulated(False, 90.0, None, "100 dB").kept()
    assert not Emulated(False, 120.0, None, "identical").kept()
    assert Emulated(False, 38.5, None, "38 dB").kept() and not Emulated(False, 37.5, None, "38 dB").kept()


def test_unknown_runtimes() -> None:
    with pytest.raises(UsageError, match="choose from litert, tflite-runtime, tensorflow"):
        Host("onnx")


@pytest.mark.parametrize("dies", [1, 3])
def test_an_accelerator_that_fails_leaves_the_others(dies: int, exported: Exported) -> None:
    kept = benchmark([exported("int8")], Leaving(99, ("cpu", "gpu"), dies), runs=15)
    assert [row.accelerator for row in kept.rows] == ["cpu"] and kept.rows[0].profile == {}
    assert f"Left out: {kept.rows[0].model} on gpu: its driver died" in notes(kept)


@pytest.mark.parametrize("dies", [1, 3, 4])
def test_an_accelerator_that_is_the_only_one_and_fails_is_an_error(dies: int, exported: Exported) -> None:
    with pytest.raises(CheckpointError, match="on gpu: its driver died"):
        benchmark([exported("int8")], Leaving(99, ("gpu",), dies), runs=15, sustained=0.1 if dies == 1 else None)


def test_temperatures_are_drawn_from_before_the_first_turn(exported: Exported) -> None:
    report = benchmark([exported("int8")], Leaving(99), runs=15)
    assert report.before == {"skin": 30.0} and [state["skin"] for state in report.rows[0].states] == [31, 32, 33]
    shown = page.report_page(replace(report, sustained=3.0))
    assert "degrees Celsius" in shown and shown.count("polyline") == 2 and "skin 30 to 33" in shown
