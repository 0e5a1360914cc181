"""Converts to sRGB the colors of files that describe them by numbers, not by a profile.

PNG files give gamma and primaries (ISO/IEC 15948, 11.3.3), or code points of ITU-T H.273, as AVIF and HEIC files do.
In high dynamic range, reference white, 203 cd/m² (ITU-R BT.2408), becomes white. Brighter colors keep their hue, and
their largest channel becomes that of white.
"""

from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from PIL import Image

from ..srgb import encoded, linear
from .heads import CodePoints, code_points, profile_of_jp2

CODED = "code_points"  # the key of `Image.info`
SRGB = 1 / 2.2  # the gamma in files with sRGB
D65 = (0.3127, 0.329)
PRIMARIES = (*D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # x and y of white, red, green and blue, of sRGB
NEAR = 0.01  # tolerance: programs that mean sRGB differ by this much
# From XYZ to the cone responses in which one white is adapted to another (Bradford).
CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
UNTOLD = 2
SPACES: dict[int, tuple[float, ...]] = {  # ITU-T H.273, table 2
    1: PRIMARIES,
    UNTOLD: PRIMARIES,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
PQ, HLG = 16, 18
WHITE, PEAK = 203.0, 1000.0  # cd/m²: reference white, and the nominal peak of a display

Conversion = Callable[[np.ndarray], np.ndarray]


def _pq(values: np.ndarray) -> np.ndarray:
    """PQ values, 0 to 1, as light, 1 for reference white (SMPTE ST 2084; ITU-R BT.2100, table 4)."""
    root = values ** (32 / 2523)
    return 10_000 / WHITE * (np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)) ** (8192 / 1305)


def _hlg(values: np.ndarray) -> np.ndarray:
    """HLG values, 0 to 1, as the scene's light, 0 to 1 (ARIB STD-B67; ITU-R BT.2100, table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(values > 0.5, (np.exp((values - c) / a) + b) / 12, values**2 / 3)


CURVES: dict[int, Conversion] = {  # ITU-T H.273, table 3; BT.709 as cameras encode it looks right by sRGB
    **dict.fromkeys((1, UNTOLD, 6, 13, 14, 15), linear),
    4: lambda values: values**2.2,
    5: lambda values: values**2.8,
    8: lambda values: values,
    PQ: _pq,
    HLG: _hlg,
}


def note_colors(image: Image.Image, file: BinaryIO) -> None:
    """Adds to the picture's `info` the colors that the open file describes and Pillow does not read.

    Code points take precedence over the profile of a PNG file, but not over that of other files. Unknown code points
    are ignored.
    """
    if image.format == "JPEG2000" and (profile := profile_of_jp2(file)):
        image.info["icc_profile"] = profile
    points = code_points(file, image.format)
    if points is None and (nclx := image.info.get("nclx_profile")):  # of a HEIC file
        points = CodePoints(nclx["color_primaries"], nclx["transfer_characteristics"])
    if points is None or points.primaries not in SPACES or points.transfer not in CURVES:
        return
    unspecified = points.primaries == points.transfer == UNTOLD
    if not unspecified and (image.format == "PNG" or "icc_profile" not in image.info):
        image.info[CODED] = points


def conversion(image: Image.Image) -> Conversion | None:
    """The conversion to sRGB, (H, W, 3) uint8 to the same; None if the file has sRGB, or does not give its colors."""
    info = image.info
    if CODED in info:
        return _of_points(info[CODED])
    if image.format != "PNG" or "icc_profile" in info or "srgb" in info:
        return None
    gamma, primaries = info.get("gamma", SRGB), info.get("chromaticity", PRIMARIES)
    plain = abs(gamma / SRGB - 1) <= NEAR
    if (plain and _is_srgb(primaries)) or not 0.05 <= gamma <= 5:
        return None
    values = np.arange(256) / 255
    return _of_light(linear(values) if plain else values ** (1 / gamma), primaries)


def _of_points(points: CodePoints) -> Conversion | None:
    primaries, curve = SPACES[points.primaries], CURVES[points.transfer]
    if curve is linear and points.full and _is_srgb(primaries):
        return None
    values = np.arange(256) / 255 if points.full else np.clip((np.arange(256) - 16) / 219, 0, 1)
    return _of_light(curve(values), primaries, points.transfer)


def _is_srgb(primaries: tuple[float, ...]) -> bool:
    return bool(np.allclose(primaries, PRIMARIES, atol=NEAR))


def _of_light(table: np.ndarray, primaries: tuple[float, ...], transfer: int = UNTOLD) -> Conversion | None:
    """The conversion, from the linear light of each of the 256 values; None if the primaries are invalid."""
    light = table.astype(np.float32)
    if _is_srgb(primaries) and transfer not in (PQ, HLG):
        levels = _levels(light)
        return lambda pixels: levels[pixels]
    try:
        xyz = to_xyz(primaries)
        matrix = np.linalg.solve(to_xyz(PRIMARIES), xyz).T.astype(np.float32)
    except (ArithmeticError, ValueError):  # LinAlgError is one
        return None
    luminance = xyz[1].astype(np.float32)

    def convert(pixels: np.ndarray) -> np.ndarray:
        colors = light[pixels]
        if transfer == HLG:  # from the scene's light to a display's (ITU-R BT.2100, table 5, OOTF)
            colors *= np.float32(PEAK / WHITE) * (colors @ luminance)[..., None] ** np.float32(0.2)
        colors = colors @ matrix
        if transfer in (PQ, HLG):
            colors /= np.maximum(colors.max(axis=-1, keepdims=True), 1)
        return _levels(colors)

    return convert if np.isfinite(matrix).all() else None


def _levels(light: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1, as 8-bit sRGB."""
    levels: np.ndarray = np.rint(255 * encoded(light)).astype(np.uint8)
    return levels


def to_xyz(primaries: tuple[float, ...]) -> np.ndarray:
    """The matrix from linear RGB to XYZ, adapted to sRGB's white (http://www.brucelindbloom.com, RGB/XYZ Matrices)."""
    white, *colors = (
        np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    )
    x, y = D65
    wanted = np.array([x / y, 1, (1 - x - y) / y])
    columns = np.stack(colors, axis=1)
    scaled = columns * np.linalg.solve(columns, white)
    adapted = np.linalg.solve(CONES, np.diag((CONES @ wanted) / (CONES @ white)) @ CONES)
    matrix: np.ndarray = adapted @ scaled
    return matrix
