"""The only place that decodes, resizes, crops, lays out or writes pictures.

A picture is a uint8 array (H, W, 3), RGB, in the sRGB colour space, upright.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from .errors import ImageError, OutputError
from .files import writing

MAX_PIXELS = 200_000_000  # a 14,000 x 14,000 scan; more is taken for a decompression bomb
MAX_SIDE = 65_500  # of a JPEG file
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
UNREADABLE = frozenset({".heic", ".heif"})

Image.MAX_IMAGE_PIXELS = None  # checked against MAX_PIXELS below, before anything is decoded


def find(paths: Iterable[Path], wanted: Callable[[Path], bool] | None = None) -> list[Path]:
    """The `wanted` files (by default images) under `paths`, folders searched all the way down; each once.

    Hidden files and folders are left out. A file that is named itself is taken whatever its name.
    """
    wanted = wanted or is_image
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(sorted(filter(wanted, _inside(path)))))
        elif path.exists():
            found[path] = None
        else:
            raise ImageError(f"{path} does not exist")
    return list(found)


def _inside(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(place)) in seen:  # a link to where it lies itself
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]  # such as a photo program's bin
        yield from (Path(place) / name for name in names if not name.startswith("."))


def photos(folder: Path, limit: int | None = None) -> list[Path]:
    """The first so many images under a folder.

    Raises:
        ImageError: there are none, or there is no such folder.
    """
    files = find([folder])[:limit]
    if not files:
        raise ImageError(f"no photos in {folder}")
    return files


def is_image(path: Path) -> bool:
    """Whether the name is that of an image file."""
    return path.suffix.lower() in SUFFIXES


def is_photo(path: Path) -> bool:
    """Whether the name is that of a photo, even of a kind that cannot be read here, which should be said."""
    return is_image(path) or path.suffix.lower() in UNREADABLE


def load(source: Path | bytes) -> np.ndarray:
    """Decodes a picture of any mode and orientation; transparency is laid on white.

    Raises:
        ImageError: not an image, damaged, an animation, or larger than `MAX_PIXELS`.
    """
    rgb, alpha = load_with_alpha(source)
    if alpha is None:
        return rgb
    opacity = alpha[..., None] / np.float32(255)
    return np.asarray(np.rint(rgb * opacity + 255 * (1 - opacity)), np.uint8)


def pixels_of(picture: np.ndarray | Image.Image | Path | str) -> np.ndarray:
    """The pixels of an array, a PIL image or a file: (H, W, 3) uint8, RGB.

    Raises:
        ImageError: an array of another shape or type, or a file that `load` refuses.
    """
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise ImageError(f"a picture is an array (H, W, 3) of uint8, not {picture.shape} of {picture.dtype}")
        return picture
    if isinstance(picture, Image.Image):
        with io.BytesIO() as buffer:  # by the same way as a file: orientation, profile and transparency
            picture.save(buffer, "PNG", exif=picture.getexif(), icc_profile=picture.info.get("icc_profile"))
            return load(buffer.getvalue())
    return load(Path(picture))


def load_with_alpha(source: Path | bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Like `load`, with the transparency apart: (H, W, 3) and (H, W) or None, both uint8."""
    name = "the picture" if isinstance(source, bytes) else str(source)
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            _refuse_bombs_and_animations(image, name)
            upright = ImageOps.exif_transpose(image)
            alpha = upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None
            opaque = alpha is None or alpha.getextrema()[0] == 255
            return np.asarray(_srgb(upright)), None if opaque else np.asarray(alpha)
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not an image that can be read; save it as JPEG or PNG") from None
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise whatever they stumble over
        if isinstance(error, OSError) and error.strerror:
            raise ImageError(f"{name} cannot be read: {error.strerror}") from None
        raise ImageError(f"{name} is damaged ({error}); save it again or leave it out") from None


