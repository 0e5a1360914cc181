"""From whatever a picture file holds to 8-bit sRGB, the transparency apart."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from .errors import ImageError

ORIENTATION = 0x0112  # the EXIF tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# PNG (11.3.2.1) tells the transparent color in the file's own depth; Pillow's pixels have 8 bits.
DEPTHS = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 257}
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
BRIGHT = 16.0  # no scale of 0 to 255 if 99 of 100 floating-point values are below


def upright(image: Image.Image) -> Image.Image:
    """The loaded picture, turned as its EXIF asks for."""
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # of a damaged EXIF block, Pillow raises whatever it stumbles over
        turn = None
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.info = image.info
    return turned


def separate(image: Image.Image, raw: Any = None) -> tuple[Image.Image, Image.Image | None]:
    """The picture as RGB in sRGB, and its opacity (L), or None where nothing is transparent.

    Args:
        image: loaded, of any mode.
        raw: Pillow's name of the layout that the file holds, where it tells one.

    Raises:
        ImageError: there is no finite value in it.
    """
    if image.mode in PREMULTIPLIED:
        image = image.convert(PREMULTIPLIED[image.mode])
    alpha = _opacity(image, raw)
    if alpha is not None and alpha.getextrema()[0] == 255:
        alpha = None
    return _srgb(image), alpha


def _opacity(image: Image.Image, raw: Any) -> Image.Image | None:
    if not image.has_transparency_data:
        return None
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        return Image.fromarray(np.where(np.asarray(image) == key, 0, 255).astype(np.uint8))
    if (factor := DEPTHS.get(raw)) and isinstance(key, int | tuple):
        scaled = [round(part * factor) for part in (key if isinstance(key, tuple) else (key,))]
        image.info = image.info | {"transparency": tuple(scaled) if isinstance(key, tuple) else scaled[0]}
    return image.convert("RGBA").getchannel("A")


def _srgb(image: Image.Image) -> Image.Image:
    """8-bit RGB in sRGB, from any mode and embedded color profile."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        image = Image.fromarray(_eight_bits(np.asarray(image, np.float64), image.mode))
    elif image.mode in ("P", "PA", "RGBA"):
        image = image.convert("RGB")
    elif image.mode in ("1", "LA"):
        image = image.convert("L")
    converted = None
    if image.mode == "LAB":
        converted = _converted(image, ImageCms.createProfile("LAB"))
    elif profile:
        converted = _converted(image, profile)
    return image.convert("RGB") if converted is None else converted


def _converted(image: Image.Image, profile: Any) -> Image.Image | None:
    """In sRGB, or None if the profile is broken or of another color model: viewers do without it."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile) if isinstance(profile, bytes) else profile)
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _eight_bits(values: np.ndarray, mode: str) -> np.ndarray:
    """Gray values of more than 8 bits as 8 bits. Floats end at 1, 255 or 65,535, which only they can tell."""
    if mode != "F":
        top = 65_535.0 if mode != "I" else next(t for t in (255.0, 65_535.0, 2.0**31) if values.max(initial=0) <= t)
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
