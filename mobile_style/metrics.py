"""How far two pictures are apart, and what is wrong with one: every figure of the gate.

Pictures are uint8, (H, W, 3), RGB. One definition of each metric, used everywhere.
"""

from functools import reduce

import numpy as np

from .srgb import linear

IDENTICAL = 100.0  # dB, of pictures that are equal, or as good as: JSON has no infinity
VISIBLE = 8  # gray levels: a pixel that is further off counts as off
WINDOW = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)  # of SSIM: 11 pixels, standard deviation 1.5
WINDOW /= WINDOW.sum()
XYZ = np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])  # of linear sRGB, rows
XYZ /= (0.9505, 1.0, 1.089)  # of white, D65
LAB_GREEN_RED, LAB_BLUE_YELLOW = 500, 200
BLOCK = 4  # pixels: side of the smallest spot that is looked for
SPOTS = (BLOCK, 16, 32)  # sides of spots in the mean difference: the larger, the fainter one is seen
TEXTURES = (16, 64, 256)  # pixels: sides of the spots in which a fixed pattern is looked for, the larger, the fainter
DETAIL, FAINT = 16, 3  # pixels: side of the spots in which detail is compared; gray levels: detail that is none
TONES, RARE_TONE = 8, 0.005  # ranges of values that are looked at one by one; share of the pixels below which not
COLORS, RARE_COLOR = 5, 0.01  # of each channel, which together are cells of color; likewise
NEAR = 4  # pixels: rounding may move a stroke as far
CLOSE, FOREIGN = 2, 8  # pixels: how far it moves most strokes; side of the spots in which foreign colors are looked for
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
            z = sum(weight * part for part, weight in zip(_shifted(z, len(WINDOW), axis), WINDOW, strict=True))
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


def block(expected: np.ndarray, output: np.ndarray) -> float:
    """How foreign the colors of the worst `BLOCK` x `BLOCK` pixels are, in gray levels.

    How far a channel of the output lies outside the range that the expected picture has within `NEAR` pixels, as `spot`
    sees it. Rounding moves strokes, so a pixel of an honest export may be far off; but its color is there nearby.
    """
    return spot(_outside(expected.astype(np.int16), output.astype(np.int16), NEAR))


def foreign(expected: np.ndarray, output: np.ndarray) -> np.ndarray:
    """How foreign the color of each pixel is, in gray levels, (H, W, 6).

    As for `block`, but for colors within `CLOSE` pixels, and for the differences of two channels, too: green in a dark
    blue place with a white stroke has no channel that is not there, but more green than red.
    """
    expected, output = (each.astype(np.int16) for each in (expected, output))
    before, after = (np.concatenate([each, each - np.roll(each, 1, axis=2)], axis=2) for each in (expected, output))
    return _outside(before, after, CLOSE)


def _outside(expected: np.ndarray, output: np.ndarray, near: int) -> np.ndarray:
    """How far a channel of the output lies outside the range that the expected one has within so many pixels."""
    low = high = np.pad(expected, ((near, near), (near, near), (0, 0)), mode="edge")
    for axis in (0, 1):
        low = reduce(np.minimum, _shifted(low, 2 * near + 1, axis))
        high = reduce(np.maximum, _shifted(high, 2 * near + 1, axis))
    return np.asarray(np.maximum(np.maximum(low - output, output - high), 0))


def spot(difference: np.ndarray, side: int = BLOCK) -> float:
    """Largest mean of a channel over any `side` x `side` pixels of a difference, (H, W, 3); its sign left out.

    Of a difference with a shorter side, over squares of that.
    """
    return float(np.abs(_means(difference, side)).max())


def texture(mean: np.ndarray, variance: np.ndarray, side: int) -> float:
    """Strength of the worst pattern that all photos have at one place, in gray levels; flat spots are left to `spot`.

    The root of the largest variance of a channel within any `side` x `side` pixels of the mean difference, less what
    the photos' own differences leave in a mean of so many. That is little in a large spot, so faint ripples, gradients
    and clouds are found there.

    Args:
        mean: difference over all photos, (H, W, 3).
        variance: of that mean, from how far the photos are apart: theirs (unbiased) over their number, (H, W, 3).
        side: in pixels, one of `TEXTURES`.
    """
    power, flat = _means(np.square(mean) - variance, side), _means(mean, side)
    return float(np.sqrt(max(0.0, (power - np.square(flat)).max())))


def roughness(picture: np.ndarray) -> np.ndarray:
    """How far each pixel is from the mean of 3 x 3 around it: squared gray levels, mean over channels, (H, W, 1)."""
    around = np.pad(picture.astype(np.float64), ((1, 1), (1, 1), (0, 0)), mode="edge")
    return np.asarray(np.square(picture - _means(around, 3)).mean(axis=2, keepdims=True))


def detail(expected: np.ndarray, output: np.ndarray) -> float:
    """Largest change of the strength of detail in any `DETAIL` x `DETAIL` pixels: 0.2 is 20% less or 20% more.

    Blur and shrunken contrast lower it, sharpening and noise raise it. Detail below `FAINT` gray levels hardly counts,
    as rounding changes a large share of it.

    Args:
        expected: the mean `roughness` of all photos' expected pictures.
        output: that of what they became.
    """
    before, after = (_means(each, DETAIL) + FAINT**2 for each in (expected, output))
    return float(np.abs(np.sqrt(after / before) - 1).max())


