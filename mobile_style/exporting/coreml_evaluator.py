"""Runs a saved Core ML program without Core ML: on any system, from the files on disk, operator by operator.

The reference is Apple's description of each operator, not the code that wrote the program. Results
are rounded to float16 where the program says so; convolutions and means sum in float32 first. Hardware
may sum in another order and with fewer bits, so that some pixels of a phone differ by a level.
"""

import inspect
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CheckpointError, ImageError, MobileStyleError
from ..network.backend import quiet

logging.getLogger("coremltools").setLevel(logging.ERROR)  # as in coreml.py
with quiet():
    import coremltools as ct
    from coremltools.libmilstoragepython import _BlobStorageReader as BlobReader
    from coremltools.proto.FeatureTypes_pb2 import ImageFeatureType
    from coremltools.proto.MIL_pb2 import DataType

CHANNELS = {ImageFeatureType.RGB: slice(None), ImageFeatureType.BGR: slice(None, None, -1)}
TYPES = {
    DataType.FLOAT16: np.float16,
    DataType.FLOAT32: np.float32,
    DataType.INT8: np.int8,
    DataType.INT32: np.int32,
    DataType.BOOL: np.bool_,
    DataType.STRING: np.str_,
}
READERS = {np.float16: "read_fp16_data", np.float32: "read_float_data", np.int8: "read_int8_data"}


