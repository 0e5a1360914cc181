"""The colors of a PNG file that tells its gamma and primaries, and no profile (ISO/IEC 15948, 11.3.3), as sRGB."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ..srgb import encoded, linear

SRGB = 1 / 2.2  # the gamma that files in sRGB tell
PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # x and y of white, red, green and blue, of sRGB
NEAR = 0.01  # what programs differ by that mean sRGB
# From XYZ to the responses of the eye in which a white is adapted to another (Bradford).
CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

Conversion = Callable[[np.ndarray], np.ndarray]


def conversion(image: Image.Image) -> Conversion | None:
    """What makes sRGB of the picture's colors, (H, W, 3) uint8 both; None if they are, or if the file does not tell."""
    told = image.info
    if image.format != "PNG" or "icc_profile" in told or "srgb" in told:
        return None
    gamma, primaries = told.get("gamma", SRGB), told.get("chromaticity", PRIMARIES)
    plain, known = abs(gamma / SRGB - 1) <= NEAR, np.allclose(primaries, PRIMARIES, atol=NEAR)
    if (plain and known) or not 0.05 <= gamma <= 5:
        return None
    values = np.arange(256) / 255
    light = (linear(values) if plain else values ** (1 / gamma)).astype(np.float32)
    if known:
        table = _levels(light)
        return lambda pixels: table[pixels]
    try:
        matrix = np.linalg.solve(to_xyz(PRIMARIES), to_xyz(primaries)).T.astype(np.float32)
    except (ArithmeticError, ValueError):  # LinAlgError is one; these are no colors
        return None
    return (lambda pixels: _levels(light[pixels] @ matrix)) if np.isfinite(matrix).all() else None


def _levels(light: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1, as bytes of sRGB."""
    levels: np.ndarray = np.rint(255 * encoded(light)).astype(np.uint8)
    return levels


def to_xyz(primaries: tuple[float, ...]) -> np.ndarray:
    """The matrix from linear RGB to XYZ under the white of sRGB (http://www.brucelindbloom.com, RGB/XYZ Matrices)."""
    white, *colors = (
        np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    )
    x, y = PRIMARIES[:2]
    wanted = np.array([x / y, 1, (1 - x - y) / y])
    columns = np.stack(colors, axis=1)
    scaled = columns * np.linalg.solve(columns, white)
    adapted = np.linalg.solve(CONES, np.diag((CONES @ wanted) / (CONES @ white)) @ CONES)
    matrix: np.ndarray = adapted @ scaled
    return matrix
