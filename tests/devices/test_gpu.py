import platform
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from typer.testing import CliRunner

from conftest import MANY, Exported
from known_device import Known
from mobile_style.benchmarking import measure as measuring
from mobile_style.benchmarking.emulation import emulate
from mobile_style.benchmarking.measure import Conditions, measure
from mobile_style.benchmarking.table import columns, headline, notes
from mobile_style.cli import app
from mobile_style.devices import gpu, gpu_setup
from mobile_style.devices.gpu_interpreter import told
from mobile_style.devices.host import Host
from mobile_style.errors import DeviceError, UsageError
from mobile_style.metrics import psnr
from mobile_style.network.styles import shares_of
from mobile_style.web.models import known_frame

pytestmark = pytest.mark.slow

runner = CliRunner()
LOG = """INFO: [delegate_webgpu.cc:342] Create WebGPU environment
I0000 environment.cc:532] Selected adapter: {name}, arch=x, vendor=y, backend=Vulkan, adapterType={kind}
{refused}I0000 delegate_kernel.cc:984] Initializing WebGPU-based API from graph.
"""
REFUSED = """ERROR: Following operations are not supported by GPU delegate:
MIRROR_PAD: Only Reflective padding is supported
POW: Not supported
3 operations will run on the GPU, and the remaining 4 operations will run on the CPU.
"""


@pytest.fixture(scope="module")
def device() -> gpu.Gpu:
    """The GPU or its software driver."""
    try:
        return gpu.Gpu()
    except DeviceError as error:
        pytest.skip(str(error))


def written(folder: Path, name: str, function: object, int8: bool) -> Path:
    """A model of one picture of 32 x 32."""
    signature = [tf.TensorSpec((1, 32, 32, 3), tf.float32)]
    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    path = folder / f"{name}.tflite"
    path.write_bytes(converter.convert())
    return path


def leaky(slope: float) -> object:
    """Pixels made light or dark, then bent: by a slope of -1 the dark ones become light again."""

    def rounded(x: tf.Tensor, low: float, high: float) -> tf.Tensor:
        return tf.quantization.fake_quant_with_min_max_args(x, min=low, max=high)

    def function(x: tf.Tensor) -> tf.Tensor:
        x = rounded(rounded(x, 0.0, 255.0) - tf.constant(np.full(3, 128, np.float32)), -128.0, 127.0)
        return rounded(tf.nn.leaky_relu(x, slope), -128.0, 127.0)

    return function


