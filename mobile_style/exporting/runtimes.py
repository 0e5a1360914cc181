"""Running an exported file, whichever runtime it is made for: a picture in, a picture out."""

import importlib
import os
import platform
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CheckpointError, ImageError, MobileStyleError, UsageError
from ..inference.float_ops import MIX
from ..media import images
from ..network.backend import quiet
from ..network.styles import share_bytes
from .card import not_exported

RUNTIMES = {
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite-runtime": ("tflite_runtime.interpreter", "mobile-style[tflite-runtime]"),
    "tensorflow": ("tensorflow.lite.python.interpreter", "tensorflow"),
}


class Runner:
    """An exported model, loaded.

    Attributes:
        sizes: (height, width) of the pictures that it takes.
        runtime: what runs it, with its version.
        close: frees what it holds.
        styles: how many it mixes; 1 of a file without a second input.
    """

    def __init__(
        self,
        sizes: tuple[tuple[int, int], ...],
        runtime: str,
        run: Callable[..., np.ndarray],
        close: Callable[[], None] = lambda: None,
        styles: int = 1,
    ) -> None:
        """`run` is given the picture and, of many styles, their shares."""
        self.sizes, self.runtime, self._run, self.close, self.styles = sizes, runtime, run, close, styles

    def __call__(self, picture: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
        """Stylizes a (H, W, 3) uint8 picture of one of `sizes`.

        Args:
            picture: the picture.
            shares: of each style, (styles,) float32 that add up to 1; None for a file of one style.

        Raises:
            ImageError: another size.
            UsageError: other shares than the file takes.
            MobileStyleError: the model computed numbers that are not finite.
        """
        if picture.shape[:2] not in self.sizes:
            raise ImageError(f"the model takes pictures of {self.sizes} (height, width), not {picture.shape[:2]}")
        if (1 if shares is None else len(shares)) != self.styles:
            raise UsageError(f"`mix`: the model mixes {self.styles} styles; give a share for each")
        output = self._run(picture) if shares is None else self._run(picture, shares)
        if not np.isfinite(output).all():
            raise MobileStyleError("the exported model computes numbers that are not finite; export it again")
        return images.to_pixels(output)


def load(path: Path, runtime: str = "litert", threads: int = 1) -> Runner:
    """Loads a .tflite file or an .mlpackage.

    Args:
        path: the exported model.
        runtime: for .tflite files, a key of `RUNTIMES`. Core ML runs on macOS; elsewhere the saved
            program is evaluated operator by operator.
        threads: of a .tflite's interpreter.

    Raises:
        CheckpointError: missing, damaged, or of another kind.
        UsageError: the runtime is unknown or not installed.
    """
    if not path.exists():
        raise not_exported(path)
    if path.suffix == ".mlpackage":
        return _coreml(path)
    if runtime not in RUNTIMES:
        raise UsageError(f"`runtime={runtime}` is unknown; choose from {', '.join(RUNTIMES)}")
    return _tflite(path, runtime, threads)


def _tflite(path: Path, runtime: str, threads: int) -> Runner:
    module, package = RUNTIMES[runtime]
    try:
        library = importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"`runtime={runtime}` cannot be loaded ({error}); {_install(package)}") from None
    try:
        with quiet(), warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", r"\s*Warning: tf.lite.Interpreter is deprecated", UserWarning
            )  # asked for
            # Bytes, as a name that is no UTF-8 is no string to it.
            interpreter = library.Interpreter(model_path=os.fsencode(path), num_threads=threads)
            interpreter.allocate_tensors()
        inputs, (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged or no TensorFlow Lite model ({_first_line(error)})") from None
    if not any(wanted["index"] in operator["outputs"] for operator in interpreter._get_ops_details()):
        raise CheckpointError(f"{path} cannot be run: no operator computes its output; export it again")
    order, styles = roles(path, [(details["name"], tuple(details["shape"])) for details in inputs])
    given = inputs[order.index(0)]
    for details in (given, wanted):
        shape, kind = tuple(details["shape"]), details["dtype"]
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or kind not in (np.uint8, np.float32):
            raise CheckpointError(f"{path} does not take and give pictures: {details['name']} is {kind} {shape}")
        if kind == np.uint8 and details["quantization"] != (1.0, 0):
            raise CheckpointError(f"{path}: {details['name']} is not bytes of 0..255: {details['quantization']}")

    def run(picture: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
        try:
            with quiet():
                for details, place in zip(inputs, order, strict=True):
                    value = picture[None] if place == 0 else share_input(shares, details["dtype"])
                    interpreter.set_tensor(details["index"], value.astype(details["dtype"]))
                interpreter.invoke()
            output: np.ndarray = interpreter.get_tensor(wanted["index"])[0]
        except (ValueError, RuntimeError) as error:
            raise CheckpointError(f"{path} cannot be run ({_first_line(error)}); export it again") from None
        return output

    _, height, width, _ = map(int, given["shape"])
    return Runner(((height, width),), f"{runtime} {runtime_version(runtime)}", run, styles=styles)


def roles(path: Path, inputs: Sequence[tuple[str, Sequence[int]]]) -> tuple[list[int], int]:
    """What a file's inputs are.

    Args:
        path: of the file.
        inputs: name and shape of each.

    Returns:
        For each input 0 if it takes the picture, or 1 if it takes the shares of the styles; and how many styles there
        are, 1 if no input takes shares.

    Raises:
        CheckpointError: other inputs than one picture, or a picture and shares.
    """
    shapes = [tuple(shape) for _, shape in inputs]
    pictures = [len(shape) == 4 and shape[0] == 1 and shape[3] == 3 and shape != (1, 1, 1, 3) for shape in shapes]
    mixes = [len(shape) == 4 and shape[:3] == (1, 1, 1) for shape in shapes]
    if sum(pictures) != 1 or len(shapes) > 2 or (len(shapes) == 2 and not any(mixes)):
        raise CheckpointError(f"{path} does not take one picture, alone or with a mix of styles, but {shapes}")
    order = [0 if picture else 1 for picture in pictures]
    return order, shapes[order.index(1)][3] if len(order) == 2 else 1


def share_input(shares: np.ndarray | None, kind: Any) -> np.ndarray:
    """Shares, (styles,), as a file's second input of a type takes them: (1, 1, 1, styles)."""
    assert shares is not None
    return (share_bytes(shares) if np.dtype(kind) == np.uint8 else shares)[None, None, None].astype(kind)


def _coreml(path: Path) -> Runner:
    from .coreml_evaluator import Evaluator

    evaluator = Evaluator(path)
    if platform.system() != "Darwin":
        return Runner(evaluator.sizes, "Core ML program, evaluated", evaluator, styles=evaluator.styles)
    import coremltools
    from PIL import Image

    model = coremltools.models.MLModel(str(path))

    def predict(picture: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
        mix = {} if shares is None else {MIX: shares.reshape(1, -1, 1, 1).astype(np.float32)}
        outputs: dict[str, Any] = model.predict({"image": Image.fromarray(picture)} | mix)
        (painted,) = outputs.values()
        return np.asarray(painted.convert("RGB"))

    return Runner(evaluator.sizes, f"Core ML, macOS {platform.mac_ver()[0]}", predict, styles=evaluator.styles)


def runtime_version(runtime: str) -> str:
    """Version of an installed runtime.

    Raises:
        UsageError: it is not installed.
    """
    from importlib.metadata import PackageNotFoundError, version

    package = RUNTIMES[runtime][1]
    try:
        return version("tflite-runtime" if "[" in package else package)
    except PackageNotFoundError:
        raise UsageError(f"`runtime={runtime}` is not installed; {_install(package)}") from None


def _install(package: str) -> str:
    if "tflite-runtime" in package and sys.version_info >= (3, 12):
        return "it needs Python 3.11 or older, for which its wheels are"
    return f"pip install '{package}'"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
