"""Finds, reads, resizes, crops, lays out and writes pictures.

A picture is a uint8 array (H, W, 3), RGB, in the sRGB color space, upright.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ImageError, OutputError
from ..files import writing
from ..progress import Note, Progress, silent
from .decoding import decode, naming, opened
from .metadata import Metadata, saving

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # the weights of red, green and blue in brightness, Rec. 601
MAX_SIDE = 65_500  # pixels of a JPEG file's side, at most
FORMATS = {  # Pillow's names of the formats that are written, by suffix
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    **dict.fromkeys((".png", ".apng"), "PNG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".jp2", ".j2k", ".jpf", ".jpx"), "JPEG2000"),
    **dict.fromkeys((".ppm", ".pgm", ".pnm"), "PPM"),
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".mpo": "MPO",
}
SUFFIXES = frozenset(FORMATS)
HEIC = frozenset({".heic", ".heif", ".hif"})
OPAQUE = frozenset({"JPEG", "MPO", "BMP", "PPM"})  # formats without transparency
PNG_LEVEL = 4  # of zlib: takes half the time of Pillow's 6, and files are 0.3 % larger


def find(
    paths: Iterable[Path],
    wanted: Callable[[Path], bool] | None = None,
    on_skip: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Finds files under `paths`, each once.

    Args:
        paths: files, which are taken whatever their names, and folders, which are searched recursively. Hidden files
            and folders inside them are left out.
        wanted: chooses the files inside folders; by default those that `is_image`.
        on_skip: called with every other file inside folders that is not hidden.

    Raises:
        ImageError: a path does not exist.
    """
    wanted = wanted or is_image
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            for file in sorted(_inside(path)):
                if wanted(file) and (file.is_file() or not file.exists()):  # opening a pipe would block
                    found[file] = None
                elif on_skip is not None:
                    on_skip(file)
        elif path.exists():
            found[path] = None
        else:
            raise ImageError(f"{path} does not exist; check the path")
    return list(found)


def _inside(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(place)) in seen:  # a link to a folder that was searched before
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]  # such as a photo program's trash
        yield from (Path(place) / name for name in names if not name.startswith("."))


def read_photos(
    folder: Path, limit: int | None = None, progress: Progress = silent
) -> Iterator[tuple[Path, np.ndarray]]:
    """Decodes the first `limit` readable photos under a folder, one after the other, as (path, (H, W, 3) uint8).

    Args:
        folder: searched recursively.
        limit: largest number of photos; None for all.
        progress: called with a warning for each file that cannot be read.

    Raises:
        ImageError: there are none, none can be read, or there is no such folder.
    """
    files, read, first = find([folder], is_photo), 0, ""
    for file in files:
        if read == limit:
            break
        try:
            picture = load(file)
        except ImageError as error:
            first = first or str(error)
            progress(Note(f"skipped: {error}", warning=True))
            continue
        read += 1
        yield file, picture
    if not read:
        raise ImageError(f"no photos in {folder}" + (f" that can be read; the first: {first}" if files else ""))


def photos(folder: Path, limit: int | None = None) -> list[Path]:
    """The first `limit` photos under a folder, sorted by path; all if `limit` is None.

    Raises:
        ImageError: there are none, or there is no such folder.
    """
    files = find([folder], is_photo)[:limit]
    if not files:
        raise ImageError(f"no photos in {folder}")
    return files


def is_image(path: Path) -> bool:
    """Whether the suffix is one of `SUFFIXES`."""
    return path.suffix.lower() in SUFFIXES


def is_photo(path: Path) -> bool:
    """Whether the suffix is that of an image, including HEIC, which only the extra `heic` reads."""
    return is_image(path) or path.suffix.lower() in HEIC


def load(source: Path | bytes) -> np.ndarray:
    """Decodes a picture of any mode and orientation to (H, W, 3) uint8, with transparent parts on white.

    Raises:
        ImageError: not an image, damaged, an animation, or larger than `decoding.MAX_PIXELS`.
    """
    rgb, alpha = load_with_alpha(source)
    return rgb if alpha is None else on_white(rgb, alpha)


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
        with io.BytesIO() as buffer:  # as a file, so that orientation, profile and transparency are applied
            picture.save(buffer, "PNG", exif=picture.getexif(), icc_profile=picture.info.get("icc_profile"))
            return load(buffer.getvalue())
    return load(Path(picture))