def without_a_gpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU, and `folder` for a driver."""
    monkeypatch.setenv("VK_ICD_FILENAMES", str(folder / "none.json"))
    monkeypatch.setattr(gpu, "FOLDER", folder)
    monkeypatch.setattr(gpu, "DRIVER", folder / "driver.json")
    monkeypatch.setattr(gpu_setup, "FOLDER", folder)


def test_what_the_log_tells() -> None:
    log = LOG.format(name="Adreno (TM) 750", kind="Integrated GPU", refused="")
    fully = told(log, 7, fully=True)
    assert fully == {
        "delegated": 7,
        "nodes": 7,
        "kernels": None,
        "note": "",
        "adapter": "Adreno (TM) 750",
        "software": False,
    }
    log = LOG.format(name="SwiftShader Device", kind="CPU / Software", refused=REFUSED)
    partly = told(log, 7, fully=False)
    assert (partly["delegated"], partly["software"]) == (3, True)
    assert partly["note"] == ("not on the GPU: MIRROR_PAD: Only Reflective padding is supported; POW: Not supported")
    unknown = told("", 7, fully=False)
    assert unknown["delegated"] is None and unknown["note"] and not unknown["software"]


@pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere the GPU needs no Vulkan driver")
def test_without_a_gpu_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_gpu(tmp_path, monkeypatch)
    result = runner.invoke(app, ["benchmark", "a.tflite", "--device", "gpu"])
    assert result.exit_code == 9 and "run: python -m mobile_style.devices.gpu_setup" in result.stderr


@pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere the GPU needs no Vulkan driver")
def test_set_up_takes_the_driver_of_a_browser(tmp_path: Path, device: gpu.Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    if device.reports_timings:
        pytest.skip("there is a real GPU")
    browser = gpu.FOLDER
    without_a_gpu(tmp_path / "driver", monkeypatch)
    monkeypatch.setattr(gpu_setup, "BROWSERS", (tmp_path, browser))
    assert gpu_setup.setup() == device.facts.name
    assert sorted(path.name for path in gpu.FOLDER.iterdir()) == ["driver.json", *sorted(gpu_setup.LIBRARIES)]
    monkeypatch.setattr(gpu_setup, "BROWSERS", ())
    monkeypatch.setattr(gpu_setup, "PACKAGES", ())
    assert gpu_setup.setup() == device.facts.name  # nothing is fetched again


@pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere the GPU needs no Vulkan driver")
def test_set_up_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_gpu(tmp_path / "driver", monkeypatch)
    monkeypatch.setattr(gpu_setup, "BROWSERS", ())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match="there is no apt-get"):
        gpu_setup.setup()
    monkeypatch.setattr(gpu_setup.shutil, "which", lambda name: name)
    monkeypatch.setattr(gpu_setup, "unpack", lambda *_, dependencies: None)
    with pytest.raises(DeviceError, match="chromium-common and chromium do not hold libvk_swiftshader"):
        gpu_setup.setup()
    assert not gpu.FOLDER.exists()


@pytest.mark.parametrize("recipe", ["float16", "int8"])
def test_the_gpu_computes_what_the_cpu_does(recipe: str, exported: Exported, device: gpu.Gpu) -> None:
    if device.reports_timings:
        pytest.skip("a real GPU is timed, not compared")
    report = measure([str(exported(recipe))], conditions=Conditions(device="gpu"))
    (row,) = report.rows
    assert row.loaded.note == "" and row.loaded.delegated == row.loaded.nodes > 100
    assert row.emulated.wanted == "38 dB" and row.emulated.kept(), row.emulated
    assert row.accelerator == "gpu" and row.latency is None and row.rounds == () and row.loaded.load_ms == ()
    assert gpu.Gpu.method in notes(report) and "wanted" in columns(report)
    assert headline(report).startswith(f"{device.facts.name}, ")


@pytest.mark.parametrize(("recipe", "least"), [("float16", 45), ("int8", 38)])
def test_the_gpu_mixes_styles(recipe: str, least: float, exported_many: Exported, device: gpu.Gpu) -> None:
    path, picture = exported_many(recipe), known_frame(64, 64)
    with closing(device.runner(path)) as there, closing(Host().runner(path)) as here:
        assert there.runtime.endswith("fully accelerated")
        for mix in (*MANY, "night=0.2,noon=0.3,dusk=0.5"):
            assert psnr(here(picture, shares_of(mix, MANY)), there(picture, shares_of(mix, MANY))) > least, mix


def test_a_wrong_picture_is_noticed(tmp_path: Path, device: gpu.Gpu) -> None:
    """That of a negative slope, which the GPU takes for a ReLU."""
    files = [written(tmp_path, str(slope), leaky(slope), int8=True) for slope in (0.5, -1.0)]
    right, wrong = emulate(files, device).rows
    assert right.emulated.kept() and right.loaded.delegated == right.loaded.nodes
    assert not wrong.emulated.kept() and wrong.emulated.db < 20 and wrong.loaded.note == ""


def test_operators_that_it_refuses_are_named(tmp_path: Path, device: gpu.Gpu) -> None:
    def function(x: tf.Tensor) -> tf.Tensor:
        return tf.pad(tf.nn.relu(x) * 2.0, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC") + 1.0

    session = device.start(written(tmp_path, "refused", function, int8=False), "gpu", 1)
    try:
        assert session.loaded.note.startswith("not on the GPU: MIRROR_PAD: ")
        assert 0 < session.loaded.delegated < session.loaded.nodes
        assert len(session.round(2).times_ms) == 2
    finally:
        session.close()


def test_validate_on_the_gpu(exported: Exported, device: gpu.Gpu) -> None:
    result = runner.invoke(app, ["validate", str(exported("int8")), "--limit", "1", "--device", "gpu"])
    assert "fully accelerated" in " ".join(result.stdout.split()) and result.exit_code in (0, 8), result.output


def test_a_gpu_has_no_threads(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Known()
    timed.accelerators = ("gpu",)
    monkeypatch.setattr(measuring, "open_device", lambda *_: timed)
    with pytest.raises(UsageError, match="`threads` is about a CPU"):
        measure([str(exported("int8"))], conditions=Conditions(device="gpu", threads=(2,)))
    report = measure([str(exported("int8"))], conditions=Conditions(device="gpu"))
    assert [row.accelerator for row in report.rows] == ["gpu"] and report.rows[0].latency.median.value == 1.0
    assert report.load_average is not None