def _refuse_bombs_and_animations(image: Image.Image, name: str) -> None:
    """Looks at the header alone; nothing is decoded yet."""
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"{name} has {image.width} x {image.height} pixels; shrink it below {MAX_PIXELS // 10**6} million"
        )
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in ("MPO", "TIFF"):  # those hold a preview or further pages
        raise ImageError(f"{name} is an animation of {frames} frames; save one frame as PNG, or all of them as MP4")


def _srgb(image: Image.Image) -> Image.Image:
    """8-bit RGB in sRGB, from any mode and embedded colour profile."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float32)
        # 16-bit greyscale arrives as I;16 or I; Pillow's own conversion would clip it at 255. Floats may end at 1.
        whole = image.mode != "F" or values.max(initial=0) > 255
        values = values / np.float32(257) if whole else values * 255 if values.max(initial=0) <= 1 else values
        return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8)).convert("RGB")
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        base = image.convert("RGB") if image.mode == "RGBA" else image
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(base, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: the plain conversion below is what viewers do
    return image.convert("RGB")


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at another size (Lanczos, which averages when it shrinks)."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def with_shorter_side(image: np.ndarray, size: int) -> np.ndarray:
    """The picture with its shorter side `size` pixels long, proportions kept.

    Raises:
        ImageError: the longer side would not fit into a JPEG file.
    """
    height, width = image.shape[:2]
    scale = size / min(height, width)
    if max(height, width) * scale > MAX_SIDE:
        raise ImageError(f"a picture of {width} x {height} pixels is too narrow for a shorter side of {size}; crop it")
    return resized(image, max(1, round(height * scale)), max(1, round(width * scale)))


def centre_crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest part around the middle of the picture that has this shape, as height x width pixels."""
    scale = max(height / image.shape[0], width / image.shape[1])
    image = resized(image, max(height, round(image.shape[0] * scale)), max(width, round(image.shape[1] * scale)))
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def centre_square(image: np.ndarray, size: int) -> np.ndarray:
    """The middle of the picture as size x size pixels."""
    return centre_crop(image, size, size)


def to_pixels(values: np.ndarray) -> np.ndarray:
    """Float pixels of 0..255 as uint8, rounded and clipped."""
    pixels: np.ndarray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels


def grid(rows: Sequence[Sequence[np.ndarray]], gap: int = 4) -> np.ndarray:
    """Rows of pictures of one size on white."""
    height, width = rows[0][0].shape[:2]
    columns = max(map(len, rows))
    sheet = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            top, left = y * (height + gap), x * (width + gap)
            sheet[top : top + height, left : left + width] = picture
    return sheet


def encode(image: np.ndarray, file_format: str, quality: int = 95) -> bytes:
    """The picture as the bytes of a "JPEG" or "PNG" file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, file_format, quality=quality)
    return buffer.getvalue()


def format_of(path: Path, transparent: bool = False) -> str:
    """Pillow's name of the format that the path's suffix asks for.

    Raises:
        OutputError: no format that can be written has this suffix, or it cannot hold a `transparent` picture.
    """
    file_format = Image.registered_extensions().get(path.suffix.lower(), "")
    if file_format not in Image.SAVE:
        raise OutputError(f"{path}: no picture format is called {path.suffix!r}; use .png or .jpg")
    if transparent and file_format in ("JPEG", "BMP"):
        raise OutputError(f"{path}: {file_format} cannot hold the photo's transparency; use .png or .webp")
    return file_format


def save(image: np.ndarray, path: Path, alpha: np.ndarray | None = None) -> None:
    """Writes the picture in the format of the path's suffix, whole or not at all.

    Raises:
        OutputError: the format is unknown or has no transparency, or the place cannot be written.
        ImageError: the picture is too large for the format.
    """
    file_format = format_of(path, alpha is not None)
    picture = Image.fromarray(image)
    if alpha is not None:
        picture.putalpha(Image.fromarray(alpha))
    with writing(path) as temporary:
        try:
            picture.save(temporary, file_format, quality=95)
        except ValueError as error:  # a side that is too long for the format
            raise ImageError(f"{path} cannot be written: {error}; use .png") from None
