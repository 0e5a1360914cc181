import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mobile_style import images, stylize
from mobile_style.config import PRESETS, Architecture
from mobile_style.errors import CheckpointError, ImageError, OutputError, UsageError
from mobile_style.network import TransformNet, image_magnitude


@pytest.fixture
def network() -> TransformNet:
    return TransformNet(Architecture(4, 2, 5))


def test_a_pixel_reaches_no_further_than_said(network: TransformNet) -> None:
    """With fixed statistics, changing one pixel changes nothing beyond `reach`, and something close to it."""
    fixed = {}

    def record(index: int, x: np.ndarray) -> tuple:
        fixed[index] = image_magnitude(index, x)
        return fixed[index]

    picture = np.full((1, 160, 160, 3), 100, np.float32)
    network(picture, magnitude=record)
    changed = picture.copy()
    changed[0, 80, 80] = 255
    outputs = [np.asarray(network(p, magnitude=lambda index, x: fixed[index])) for p in (picture, changed)]
    rows, columns = np.nonzero(np.abs(outputs[0] - outputs[1]).max((0, 3)) > 0)
    furthest = max(abs(rows - 80).max(), abs(columns - 80).max())
    assert stylize.reach(network.architecture) - 12 <= furthest <= stylize.reach(network.architecture)


@pytest.mark.parametrize("shape", [(300, 500), (333, 250)])
def test_tiles_leave_no_seam(
    network: TransformNet, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, shape: tuple[int, int]
) -> None:
    picture = np.asarray(Image.fromarray(rng.integers(0, 256, (9, 11, 3), np.uint8)).resize(shape[::-1]))
    magnitude = stylize.sampled_magnitude(
        network, np.pad(picture, ((0, -shape[0] % 4), (0, -shape[1] % 4), (0, 0)), mode="edge")
    )
    monkeypatch.setattr(stylize, "sampled_magnitude", lambda *_: magnitude)
    padded = np.pad(picture, ((0, -shape[0] % 4), (0, -shape[1] % 4), (0, 0)), mode="edge")
    whole = stylize._run(network, padded, magnitude)[: shape[0], : shape[1]]
    monkeypatch.setattr(stylize, "TILE", 160)
    tiled = stylize.stylize_image(network, picture)
    assert tiled.shape == picture.shape and np.abs(tiled.astype(int) - whole).max() <= 1  # rounding


def test_sampled_statistics_are_those_of_the_image_when_the_crops_cover_it(
    network: TransformNet, rng: np.random.Generator
) -> None:
    picture = rng.integers(0, 256, (200, 384, 3), np.uint8)
    with_sample = stylize._run(network, picture, stylize.sampled_magnitude(network, picture))
    assert np.abs(with_sample.astype(int) - stylize._run(network, picture)).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 50), (33, 31)])
def test_any_size(network: TransformNet, shape: tuple[int, int], rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (*shape, 3), np.uint8)
    assert stylize.stylize_image(network, picture).shape == picture.shape


def test_reach_of_the_presets_leaves_room_in_a_tile() -> None:
    assert all(4 * stylize.reach(architecture) < stylize.TILE for architecture in PRESETS.values())