def line(difference: np.ndarray) -> float:
    """Largest mean of a channel over any whole row or column of a difference, (H, W, 3); its sign left out."""
    return float(max(np.abs(difference.mean(axis=axis)).max() for axis in (0, 1)))


def tint(difference: np.ndarray) -> float:
    """Largest mean of a channel over the whole of a difference, (H, W, 3); its sign left out."""
    return float(np.abs(difference.mean(axis=(0, 1))).max())


def tones(expected: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Sums that `tone` judges, of one picture or, added up, of several.

    Returns:
        (2, 3, TONES): the sum of the differences and the number of the pixels of each channel whose expected value lies
        in each eighth of 0..255.
    """
    return _sums(expected // (256 // TONES), output.astype(int) - expected, TONES)


def tone(sums: np.ndarray) -> float:
    """Largest mean difference that `tones` found, its sign left out: of contrast, of clipped ends, of saturation.

    An eighth that fewer than `RARE_TONE` of the pixels have does not count.
    """
    return _largest_mean(sums, RARE_TONE)


def colors(expected: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Sums that `color` judges, of one picture or, added up, of several.

    Returns:
        (2, 3, COLORS^3): the sum of each channel's differences and the number of the pixels whose expected color lies
        in each cell of color: whose red, green and blue each lie in one fifth of 0..255.
    """
    red, green, blue = np.moveaxis(expected.astype(int) * COLORS // 256, 2, 0)
    cells = (red * COLORS + green) * COLORS + blue
    return _sums(np.stack([cells] * 3, axis=2), output.astype(int) - expected, COLORS**3)


def color(sums: np.ndarray) -> float:
    """Largest mean difference that `colors` found, its sign left out: of hue, which `tone` misses if no value changes.

    A cell of color that fewer than `RARE_COLOR` of the pixels have does not count.
    """
    return _largest_mean(sums, RARE_COLOR)


def _sums(labels: np.ndarray, differences: np.ndarray, count: int) -> np.ndarray:
    """Of each channel, the sum of the differences with each label, and their number: (2, 3, count)."""
    pairs = list(zip(labels.reshape(-1, 3).T, differences.reshape(-1, 3).T, strict=True))
    return np.stack(
        [[np.bincount(each, d, count) for each, d in pairs], [np.bincount(each, minlength=count) for each, _ in pairs]]
    )


def _largest_mean(sums: np.ndarray, rare: float) -> float:
    """Over the labels of `_sums` that at least a share `rare` of the pixels have, its sign left out."""
    differences, counts = sums
    common = counts >= rare * counts.sum(axis=1, keepdims=True)
    return float(np.abs(differences[common] / counts[common]).max(initial=0.0))


def _means(z: np.ndarray, side: int) -> np.ndarray:
    """Over every `side` x `side` pixels inside (H, W, C); where that has a shorter side, over squares of it."""
    side = min(side, *z.shape[:2])
    sums = np.pad(z.astype(np.float64), ((1, 0), (1, 0), (0, 0))).cumsum(axis=0).cumsum(axis=1)
    rows = sums[side:] - sums[:-side]
    return np.asarray((rows[:, side:] - rows[:, :-side]) / side**2)


def _shifted(z: np.ndarray, length: int, axis: int) -> list[np.ndarray]:
    """What a window of that length sees at each of its places, where the window lies inside."""
    inside = z.shape[axis] - length + 1
    return [z[at : at + inside] if axis == 0 else z[:, at : at + inside] for at in range(length)]


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


def palette_distance(picture: np.ndarray, painting: np.ndarray) -> float:
    """How far the picture's colors are from the painting's, in units of CIE Lab; 2 is hardly seen.

    The sliced Wasserstein distance of the two sets of colors (Bonneel et al. 2015,
    https://doi.org/10.1007/s10851-014-0506-3) over 64 directions. The pictures may differ in size.
    """
    return float(np.abs(palette_quantiles(picture, 64) - palette_quantiles(painting, 64)).mean())


def lab(picture: np.ndarray) -> np.ndarray:
    """CIE Lab (D65) of an sRGB picture, 0..255: (..., 3) float64, L from 0 to 100, a and b from about -100 to 100."""
    xyz = linear(picture / 255.0) @ XYZ
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    green_red, blue_yellow = LAB_GREEN_RED * (f[..., 0] - f[..., 1]), LAB_BLUE_YELLOW * (f[..., 1] - f[..., 2])
    return np.stack([116 * f[..., 1] - 16, green_red, blue_yellow], axis=-1)


def directions(count: int) -> np.ndarray:
    """Unit vectors, the same ones each time: (count, 3)."""
    found = np.random.default_rng(0).normal(size=(count, 3))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def palette_quantiles(picture: np.ndarray, count: int) -> np.ndarray:
    """512 quantiles of the picture's colors in Lab along each of `directions(count)`: (512, count)."""
    shares = (np.arange(512) + 0.5) / 512
    return np.asarray(np.quantile(lab(picture).reshape(-1, 3) @ directions(count).T, shares, axis=0))