def load_with_alpha(source: Path | bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Like `load`, with the transparency separate: (H, W, 3), and (H, W) or None; both uint8."""
    picture = decode(source)[0]
    return picture.pixels, picture.alpha


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Composites a picture (H, W, 3) with opacity (H, W) on white; all uint8."""
    opacity = alpha[..., None] / np.float32(255)
    return np.asarray(np.rint(rgb * opacity + 255 * (1 - opacity)), np.uint8)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at another size in pixels (Lanczos, antialiased)."""
    if image.shape[:2] == (height, width):
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def with_shorter_side(image: np.ndarray, size: int) -> np.ndarray:
    """The picture with its shorter side `size` pixels long, in its aspect ratio.

    Raises:
        ImageError: the longer side would not fit into a JPEG file.
    """
    height, width = image.shape[:2]
    scale = size / min(height, width)
    if max(height, width) * scale > MAX_SIDE:
        raise ImageError(f"a picture of {width} x {height} pixels is too narrow for a shorter side of {size}; crop it")
    return resized(image, max(1, round(height * scale)), max(1, round(width * scale)))


def center_crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest part around the middle with this aspect ratio, resized to height x width pixels."""
    scale = max(height / image.shape[0], width / image.shape[1])
    image = resized(image, max(height, round(image.shape[0] * scale)), max(width, round(image.shape[1] * scale)))
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def middle(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of the picture, not resized, in height x width pixels: cropped, or padded with white."""
    top, left = (max(0, (have - want) // 2) for have, want in zip(image.shape, (height, width), strict=False))
    part = image[top : top + height, left : left + width]
    sheet = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - part.shape[0]) // 2, (width - part.shape[1]) // 2
    sheet[top : top + part.shape[0], left : left + part.shape[1]] = part
    return sheet


def center_square(image: np.ndarray, size: int) -> np.ndarray:
    """The largest square in the middle of the picture, resized to size x size pixels."""
    return center_crop(image, size, size)


def to_pixels(values: np.ndarray) -> np.ndarray:
    """Float pixels, 0..255, as uint8, rounded and clipped; uint8 unchanged."""
    if values.dtype == np.uint8:
        return values
    rounded = np.rint(values)
    pixels: np.ndarray = np.clip(rounded, 0, 255, out=rounded).astype(np.uint8)
    return pixels


def grid(rows: Sequence[Sequence[np.ndarray]], gap: int = 4) -> np.ndarray:
    """Rows of pictures of the same size, `gap` pixels apart, on white."""
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


def suffix_of(path: Path) -> str:
    """The usual suffix for the format of the file's content; .png if it is unreadable or not written here."""
    try:
        with naming(str(path)), opened(path) as image:
            return next((suffix for suffix, name in FORMATS.items() if name == image.format), ".png")
    except ImageError:  # decoding the file will report it
        return ".png"


def format_of(path: Path, transparent: bool = False) -> str:
    """Pillow's name of the format that the path's suffix asks for.

    Raises:
        OutputError: no format that is written has this suffix, or the format cannot hold a `transparent` picture.
    """
    file_format = FORMATS.get(path.suffix.lower(), "")
    if not file_format:
        raise OutputError(f"{path}: no picture format is called {path.suffix!r}; use .png or .jpg")
    if transparent and file_format in OPAQUE:
        raise OutputError(f"{path}: {file_format} cannot hold the photo's transparency; use .png or .webp")
    return file_format


def save(image: np.ndarray, path: Path, alpha: np.ndarray | None = None, metadata: Metadata | None = None) -> list[str]:
    """Writes the picture in the format of the path's suffix, whole or not at all.

    Returns:
        The names of the metadata that the format cannot hold.

    Raises:
        OutputError: the format is unknown or has no transparency, or the place cannot be written.
        ImageError: the picture is too large for the format.
    """
    return save_pages([(image, alpha)], path, metadata)


def save_pages(
    pages: Sequence[tuple[np.ndarray, np.ndarray | None]], path: Path, metadata: Metadata | None = None
) -> list[str]:
    """Like `save`, for several pages, which only TIFF can hold: (H, W, 3), and (H, W) or None, each of any size."""
    file_format = format_of(path, any(alpha is not None for _, alpha in pages))
    pictures = []
    for pixels, alpha in pages:
        picture = Image.fromarray(pixels)
        if alpha is not None:
            picture.putalpha(Image.fromarray(alpha))
        pictures.append(picture)
    first = pictures[0]
    options, lost = saving(metadata or Metadata(), file_format, first.width, first.height)
    if len(pictures) > 1:
        options |= {"save_all": True, "append_images": pictures[1:]}
    with writing(path) as temporary:
        try:
            first.save(temporary, file_format, quality=95, compress_level=PNG_LEVEL, **options)
        except ValueError as error:  # a side that is too long for the format
            raise ImageError(f"{path} cannot be written: {error}; use .png") from None
    return lost
