"""What the Kotlin tests hold the app to: frames in RGB, grain, strokes, shares, rounding, and what models paint.

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
from mobile_style.network.styles import share_bytes
from mobile_style.painting import enlarge
from mobile_style.painting.grain import grained
from mobile_style.painting.stylize import Painter

MODELS = Path(__file__).parents[1] / "models"
SIZES = [(64, 48), (63, 47), (17, 23), (5, 3)]
ROTATIONS = (0, 90, 180, 270)


def write_vectors(folder: Path) -> int:
    """Writes cases.json and others, a file for each case, and the bundled models' cards; tells how many frames."""
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
    _write_strokes(folder)
    mixes = [*np.eye(3, dtype=np.float32), *(rng.dirichlet(np.ones(2 + n)).astype(np.float32) for n in range(20))]
    told = [{"shares": each.tolist(), "bytes": share_bytes(each).tolist()} for each in mixes]
    (folder / "mixes.json").write_text(json.dumps(told))
    values = np.array([-1e9, -0.6, 0.5, 1.5, 2.4999, 2.5, 254.49, 254.5, 255.5, 3e9, *rng.uniform(-5, 260, 500)], ">f4")
    (folder / "floats.bin").write_bytes(values.tobytes() + images.to_pixels(values).tobytes())
    (folder / "cards").mkdir()
    for card in MODELS.glob("*/int8.json"):
        shutil.copy(card, folder / "cards" / f"{card.parent.name}.json")
    return len(cases)


def write_painted(folder: Path, assets: Path) -> None:
    """What the models in the app make of the golden photo, and painted.json: about each, for changing it.

    A file of bytes, NAME-0-RECIPE.bin, for each recipe; of many styles one for each golden picture.
    """
    folder.mkdir()
    told = {}
    for path in sorted(assets.glob("styles/*/256x256/golden.json")):
        name, golden = path.parts[-3], json.loads(path.read_text())
        photo = images.load(assets / "golden" / golden["photo"])
        mixes = [[np.array(each["shares"], np.float32)] for each in golden.get("mixes", [])] or [[]]
        for recipe, file in {
            "int8": path.with_name("model.tflite"),
            "float16": path.with_name("float16.tflite"),
        }.items():
            run = runtimes.load(file)
            for index, shares in enumerate(mixes):
                (folder / f"{name}-{index}-{recipe}.bin").write_bytes(run(photo, *shares).tobytes())
        model = path.with_name("model.tflite")
        told[name] = {"nodes": len(read_tflite(model)), "weight": weight(model)}
    (folder / "painted.json").write_text(json.dumps(told))


def _write_strokes(folder: Path) -> None:
    """strokes.json, and a file for each case: the photo, it reduced, that painted, and that enlarged."""
    cases = []
    for height, width, small in (100, 80, (50, 40)), (150, 121, (113, 91)), (90, 240, (30, 80)), (31, 47, (31, 24)):
        photo = grain_picture(width, height)
        reduced = enlarge.reduced(photo, small)
        painted = np.roll(255 - reduced, 1, axis=2)
        painted[: small[0] // 2] = np.clip(2.0 * painted[::-1][: small[0] // 2] - 60, 0, 255)  # not the photo's edges
        bands = [band for _, band in enlarge.enlarged_bands(photo, reduced, painted)]
        pictures = photo, reduced, painted, images.to_pixels(np.concatenate(bands))
        file = f"strokes-{len(cases)}.bin"
        (folder / file).write_bytes(b"".join(each.tobytes() for each in pictures))
        cases.append({"sizes": [width, height, *small[::-1]], "file": file})
    paint = Painter("udnie")
    shapes = [(1280, 960), (960, 1280), (1280, 720), (500, 400), (3000, 3000)]
    sizes = [[w, h, *paint.painted_size(np.empty((h, w, 3), np.uint8))[::-1]] for w, h in shapes]
    (folder / "strokes.json").write_text(json.dumps({"cases": cases, "sizes": sizes}))


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
