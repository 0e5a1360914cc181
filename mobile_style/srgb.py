"""The curve of sRGB (IEC 61966-2-1), both ways."""

import numpy as np


def linear(values: np.ndarray) -> np.ndarray:
    """The light, 0 to 1, of a channel's values, 0 to 1."""
    light: np.ndarray = np.where(values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92)
    return light


def encoded(light: np.ndarray) -> np.ndarray:
    """The values, 0 to 1, of a channel's light, which is kept within 0 to 1."""
    light = np.clip(light, 0, 1)
    values: np.ndarray = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    return values