def test_command_on_a_photo(trained_run: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    images.save(astronaut[::4, ::4], tmp_path / "a.png")
    (written,) = stylize.stylize([tmp_path / "a.png"], str(trained_run))
    assert written == tmp_path / "a-tiny.png" and images.load(written).shape == astronaut[::4, ::4].shape
    with pytest.raises(OutputError, match="exists"):
        stylize.stylize([tmp_path / "a.png"], str(trained_run))


def test_strength_and_color(trained_run: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    photo = astronaut[::4, ::4]
    images.save(photo, tmp_path / "a.png")

    def result(name: str, **options: object) -> np.ndarray:
        (path,) = stylize.stylize([tmp_path / "a.png"], str(trained_run), tmp_path / name, **options)
        return images.load(path).astype(float)

    full = result("full.png")
    np.testing.assert_array_equal(result("none.png", strength=0.0), photo)
    np.testing.assert_allclose(result("half.png", strength=0.5), (full + photo) / 2, atol=0.51)
    grey = photo.astype(float) @ (0.299, 0.587, 0.114)
    kept = stylize.with_colors_of(
        np.full((4, 4, 3), (90, 120, 100), np.uint8), np.full((4, 4, 3), 140, np.uint8)
    ).astype(float)
    np.testing.assert_allclose(
        kept[0, 0] - kept[0, 0] @ (0.299, 0.587, 0.114), np.array([90, 120, 100]) - 108.75, atol=2
    )
    assert np.isfinite(grey).all() and result("color.png", preserve_color=True).shape == photo.shape
    for value in (-0.1, 1.1):
        with pytest.raises(UsageError, match="--strength"):
            result("x.png", strength=value)


def test_alpha_orientation_and_size(trained_run: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    alpha = np.zeros(astronaut.shape[:2], np.uint8)
    alpha[:100] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(astronaut)
    picture.putalpha(Image.fromarray(alpha))
    picture.crop((0, 0, 384, 300)).save(tmp_path / "a.png", exif=exif)
    (written,) = stylize.stylize([tmp_path / "a.png"], str(trained_run), tmp_path / "out.png", size=60)
    rgb, kept = images.load_with_alpha(written)
    assert rgb.shape == (77, 60, 3) and kept is not None and kept[:, -15:].min() > 200 and kept[:, :30].max() < 50
    with pytest.raises(ImageError, match="transparency"):
        stylize.stylize([tmp_path / "a.png"], str(trained_run), tmp_path / "out.jpg")
    with pytest.raises(UsageError, match="--size"):
        stylize.stylize([tmp_path / "a.png"], str(trained_run), tmp_path / "o.png", size=0)


def test_a_folder(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    written = stylize.stylize([photos], str(trained_run))
    assert len(written) == 12 and all(path.is_file() for path in written)
    assert {path.parent for path in written} == {tmp_path / "photos-tiny", tmp_path / "photos-tiny" / "sub"}
    with pytest.raises(OutputError, match="must be a folder"):
        stylize.stylize([photos], str(trained_run), tmp_path / "out.png")
    with pytest.raises(OutputError, match="two inputs"):
        stylize.stylize([photos / "1.png", photos / "1.png"], str(trained_run), tmp_path / "twice")


def test_the_current_folder(trained_run: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    written = stylize.stylize([Path()], str(trained_run))
    assert len(written) == 12 and all(path.is_relative_to(tmp_path / "photos-tiny") for path in written)


def test_the_folder_above(trained_run: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos / "sub")
    written = stylize.stylize([Path("..")], str(trained_run))
    assert len(written) == 12 and all(path.resolve().is_relative_to(tmp_path / "photos-tiny") for path in written)


def test_thin_strokes_are_said(trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylize, "THIN", 60)
    said: list[str] = []
    for name, shape in (("small", (50, 90, 3)), ("large", (70, 90, 3))):
        images.save(np.zeros(shape, np.uint8), tmp_path / f"{name}.png")
    stylize.stylize([tmp_path / "small.png"], str(trained_run), note=said.append)
    stylize.stylize([tmp_path / "large.png"], str(trained_run), tmp_path / "sized.png", size=70, note=said.append)
    assert not said
    stylize.stylize([tmp_path / "large.png"], str(trained_run), note=said.append)
    assert len(said) == 1 and "a picture of 70 they are thin" in said[0]


def test_names_that_are_not_those_of_pictures(trained_run: Path, photos: Path) -> None:
    (written,) = stylize.stylize([shutil.copy(photos / "1.png", photos / "scan")], str(trained_run))
    assert written == photos / "scan-tiny.png" and images.load(written).shape == (41, 63, 3)
    (photos / "phone.HEIC").write_bytes(b"\0\0\0 ftypheic")
    with pytest.raises(ImageError, match=r"phone\.HEIC is not an image that can be read; save it as JPEG or PNG"):
        stylize.stylize([photos / "phone.HEIC"], str(trained_run))


def test_one_bad_photo_does_not_stop_the_others(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "0.jpg").write_text("not a photo")
    (photos / "phone.HEIC").write_bytes(b"\0\0\0 ftypheic")
    with pytest.raises(ImageError, match=r"0\.jpg is not an image.*phone\.HEIC.*2 of 14 failed"):
        stylize.stylize([photos], str(trained_run), tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 12


def test_what_is_skipped_or_damaged_is_said_once(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    jpeg = images.encode(images.load(photos / "1.png"), "JPEG")
    for name, content in (("x.jpg", jpeg[:-2]), ("y.jpg", jpeg[:-2]), ("notes.txt", b"-"), ("code.ts", b"let a = 1\n")):
        (photos / name).write_bytes(content)
    said: list[str] = []
    assert len(stylize.stylize([photos], str(trained_run), tmp_path / "out", note=said.append)) == 14
    assert said == [
        "2 files: skipped, neither a photo nor a video by its name: code.ts, notes.txt",
        "2 files: the end of the file is missing: x.jpg, y.jpg",
    ]


def test_places_are_checked_before_anything_is_computed(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.xyz"):
        stylize.stylize([photos / "1.png"], str(trained_run), tmp_path / "out.xyz")


def test_inputs_that_are_not_there(trained_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        stylize.stylize([tmp_path / "none.jpg"], str(trained_run))
    with pytest.raises(ImageError, match="no photo and no video"):
        stylize.stylize([tmp_path], str(trained_run))
    with pytest.raises(CheckpointError, match="there is no model nothing"):
        stylize.stylize([tmp_path], "nothing")
