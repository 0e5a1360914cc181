"""How far two pictures are apart, and what is wrong with one: every figure of the gate.

Pictures are uint8, (H, W, 3), RGB. One definition of each metric, used everywhere.
"""

import numpy as np

IDENTICAL = 100.0  # dB, of pictures that are equal, or as good as: JSON has no infinity
VISIBLE = 8  # gray levels: a pixel that is further off counts as off
WINDOW = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)  # of SSIM: 11 pixels, standard deviation 1.5
WINDOW /= WINDOW.sum()
RING = 4  # pixels: width of the border that is compared with what lies inside it


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels, peak 255; at most `IDENTICAL`."""
    error = np.mean(np.square(a.astype(np.float64) - b))
    return IDENTICAL if error == 0 else min(IDENTICAL, float(10 * np.log10(255**2 / error)))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity, the mean over pixels and channels, at most 1.

    Wang et al. 2004 (https://doi.org/10.1109/TIP.2003.819861): a Gaussian window of 11x11 pixels with
    standard deviation 1.5, K1 = 0.01, K2 = 0.03, only windows that lie inside the picture.
    """
    x, y = a.astype(np.float64), b.astype(np.float64)

    def local(z: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            inside = z.shape[axis] - len(WINDOW) + 1
            z = sum(weight * np.take(z, np.arange(inside) + at, axis) for at, weight in enumerate(WINDOW))
        return z

    mean_x, mean_y = local(x), local(y)
    variances = local(x * x) - mean_x**2 + local(y * y) - mean_y**2
    covariance = local(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(
        np.mean((2 * mean_x * mean_y + c1) * (2 * covariance + c2) / ((mean_x**2 + mean_y**2 + c1) * (variances + c2)))
    )


def largest_difference(a: np.ndarray, b: np.ndarray) -> int:
    """The largest difference of any pixel's channel, in gray levels."""
    return int(np.abs(a.astype(int) - b).max())


def share_off(a: np.ndarray, b: np.ndarray) -> float:
    """Share of the pixels of which a channel is off by more than `VISIBLE` gray levels, 0 to 1."""
    return float((np.abs(a.astype(int) - b).max(axis=2) > VISIBLE).mean())


def border(picture: np.ndarray) -> float:
    """How much of a frame the picture has, in gray levels.

    The mean color of the outermost `RING` pixels along each side against the `RING` pixels inside
    them; the root of the mean square over the sides and channels. Content crosses the line between
    the two by chance, a frame runs along it: compare with the float reference's score.
    """
    steps = []
    for quarter in range(4):
        side = np.rot90(picture, quarter).astype(np.float64)
        steps.append(side[:RING].mean(axis=(0, 1)) - side[RING : 2 * RING].mean(axis=(0, 1)))
    return float(np.sqrt(np.mean(np.square(steps))))


def checkerboard(picture: np.ndarray) -> float:
    """Amplitude, in gray levels, of the strongest wave of the brightness that repeats every 2 or 4 pixels.

    Those are the periods in which upsampling shows; across and down each may be 2, 4 or none. Taken over the largest
    part of the picture whose sides are multiples of 4.
    """
    rows, columns = (length // 4 for length in picture.shape[:2])
    gray = picture[: 4 * rows, : 4 * columns].astype(np.float64).mean(axis=2)
    tile = gray.reshape(rows, 4, columns, 4).mean(axis=(0, 2))  # such waves add up in it, others cancel
    waves = np.abs(np.fft.fft2(tile - tile.mean())) / tile.size
    waves *= 2  # each has a mirror image,
    waves[::2, ::2] /= 2  # but for those at zero and at the Nyquist frequency
    return float(waves.max())