class Evaluator:
    """A saved ML program that takes and gives one RGB image; perhaps it takes the shares of styles, too.

    Attributes:
        sizes: (height, width) of the pictures that it takes.
        styles: how many it mixes; 1 without a second input.
    """

    def __init__(self, path: Path) -> None:
        """Loads an .mlpackage and all its weights.

        Raises:
            CheckpointError: missing, damaged, or no program from image to image.
            MobileStyleError: the program has an operator that the evaluator does not know.
        """
        try:
            model = ct.models.MLModel(str(path), skip_model_load=True)
            self._weights = Path(model.weights_dir or path)
            self._load(model.get_spec())
        except MobileStyleError as error:
            raise type(error)(f"{path}: {error}") from None
        except Exception as error:  # coremltools, protobuf and C++ raise whatever they stumble over
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise CheckpointError(f"{path} is missing, damaged or no .mlpackage ({reason}); export it again") from None

    def __call__(self, picture: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
        """Stylizes a picture.

        Args:
            picture: (H, W, 3) uint8, RGB.
            shares: of each style, (styles,) float32; None for a program of one style.

        Returns:
            (H, W, 3) float32, RGB: what the image that comes out holds before it is rounded to bytes.

        Raises:
            ImageError: not of one of `sizes`.
            MobileStyleError: an operator overflows its type, or gives another shape than the program says.
        """
        if picture.shape not in {(*size, 3) for size in self.sizes}:
            raise ImageError(f"the program takes pictures of {self.sizes} (height, width), not {picture.shape}")
        pixels = picture[..., CHANNELS[self._given.type.imageType.colorSpace]]
        values = self._constants | {self._given.name: pixels.transpose(2, 0, 1)[None].astype(np.float32)}
        if shares is not None:
            values |= {mix.name: shares.reshape(1, -1, 1, 1).astype(np.float32) for mix in self._mixes}
        for step in self._steps:
            values[step.outputs[0].name] = _result(step, self._arguments(step, values))
        output: np.ndarray = values[self._wanted.name][0].astype(np.float32).transpose(1, 2, 0)
        return output[..., CHANNELS[self._wanted.type.imageType.colorSpace]]

    def _load(self, spec: Any) -> None:
        if spec.WhichOneof("Type") != "mlProgram" or "main" not in spec.mlProgram.functions:
            raise CheckpointError("not an ML program")
        mixes = [feature for feature in spec.description.input if feature.type.WhichOneof("Type") == "multiArrayType"]
        pictures = [feature for feature in spec.description.input if feature not in mixes]
        for features in (pictures, spec.description.output):
            types = [(feature.type.WhichOneof("Type"), feature.type.imageType.colorSpace) for feature in features]
            if types not in [[("imageType", layout)] for layout in CHANNELS]:
                raise CheckpointError("does not take one color image and give one")
        (self._given,), (self._wanted,), self._mixes = pictures, spec.description.output, mixes
        shapes = [tuple(mix.type.multiArrayType.shape) for mix in mixes]
        if len(shapes) > 1 or any(len(shape) != 4 or shape != (1, shape[1], 1, 1) for shape in shapes):
            raise CheckpointError(f"takes arrays of {shapes} beside the image, not the shares of styles")
        self.styles = int(shapes[0][1]) if shapes else 1
        image = self._given.type.imageType
        flexible = image.WhichOneof("SizeFlexibility")
        if flexible == "imageSizeRange":
            raise MobileStyleError(f"{self._given.name} has a range of sizes, which the evaluator does not know")
        sizes = image.enumeratedSizes.sizes if flexible else [image]
        self.sizes = tuple((int(size.height), int(size.width)) for size in sizes)

        function = spec.mlProgram.functions["main"]
        block = function.block_specializations[function.opset]
        described = [feature.name for feature in (self._given, *mixes)]
        if [given.name for given in function.inputs] != described or block.outputs != [self._wanted.name]:
            raise CheckpointError("the program has other inputs or outputs than its description")
        self._constants: dict[str, Any] = {}
        self._steps = []
        for step in block.operations:
            if step.type not in OPERATORS:
                raise MobileStyleError(f"operator {step.type} is not known to the evaluator")
            try:
                names = ({*step.inputs} | {*step.attributes}) - {"name"}
                inspect.signature(OPERATORS[step.type]).bind(**dict.fromkeys(names))
            except TypeError as error:
                raise MobileStyleError(f"operator {step.type} is known otherwise to the evaluator: {error}") from None
            if step.inputs:
                self._steps.append(step)
            else:
                self._constants[step.outputs[0].name] = _result(step, self._arguments(step, {}))

    def _arguments(self, step: Any, values: dict[str, Any]) -> dict[str, Any]:
        """The operator's arguments by name; those of `concat` are several."""

        def bound(binding: Any) -> Any:
            return values[binding.name] if binding.WhichOneof("binding") == "name" else self._value(binding.value)

        found: dict[str, Any] = {name: self._value(value) for name, value in step.attributes.items() if name != "name"}
        for name, argument in step.inputs.items():
            several = [bound(binding) for binding in argument.arguments]
            found[name] = several[0] if len(several) == 1 and name != "values" else several
        return found

    def _value(self, value: Any) -> np.ndarray:
        """A constant that stands in the program, or in a file beside it."""
        kind, shape = _declared(value.type)
        if value.WhichOneof("value") == "blobFileValue":
            name, offset = Path(value.blobFileValue.fileName).name, value.blobFileValue.offset
            content: np.ndarray = getattr(BlobReader(str(self._weights / name)), READERS[kind])(offset).view(kind)
        else:
            tensor = value.immediateValue.tensor
            values = getattr(tensor, tensor.WhichOneof("value")).values
            content = np.frombuffer(values, kind) if isinstance(values, bytes) else np.array(values, kind)
        return content.reshape(shape)


def _declared(described: Any) -> tuple[Any, list[int]]:
    """NumPy's type, and the shape with -1 where it is not fixed."""
    tensor = described.tensorType
    if tensor.dataType not in TYPES:
        raise MobileStyleError(f"numbers of type {DataType.Name(tensor.dataType)} are not known to the evaluator")
    return TYPES[tensor.dataType], [d.constant.size if d.HasField("constant") else -1 for d in tensor.dimensions]


def _result(step: Any, arguments: dict[str, Any]) -> np.ndarray:
    """What the operator gives, in the type that the program says."""
    (output,) = step.outputs
    kind, shape = _declared(output.type)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        result = np.asarray(OPERATORS[step.type](**arguments)).astype(kind)
    if len(shape) != result.ndim or not all(w in (-1, s) for w, s in zip(shape, result.shape, strict=True)):
        raise MobileStyleError(f"{output.name} has the shape {result.shape}, but the program says {shape}")
    if kind is np.float16 and not np.isfinite(result).all():
        raise MobileStyleError(f"{output.name} overflows float16")
    return result


def _only(operator: str, **found: tuple[Any, Any]) -> None:
    """Refuses values of arguments, given as (value, the one that is known)."""
    for name, (value, known) in found.items():
        if not np.array_equal(value, known):
            raise MobileStyleError(f"{operator} with {name} {np.asarray(value).tolist()} is not known to the evaluator")


def _convolution(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    strides: np.ndarray,
    pad_type: np.ndarray,
    pad: np.ndarray,
    dilations: np.ndarray,
    groups: np.ndarray,
) -> np.ndarray:
    """x (1, C, H, W), weight (C', C, k, k), bias (C',); `pad` counts only if `pad_type` is custom."""
    _only("conv", pad_type=(pad_type, "valid"), dilations=(dilations, [1, 1]), groups=(groups, 1))
    x, weight = x[0].astype(np.float32), weight.astype(np.float32)
    down, right = (int(stride) for stride in strides)
    height, width = (x.shape[1] - weight.shape[2]) // down + 1, (x.shape[2] - weight.shape[3]) // right + 1
    sums = np.tile(bias.astype(np.float32)[:, None], height * width)
    for i, j in np.ndindex(weight.shape[2:]):
        shifted = x[:, i : i + down * height : down, j : j + right * width : right]
        sums += weight[:, :, i, j] @ shifted.reshape(len(x), -1)
    return sums.reshape(1, -1, height, width)


def _padded(x: np.ndarray, pad: np.ndarray, mode: np.ndarray, constant_val: np.ndarray) -> np.ndarray:
    """`pad` is (before, after) of each of the last axes; `constant_val` counts only if the mode is constant."""
    _only("pad", mode=(mode, "reflect"))
    margins = pad.reshape(-1, 2).tolist()
    return np.pad(x, [(0, 0)] * (x.ndim - len(margins)) + margins, mode="reflect")


def _sliced(
    x: np.ndarray, begin: np.ndarray, end: np.ndarray, begin_mask: np.ndarray, end_mask: np.ndarray
) -> np.ndarray:
    """Where a mask is set, the limit is the axis's own."""
    begins = [None if masked else int(index) for index, masked in zip(begin, begin_mask, strict=True)]
    ends = [None if masked else int(index) for index, masked in zip(end, end_mask, strict=True)]
    return x[tuple(map(slice, begins, ends))]


def _joined(values: Sequence[np.ndarray], axis: np.ndarray, interleave: np.ndarray) -> np.ndarray:
    _only("concat", interleave=(interleave, False))
    return np.concatenate(values, int(axis))


def _pooled(
    x: np.ndarray,
    kernel_sizes: np.ndarray,
    strides: np.ndarray,
    pad_type: np.ndarray,
    pad: np.ndarray,
    exclude_padding_from_average: np.ndarray,
    ceil_mode: np.ndarray,
) -> np.ndarray:
    """Averages of squares side by side; `pad` counts only if `pad_type` is custom."""
    _only("avg_pool", pad_type=(pad_type, "valid"), strides=(strides, kernel_sizes), ceil_mode=(ceil_mode, False))
    down, right = map(int, kernel_sizes)
    height, width = x.shape[2] // down, x.shape[3] // right
    squares = x[:, :, : height * down, : width * right].reshape(*x.shape[:2], height, down, width, right)
    return _mean(squares, (3, 5))


def _reduced(x: np.ndarray, axes: np.ndarray, keep_dims: np.ndarray) -> np.ndarray:
    _only("reduce_mean", axes=(axes, [3] if 3 in axes else [2]), keep_dims=(keep_dims, True))
    return _mean(x, (int(axes[0]),), keepdims=True)


def _mean(x: np.ndarray, axes: tuple[int, ...], keepdims: bool = False) -> np.ndarray:
    """Hardware holds the sum in x's type, where it may overflow."""
    sums: np.ndarray = x.sum(axes, np.float32, keepdims=keepdims).astype(x.dtype)
    return sums / np.prod([x.shape[axis] for axis in axes], dtype=np.float32)


def _depth_to_space(x: np.ndarray, block_size: np.ndarray) -> np.ndarray:
    """Channels are (row in the block, column in the block, C)."""
    n, channels, height, width = x.shape
    b = int(block_size)
    blocks = x.reshape(n, b, b, channels // b**2, height, width).transpose(0, 3, 4, 1, 5, 2)
    return blocks.reshape(n, -1, height * b, width * b)


def _dequantized(quantized_data: np.ndarray, zero_point: np.ndarray, scale: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """`zero_point` and `scale` are one number, or one for each index of the axis."""
    along = [-1 if i == int(axis) else 1 for i in range(quantized_data.ndim)]
    zero, step = (number.astype(np.float32).reshape(along if number.ndim else ()) for number in (zero_point, scale))
    return (quantized_data - zero) * step


# Core ML's operators with the names of their arguments, as its specification has them.
OPERATORS: dict[str, Callable[..., Any]] = {
    "const": lambda val: val,
    "constexpr_affine_dequantize": _dequantized,
    "cast": lambda x, dtype: x.astype(str(dtype).replace("fp", "float")),
    "conv": _convolution,
    "pad": _padded,
    "slice_by_index": _sliced,
    "concat": _joined,
    "depth_to_space": _depth_to_space,
    "avg_pool": _pooled,
    "reduce_mean": _reduced,
    "abs": lambda x: abs(x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "real_div": lambda x, y: x / y,
    "clip": lambda x, alpha, beta: np.clip(x, alpha, beta),
}
