"""Converts the pixels of any picture file to upright 8-bit sRGB, with the transparency separate."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from ..errors import ImageError
from .told_colors import CODED, conversion

ORIENTATION = 0x0112  # the EXIF tag
# By value of the tag (Exif 2.32, 4.6.5): views an upright picture in the orientation of the file.
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
ON_ITS_SIDE = 5  # this orientation and those above it swap height and width
STRIP = 4_000_000  # pixels converted at a time: all at once would take several times the picture's memory
# PNG (11.3.2.1) gives the transparent color at the file's own bit depth; these factors scale it to Pillow's 8 bits.
DEPTHS = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 257}
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
PLAIN = {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "1": "L", "LA": "L"}  # modes to convert before a profile
SAMPLE_FORMAT, SIGNED_BYTES = 339, (2,)  # a tag of TIFF (TIFF 6.0, section 19), and a value
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # a TIFF tag (TIFF 6.0, section 3) and a value, which Pillow applies to 8 bits
UNSIGNED, SIGNED = (
    "I;32N",
    ("I;16S", "I;16BS", "I;16NS"),
)  # raw layouts of the mode "I", which does not give their range of values
TWELVE_BITS = "I;12"  # a raw layout in a mode of 16 bits
GRAY_ALPHA = "LA;16B"  # Pillow decodes it as RGBA, which no profile of grays fits
LAYOUT = "layout"  # the key of `Image.info` for how gray values stand for colors, and for the orientation
SIDE_BY_SIDE, APART = "side by side", "apart"
BRIGHT = 16.0  # fractional floats are not on a scale of 0 to 255 if 99 % of them are at most this


def separate(image: Image.Image, raw: Any = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Upright sRGB pixels, (H, W, 3), and the opacity, (H, W), or None if nothing is transparent; uint8, writable.

    Args:
        image: loaded, of any mode, in the orientation of the file.
        raw: Pillow's name of the file's raw layout, if known.

    Raises:
        ImageError: it has no finite value.
    """
    if image.mode in PREMULTIPLIED:
        image = image.convert(PREMULTIPLIED[image.mode])
    if _is_ink(image):
        image, info = Image.frombytes("CMYK", image.size, image.tobytes()), image.info
        image.info = info
    layout, noted_orientation = image.info.get(LAYOUT, ("", 0))
    colors = image
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        values = values.view(np.uint32) if raw == UNSIGNED else values
        gray = _eight_bits(values.astype(np.float64), image.mode, raw)
        negative = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
        colors = Image.fromarray(_as_colors(255 - gray if negative else gray, layout))
    elif image.mode == "L" and tags.get(SAMPLE_FORMAT) == SIGNED_BYTES:  # white is 127, as it is 32,767 in 16 bits
        colors = image.point([round(255 * value / 127) if value < 128 else 0 for value in range(256)])
    elif raw == GRAY_ALPHA:
        colors = image.getchannel(0)
    convert = conversion(image)
    profile = None if CODED in image.info else image.info.get("icc_profile")
    transform = _transform(PLAIN.get(colors.mode, colors.mode), profile)
    orientation = noted_orientation if noted_orientation in AS_STORED else _orientation(image)
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
    """The grays as colors, (H, W, 3), if `layout` says that they are colors; else unchanged."""
    if layout == SIDE_BY_SIDE:
        return grays.reshape(len(grays), -1, 3)
    return np.stack(np.split(grays, 3), axis=-1) if layout == APART else grays


def _is_ink(image: Image.Image) -> bool:
    """Whether Pillow has read CMYK as RGBA, which only the profile shows."""
    profile = image.info.get("icc_profile", b"")
    return image.format == "JPEG2000" and image.mode == "RGBA" and profile[16:20] == b"CMYK"  # ICC.1, 7.2.6


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # on a damaged EXIF block, Pillow may raise anything
        return 1
    return orientation if orientation in AS_STORED else 1


def _opacity(image: Image.Image, raw: Any) -> np.ndarray:
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        return np.where(np.asarray(image) == key, 0, 255).astype(np.uint8)
    if (factor := DEPTHS.get(raw)) and isinstance(key, int | tuple):
        scaled = [round(part * factor) for part in (key if isinstance(key, tuple) else (key,))]
        image.info["transparency"] = tuple(scaled) if isinstance(key, tuple) else scaled[0]
    return np.asarray(image.convert("RGBA").getchannel("A"))


def _srgb(image: Image.Image, transform: ImageCms.ImageCmsTransform | None) -> Image.Image:
    """Converts an 8-bit picture to 8-bit RGB, by the transform if there is one."""
    if image.mode in PLAIN:
        image = image.convert(PLAIN[image.mode])
    converted = None if transform is None else ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if converted is None else converted


def _transform(mode: str, profile: bytes | None) -> ImageCms.ImageCmsTransform | None:
    """The transform to sRGB; None if the profile is missing, broken or of another color model: viewers ignore it."""
    if mode != "LAB" and not profile:
        return None
    try:
        lab = ImageCms.createProfile("LAB") if mode == "LAB" else None
        source = ImageCms.ImageCmsProfile(lab or io.BytesIO(profile or b""))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _eight_bits(values: np.ndarray, mode: str, raw: Any) -> np.ndarray:
    """Scales gray values of more than 8 bits to 8 bits. White is 1, 255 or 65,535 in floats, judged by the values."""
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
        unit = largest <= 1 or (usual <= BRIGHT and not whole)  # a few highlights must not darken the rest
        top = 1.0 if unit else 255.0 if usual <= 255 else 65_535.0
        values = np.nan_to_num(values, nan=0.0, posinf=top, neginf=0.0)
    scaled: np.ndarray = np.clip(np.rint(values / top * 255), 0, 255).astype(np.uint8)
    return scaled
