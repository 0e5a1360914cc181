"""From whatever a picture file holds to 8-bit sRGB, upright, the transparency apart."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from ..errors import ImageError
from .told_colors import CODED, conversion

ORIENTATION = 0x0112  # the EXIF tag
# By its values (Exif 2.32, 4.6.5), the upright picture as it lies in the file.
AS_STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}
ON_ITS_SIDE = 5  # this orientation, and those above it
STRIP = 4_000_000  # pixels that are converted at a time: all at once would take the picture's memory several times over
# PNG (11.3.2.1) tells the transparent color in the file's own depth; Pillow's pixels have 8 bits.
DEPTHS = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 257}
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
PLAIN = {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "1": "L", "LA": "L"}  # modes that profiles are not applied to
SAMPLE_FORMAT, SIGNED_BYTES = 339, (2,)  # a tag of TIFF (TIFF 6.0, section 19), and a value
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # a tag of TIFF (TIFF 6.0, section 3); of 8 bits, Pillow looks at it itself
UNSIGNED, SIGNED = (
    "I;32N",
    ("I;16S", "I;16BS", "I;16NS"),
)  # layouts whose mode, "I", does not tell where their values end
TWELVE_BITS = "I;12"  # whose mode is that of 16 bits
GRAY_ALPHA = "LA;16B"  # of which Pillow makes RGBA, which no profile of grays fits
LAYOUT = "layout"  # the key of `Image.info` for how a picture's grays are colors, and its orientation
SIDE_BY_SIDE, APART = "side by side", "apart"
BRIGHT = 16.0  # no scale of 0 to 255 if 99 of 100 floating-point values are below


def separate(image: Image.Image, raw: Any = None) -> tuple[np.ndarray, np.ndarray | None]:
    """The picture, (H, W, 3), and its opacity, (H, W), or None where nothing is transparent; both uint8 and writable.

    Args:
        image: loaded, of any mode, lying as it does in the file.
        raw: Pillow's name of the layout that the file holds, where it tells one.

    Raises:
        ImageError: there is no finite value in it.
    """
    if image.mode in PREMULTIPLIED:
        image = image.convert(PREMULTIPLIED[image.mode])
    if _is_ink(image):
        image, told = Image.frombytes("CMYK", image.size, image.tobytes()), image.info
        image.info = told
    layout, turned = image.info.get(LAYOUT, ("", 0))
    colors = image
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        values = values.view(np.uint32) if raw == UNSIGNED else values
        gray = _eight_bits(values.astype(np.float64), image.mode, raw)
        negative = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
        colors = Image.fromarray(_as_colors(255 - gray if negative else gray, layout))
    elif image.mode == "L" and tags.get(SAMPLE_FORMAT) == SIGNED_BYTES:  # which end at 127, as those of 16 at 32,767
        colors = image.point([round(255 * value / 127) if value < 128 else 0 for value in range(256)])
    elif raw == GRAY_ALPHA:
        colors = image.getchannel(0)
    convert = conversion(image)
    profile = None if CODED in image.info else image.info.get("icc_profile")
    transform = _transform(PLAIN.get(colors.mode, colors.mode), profile)
    orientation = turned if turned in AS_STORED else _orientation(image)
    height, width = colors.size if orientation >= ON_ITS_SIDE else colors.size[::-1]
    pixels = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if image.has_transparency_data else None
    as_stored = AS_STORED[orientation]
    rows = max(1, STRIP // colors.width)
    for top in range(0, colors.height, rows):
        strip = (0, top, colors.width, min(colors.height, top + rows))
        rgb = np.asarray(_srgb(colors.crop(strip), transform))
        as_stored(pixels)[top : top + rows] = rgb if convert is None else convert(rgb)
        if alpha is not None:
            as_stored(alpha)[top : top + rows] = _opacity(image.crop(strip), raw)
    return pixels, alpha if alpha is not None and alpha.min() < 255 else None


def _as_colors(grays: np.ndarray, layout: str) -> np.ndarray:
    """The three values of each pixel, where grays are such; else the grays."""
    if layout == SIDE_BY_SIDE:
        return grays.reshape(len(grays), -1, 3)
    return np.stack(np.split(grays, 3), axis=-1) if layout == APART else grays


def _is_ink(image: Image.Image) -> bool:
    """Whether Pillow has taken four inks for colors with transparency, as their profile alone tells."""
    told = image.info.get("icc_profile", b"")
    return image.format == "JPEG2000" and image.mode == "RGBA" and told[16:20] == b"CMYK"  # ICC.1, 7.2.6


def _orientation(image: Image.Image) -> int:
    try:
        told = image.getexif().get(ORIENTATION, 1)
    except Exception:  # of a damaged EXIF block, Pillow raises whatever it stumbles over
        return 1
    return told if told in AS_STORED else 1


def _opacity(image: Image.Image, raw: Any) -> np.ndarray:
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        return np.where(np.asarray(image) == key, 0, 255).astype(np.uint8)
    if (factor := DEPTHS.get(raw)) and isinstance(key, int | tuple):
        scaled = [round(part * factor) for part in (key if isinstance(key, tuple) else (key,))]
        image.info["transparency"] = tuple(scaled) if isinstance(key, tuple) else scaled[0]
    return np.asarray(image.convert("RGBA").getchannel("A"))


def _srgb(image: Image.Image, transform: ImageCms.ImageCmsTransform | None) -> Image.Image:
    """8-bit RGB of a picture of 8 bits."""
    if image.mode in PLAIN:
        image = image.convert(PLAIN[image.mode])
    converted = None if transform is None else ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if converted is None else converted


def _transform(mode: str, profile: bytes | None) -> ImageCms.ImageCmsTransform | None:
    """To sRGB; None if there is no profile, or a broken one or of another color model: viewers do without it."""
    if mode != "LAB" and not profile:
        return None
    try:
        lab = ImageCms.createProfile("LAB") if mode == "LAB" else None
        source = ImageCms.ImageCmsProfile(lab or io.BytesIO(profile or b""))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _eight_bits(values: np.ndarray, mode: str, raw: Any) -> np.ndarray:
    """Gray values of more than 8 bits as 8 bits. Floats end at 1, 255 or 65,535, which only they can tell."""
    if mode != "F":
        tops = (255.0, 32_767.0 if raw in SIGNED else 65_535.0, 2.0**32 - 1 if raw == UNSIGNED else 2.0**31)
        largest = 4_095.0 if raw == TWELVE_BITS else 65_535.0
        top = largest if mode != "I" else next(t for t in tops if values.max(initial=0) <= t)
    else:
        finite = values[np.isfinite(values)]
        if not finite.size:
            raise ImageError("has no pixel that is a number")
        largest, usual = finite.max(), np.quantile(finite, 0.99)
        whole = largest > 1 and bool((finite == np.rint(finite)).all())
        unit = largest <= 1 or (usual <= BRIGHT and not whole)  # single lights do not make the rest dark
        top = 1.0 if unit else 255.0 if usual <= 255 else 65_535.0
        values = np.nan_to_num(values, nan=0.0, posinf=top, neginf=0.0)
    scaled: np.ndarray = np.clip(np.rint(values / top * 255), 0, 255).astype(np.uint8)
    return scaled
