"""The network as a Core ML program: an image in and an image out, so that an app does no arithmetic.

coremltools turns the copied rows and columns of a reflected border into its own `pad` operator.
"""

import io
import logging
import shutil
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np

from ..errors import MobileStyleError, UsageError
from ..files import writing
from ..inference.graph import Convolution, forward, styles
from ..network.backend import quiet

# On import it lists what it lacks outside macOS, and the last TensorFlow that it was tested with.
logging.getLogger("coremltools").setLevel(logging.ERROR)
with quiet():
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.mil import get_new_symbol

HALF = np.finfo(np.float16)
NOMINAL = (1024, 1024)  # a multiple of 4, and far larger than any border
FIELDS = ("author", "license", "version", "short_description")  # of the model that Xcode shows


class _Image(NamedTuple):
    """A tensor (1, C, H, W) of the program; its size is that for a picture of the nominal size."""

    var: Any
    size: tuple[int, int]


@dataclass(frozen=True)
class _MilOps:
    """Core ML's operators, for one size of pictures or for all that are multiples of 4.

    All of those need the same rows and columns if each is counted from the nearer end.

    Attributes:
        bits: of the kernels.
        mix: of a network of many styles: the share of each, (1, styles, 1, 1).
    """

    bits: Literal[16, 8]
    mix: Any = None

    def size(self, x: _Image) -> tuple[int, int]:
        return x.size

    def take(self, x: _Image, axis: int, start: int, length: int) -> _Image:
        whole, end = x.size[axis - 1], start + length
        begins, ends, masks, end_masks = [0] * 4, [0] * 4, [True] * 4, [True] * 4
        begins[axis + 1] = start if 2 * start < whole else start - whole
        ends[axis + 1] = end if 2 * end <= whole else end - whole
        masks[axis + 1], end_masks[axis + 1] = False, end == whole
        var = mb.slice_by_index(x=x.var, begin=begins, end=ends, begin_mask=masks, end_mask=end_masks)
        return _Image(var, _with(x.size, axis, length))

    def join(self, parts: Sequence[_Image], axis: int) -> _Image:
        var = mb.concat(values=[part.var for part in parts], axis=axis + 1)
        return _Image(var, _with(parts[0].size, axis, sum(part.size[axis - 1] for part in parts)))

    def convolve(self, x: _Image, kernel: np.ndarray, bias: np.ndarray, strides: int, relu: bool, name: str) -> _Image:
        kernel = kernel.transpose(3, 2, 0, 1)
        height, width = ((side - kernel.shape[2]) // strides + 1 for side in x.size)
        var = mb.conv(
            x=x.var,
            weight=kernel if self.bits == 16 or kernel.shape[1] == 3 else _rounded(kernel, f"{name}_kernel"),
            bias=bias,
            strides=[strides, strides],
            pad_type="valid",
            name=f"{name}_linear" if relu else name,
        )
        return _Image(mb.relu6(x=var, name=name) if relu else var, (height, width))

    def gain(self, x: _Image, scale: np.ndarray, floor: np.ndarray, name: str) -> Any:
        # The Neural Engine sums in float16: never more than 256 values at once where that can be helped. Of
        # several sizes NOMINAL decides, which at half the resolution pools once: any multiple of 4 bears that.
        mean, (height, width) = mb.abs(x=x.var), x.size
        while max(height, width) > 256 and height % 2 == width % 2 == 0:
            mean = mb.avg_pool(x=mean, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid")
            height, width = height // 2, width // 2
        for axis, label in ((3, "rows"), (2, "mean")):
            mean = mb.reduce_mean(x=mean, axes=[axis], keep_dims=True, name=f"{name}_{label}")
        # In an image that leaves a channel silent the floor alone divides: float16 must hold both it, as a
        # normal number, and the quotient.
        largest = np.abs(scale).reshape(-1, scale.shape[-1]).max(axis=0)
        floor = np.maximum(floor, np.maximum(HALF.smallest_normal, 2 * largest / HALF.max))
        return mb.real_div(x=self._own(scale, f"{name}_scale"), y=mb.add(x=mean, y=_by_channel(floor)), name=name)

    def multiply(self, x: _Image, gain: Any, name: str) -> _Image:
        return _Image(mb.mul(x=x.var, y=gain, name=name), x.size)

    def shift(self, x: _Image, offset: np.ndarray, relu: bool, name: str) -> _Image:
        named = {} if relu else {"name": name}
        shifted = mb.add(x=x.var, y=self._own(offset, f"{name}_offset"), **named)
        return _Image(mb.relu6(x=shifted, name=name) if relu else shifted, x.size)

    def add(self, x: _Image, y: _Image, name: str) -> _Image:
        return _Image(mb.add(x=x.var, y=y.var, name=name), x.size)

    def depth_to_space(self, x: _Image) -> _Image:
        # Its order of channels is TensorFlow's (2, 2, C); that of pixel_shuffle would be (C, 2, 2).
        return _Image(mb.depth_to_space(x=x.var, block_size=2), (2 * x.size[0], 2 * x.size[1]))

    def _own(self, values: np.ndarray, name: str) -> Any:
        """Scales or offsets of one style, (C,); or of many, (styles, C), mixed by a convolution of a single pixel."""
        if values.ndim == 1:
            return _by_channel(values)
        kernel = values.T.astype(np.float32)[:, :, None, None]
        bias = np.zeros(len(kernel), np.float32)
        return mb.conv(x=self.mix, weight=kernel, bias=bias, strides=[1, 1], pad_type="valid", name=name)


def write(
    path: Path,
    convolutions: Sequence[Convolution],
    sizes: Sequence[tuple[int, int]],
    bits: Literal[16, 8],
    metadata: dict[str, str],
) -> None:
    """Writes an .mlpackage for iOS 16 and later that computes in float16.

    Its input "image" and its output "stylized" are RGB images of 0..255 and of one size. Of many styles, its second
    input "mix" is an array of floats (1, styles, 1, 1): shares that add up to 1.

    Args:
        path: of the package, a folder.
        convolutions: the network's.
        sizes: (height, width) of the pictures that it takes; the first is the default.
        bits: of the stored weights. With 8, kernels are rounded per output channel, symmetrically, but
            for the first: bytes come in there, so that its weights are too small for float16 steps.
        metadata: author, license, version and short_description appear in Xcode; others are kept beside.

    Raises:
        UsageError: a side below 8 pixels, or among several sizes one that is no multiple of 4.
        MobileStyleError: a weight does not fit float16.
        OutputError: the place cannot be written.
    """
    for height, width in sizes:
        if min(height, width) < 8:
            raise UsageError(f"`size={width}x{height}`: each side must have at least 8 pixels")
        if len(sizes) > 1 and (height % 4 or width % 4):
            raise UsageError(f"`size={width}x{height}`: beside other sizes it must be a multiple of 4; export it alone")
    for layer in convolutions:
        parts = (layer.kernel, layer.offset, layer.scale, layer.floor)
        largest = np.abs(np.concatenate([part.ravel() for part in parts if part is not None])).max()
        if not largest <= HALF.max:  # nor if it is not a number
            raise MobileStyleError(f"{layer.name} has a weight of {largest:g}, beyond the range of float16")
    model = _program(convolutions, sizes, bits)
    for key, value in metadata.items():
        if key in FIELDS:
            setattr(model, key, value)
        else:
            model.user_defined_metadata[key] = value
    with writing(path) as temporary, TemporaryDirectory() as folder:
        package = Path(folder) / "model.mlpackage"
        model.save(str(package))
        # Copied without its permissions, which let nobody but its owner read it.
        for file in (found for found in package.rglob("*") if found.is_file()):
            copy = temporary / file.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def _program(convolutions: Sequence[Convolution], sizes: Sequence[tuple[int, int]], bits: Literal[16, 8]) -> Any:
    """The coremltools model."""
    shapes = [(1, 3, *size) for size in sizes]
    one = len(shapes) == 1

    def painted(image: Any, mix: Any) -> Any:
        output = forward(_MilOps(bits, mix), convolutions, _Image(image, sizes[0] if one else NOMINAL))
        return mb.clip(x=output.var, alpha=0.0, beta=255.0, name="stylized")

    def stylized(image: Any) -> Any:
        return painted(image, None)

    def stylized_mix(image: Any, mix: Any) -> Any:
        return painted(image, mix)

    given = [mb.TensorSpec(shape=shapes[0] if one else (1, 3, get_new_symbol(), get_new_symbol()))]
    mixes = [(1, styles(convolutions), 1, 1)] if styles(convolutions) > 1 else []
    given += [mb.TensorSpec(shape=shape) for shape in mixes]
    program = mb.program(input_specs=given, opset_version=ct.target.iOS16)(stylized_mix if mixes else stylized)
    rgb, flexible = ct.colorlayout.RGB, None if one else ct.EnumeratedShapes(shapes)
    # Of a program, unlike of other sources, `convert` ignores the argument `outputs`.
    program.functions["main"].set_output_types([ct.ImageType("stylized", color_layout=rgb)])
    with redirect_stderr(io.StringIO()), warnings.catch_warnings():  # progress bars
        warnings.filterwarnings("ignore", "Implicitly cleaning up", ResourceWarning)  # of its temporary folder
        return ct.convert(
            program,
            inputs=[
                ct.ImageType("image", shape=flexible or shapes[0], color_layout=rgb),
                *(ct.TensorType("mix", shape=shape, dtype=np.float32) for shape in mixes),
            ],
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS16,
            compute_precision=ct.precision.FLOAT16,
            skip_model_load=True,
        )


def _rounded(kernel: np.ndarray, name: str) -> Any:
    """The kernel (out, in, k, k) as 8-bit levels and a step per output channel."""
    # Hardware may take float16's subnormal numbers for zero, and a channel's weights may all be zero.
    steps = np.maximum(np.abs(kernel).max((1, 2, 3)) / 127, HALF.smallest_normal).astype(np.float16)
    levels = np.clip(np.rint(kernel / steps[:, None, None, None].astype(np.float32)), -127, 127).astype(np.int8)
    return mb.constexpr_affine_dequantize(
        quantized_data=levels, zero_point=np.int8(0), scale=steps.astype(np.float32), axis=np.int32(0), name=name
    )


def _by_channel(values: np.ndarray) -> np.ndarray:
    """The values (C,) as a tensor (1, C, 1, 1)."""
    return values.astype(np.float32)[None, :, None, None]


def _with(size: tuple[int, int], axis: int, length: int) -> tuple[int, int]:
    return (length, size[1]) if axis == 1 else (size[0], length)
