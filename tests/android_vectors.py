"""What the Kotlin tests hold the app to: camera frames in RGB, pictures with grain, rounding, and what models paint.

The frames are converted by an implementation of its own: the same specification as Converter.kt, written the other way
round, whole planes at a time, and turned by NumPy.
"""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mobile_style.exporting import runtimes
from mobile_style.inference.tflite_reader import read_tflite
from mobile_style.media import images
from mobile_style.network.catalog import bundled_photos
from mobile_style.painting.grain import grained

MODELS = Path(__file__).parents[1] / "models"
SIZES = [(64, 48), (63, 47), (17, 23), (5, 3)]
ROTATIONS = (0, 90, 180, 270)


def write_vectors(folder: Path) -> int:
    """Writes cases.json and grain.json, a file for each case, and the bundled models' cards; tells how many frames."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(6)
    cases = []
    for width, height in SIZES:
        for rotation in ROTATIONS:
            for mirror in (False, True):
                for chroma_stride in (1, 2):
                    for whole in (True, False):
                        case = _case(rng, width, height, rotation, mirror, chroma_stride, whole)
                        case["file"] = f"{len(cases)}.bin"
                        (folder / case["file"]).write_bytes(case.pop("content"))
                        cases.append(case)
    (folder / "cases.json").write_text(json.dumps(cases))
    grains = []
    for width, height in ((256, 256), (37, 45), (8, 9), (3, 2), (1, 1)):
        picture = grain_picture(width, height)
        case = {"width": width, "height": height, "file": f"grain-{len(grains)}.bin"}
        (folder / case["file"]).write_bytes(picture.tobytes() + grained(picture).tobytes())
        grains.append(case)
    (folder / "grain.json").write_text(json.dumps(grains))
    values = np.array([-1e9, -0.6, 0.5, 1.5, 2.4999, 2.5, 254.49, 254.5, 255.5, 3e9, *rng.uniform(-5, 260, 500)], ">f4")
    (folder / "floats.bin").write_bytes(values.tobytes() + images.to_pixels(values).tobytes())
    (folder / "cards").mkdir()
    for card in MODELS.glob("*/int8.json"):
        shutil.copy(card, folder / "cards" / f"{card.parent.name}.json")
    return len(cases)


def write_painted(folder: Path, photo: Path) -> None:
    """What each bundled style's exports make of the photo, in bytes, and painted.json: about each, for changing it."""
    folder.mkdir()
    told = {}
    for style in sorted(path.parent for path in MODELS.glob("*/int8.tflite")):
        for recipe in ("int8", "float16"):
            picture = runtimes.load(style / f"{recipe}.tflite")(images.load(photo))
            (folder / f"{style.name}-{recipe}.bin").write_bytes(picture.tobytes())
        told[style.name] = {"nodes": len(read_tflite(style / "int8.tflite")), "weight": weight(style / "int8.tflite")}
    (folder / "painted.json").write_text(json.dumps(told))


def weight(path: Path) -> int:
    """Where in a .tflite file a byte of its largest constant lies: one of a weight."""
    content = path.read_bytes()
    model = schema.Model.GetRootAs(content)
    arrays = [model.Buffers(index).DataAsNumpy() for index in range(model.BuffersLength())]
    largest = max((array for array in arrays if isinstance(array, np.ndarray)), key=len)
    return content.index(largest.tobytes()) + len(largest) // 2


def grain_picture(width: int, height: int) -> np.ndarray:
    """Part of a photo, and beside it what is flat: white, black and an even gradient."""
    photo = images.load(bundled_photos("held_out") / "astronaut_portrait.jpg")
    picture = photo[100 : 100 + height, 100 : 100 + width].copy()
    picture[: height // 3, : width // 2] = 255
    picture[height // 3 : height // 2, : width // 2] = 0
    picture[-(height // 3) :, width // 2 :] = 40 + np.arange(width - width // 2)[:, None] // 2
    return picture


def _case(rng, width, height, rotation, mirror, chroma_stride, whole):  # type: ignore[no-untyped-def]
    half_width, half_height = (width + 1) // 2, (height + 1) // 2
    luma_stride = int(rng.integers(1, 3))
    shapes = {"y": (height, width, luma_stride)}
    shapes |= dict.fromkeys("uv", (half_height, half_width, chroma_stride))
    case, planes, content = {}, {}, b""
    for name, (rows, columns, pixel_stride) in shapes.items():
        row_stride = (columns - 1) * pixel_stride + 1 + int(rng.integers(0, 8))
        length = (rows - 1) * row_stride + (columns - 1) * pixel_stride + 1
        data = rng.integers(0, 256, length, np.uint8)
        case[name] = {"bytes": length, "row_stride": row_stride, "pixel_stride": pixel_stride}
        planes[name] = np.lib.stride_tricks.as_strided(data, (rows, columns), (row_stride, pixel_stride)).astype(int)
        content += data.tobytes()
    crop = (0, 0, width, height)
    if not whole:
        left, top = int(rng.integers(0, width // 2)), int(rng.integers(0, height // 2))
        crop = (left, top, int(rng.integers(1, width - left + 1)), int(rng.integers(1, height - top + 1)))
    out_width, out_height = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    case |= {"width": width, "height": height, "crop": crop, "rotation": rotation, "mirror": mirror}
    expected = picture(planes, crop, rotation, mirror, out_width, out_height)
    assert expected.shape == (out_height, out_width, 3)
    return case | {"out_width": out_width, "out_height": out_height, "content": content + expected.tobytes()}


def picture(planes, crop, rotation, mirror, width, height):  # type: ignore[no-untyped-def]
    """RGB of the cropped frame on a grid of the picture's size, turned clockwise, then mirrored."""
    left, top, crop_width, crop_height = crop
    across, down = (width, height) if rotation in (0, 180) else (height, width)
    columns, rows = _cells(left, crop_width, across), _cells(top, crop_height, down)
    y, u, v = (
        np.array([[_mean(planes[name][_of(r, chroma), _of(c, chroma)]) for c in columns] for r in rows])
        for name, chroma in (("y", False), ("u", True), ("v", True))
    )
    # Full-range BT.601 (JFIF), coefficients in 1/65536.
    matrix = np.array([[0, 91881], [-22554, -46802], [116130, 0]])
    chroma = np.stack([u, v], axis=-1) - 128
    rgb = (y[..., None] * 65536 + chroma @ matrix.T + 32768) // 65536
    turned = np.rot90(np.clip(rgb, 0, 255).astype(np.uint8), -rotation // 90)
    return np.ascontiguousarray(turned[:, ::-1] if mirror else turned)


def _cells(offset, length, count):  # type: ignore[no-untyped-def]
    edges = [offset + i * length // count for i in range(count + 1)]
    return [(a, max(a + 1, b)) for a, b in pairwise(edges)]


def _of(cell, chroma):  # type: ignore[no-untyped-def]
    start, end = cell
    return slice(start // 2, (end + 1) // 2) if chroma else slice(start, end)


def _mean(values):  # type: ignore[no-untyped-def]
    return (int(values.sum()) + values.size // 2) // values.size
