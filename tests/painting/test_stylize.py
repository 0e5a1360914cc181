import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mobile_style.errors import CheckpointError, ImageError, OutputError, UnpaintedError, UsageError
from mobile_style.inference.network import Network, load_network, reach
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network import transform_net
from mobile_style.network.architecture import PRESETS, Architecture
from mobile_style.network.catalog import model_path
from mobile_style.network.random_weights import random_weights
from mobile_style.painting import stylize
from mobile_style.painting.files import stylize_files
from mobile_style.painting.grain import grained
from mobile_style.progress import Note, Step


@pytest.fixture
def network() -> Network:
    architecture = Architecture(4, 2, 5)
    return Network(architecture, random_weights(architecture))


def whole_gains(network: Network, picture: np.ndarray) -> list[np.ndarray]:
    """Those of all of a picture at once, its sides continued to multiples of 4."""
    more = [(0, -length % 4) for length in picture.shape[:2]]
    return network.gains(np.pad(picture, (*more, (0, 0)), mode="edge")[None], (0, 0))


def test_a_pixel_reaches_no_further_than_said(network: Network) -> None:
    """With fixed gains, changing one pixel changes nothing beyond `reach`, and something close to it."""
    picture = np.full((160, 160, 3), 100, np.uint8)
    gains = whole_gains(network, picture)
    changed = picture.copy()
    changed[80, 80] = 255
    outputs = [network.tile(each, gains) for each in (picture, changed)]
    rows, columns = np.nonzero(np.abs(outputs[0] - outputs[1]).max(2) > 0)
    furthest = max(abs(rows - 80).max(), abs(columns - 80).max())
    assert network.reach - 12 <= furthest <= network.reach


@pytest.mark.parametrize("grain", [False, True])
@pytest.mark.parametrize("shape", [(300, 500), (333, 250), (97, 650), (164, 161)])
def test_tiles_leave_no_seam(
    network: Network, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, shape: tuple[int, int], grain: bool
) -> None:
    picture = np.asarray(Image.fromarray(rng.integers(0, 256, (9, 11, 3), np.uint8)).resize(shape[::-1]))
    gains = whole_gains(network, picture)
    monkeypatch.setattr(stylize, "sampled_gains", lambda *_: gains)
    more = [(0, -length % 4) for length in shape]
    seen = grained(picture) if grain else picture
    whole = network.tile(np.pad(seen, (*more, (0, 0)), mode="edge"), gains)[: shape[0], : shape[1]]
    for limit in ("WHOLE", "TILE"):
        monkeypatch.setattr(stylize, limit, 160)
    tiled = stylize.stylize_image(network, picture, grain)
    assert tiled.shape == picture.shape and np.abs(tiled - whole).max() <= 0.51  # rounding


def test_sampled_gains_are_those_of_the_picture_when_the_crops_cover_it(
    network: Network, rng: np.random.Generator
) -> None:
    picture = rng.integers(0, 256, (200, 384, 3), np.uint8)

    def part(top: int, bottom: int, left: int, right: int) -> np.ndarray:
        return picture[top:bottom, left:right]

    sampled = stylize.sampled_gains(network, picture, part)
    assert np.abs(network.tile(picture, sampled) - network(picture)).max() < 0.01


@pytest.mark.parametrize("model", ["starry_night", "udnie", "the_scream"])
def test_a_trained_network_paints_as_under_keras(model: str, astronaut: np.ndarray) -> None:
    """The network that was trained, on a photo: at least 50 dB, on large ones by tiles, too."""
    trained, _ = transform_net.load_network(model_path(model))
    network, _ = load_network(model_path(model))
    photo = astronaut[:256, :384]
    under_keras = images.to_pixels(np.asarray(trained(photo[None].astype(np.float32)))[0])
    assert psnr(under_keras, stylize.stylize_image(network, photo, grain=False)) >= 50


@pytest.mark.parametrize("shape", [(1, 1), (2, 50), (33, 31)])
def test_any_size(network: Network, shape: tuple[int, int], rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (*shape, 3), np.uint8)
    assert stylize.stylize_image(network, picture).shape == picture.shape


def test_reach_of_the_presets_leaves_room_in_a_tile() -> None:
    assert all(4 * reach(architecture) < stylize.TILE for architecture in PRESETS.values())


def test_painting_over_a_picture_is_painting_it(astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("WHOLE", "TILE"):
        monkeypatch.setattr(stylize, limit, 200)
    paint = stylize.Painter("udnie", strength=0.8, preserve_color=True)
    picture = astronaut[:300, :250].copy()
    expected = paint(picture)
    kept = paint.network._tile
    paint.paint_over(picture)
    np.testing.assert_array_equal(picture, expected)
    assert paint.network._tile is not kept  # its memory is needed for encoding


def test_command_on_a_photo(trained_run: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    images.save(astronaut[::4, ::4], tmp_path / "a.png")
    (written,) = stylize_files([tmp_path / "a.png"], str(trained_run))
    assert written == tmp_path / "a-tiny.png" and images.load(written).shape == astronaut[::4, ::4].shape
    with pytest.raises(OutputError, match="exists"):
        stylize_files([tmp_path / "a.png"], str(trained_run))


def test_strength_and_color(trained_run: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    photo = astronaut[::4, ::4]
    images.save(photo, tmp_path / "a.png")

    def result(name: str, **options: object) -> np.ndarray:
        (path,) = stylize_files([tmp_path / "a.png"], str(trained_run), tmp_path / name, **options)
        return images.load(path).astype(float)

    full = result("full.png")
    np.testing.assert_array_equal(result("none.png", strength=0.0), photo)
    np.testing.assert_allclose(result("half.png", strength=0.5), (full + photo) / 2, atol=0.51)
    kept, luma = result("color.png", preserve_color=True), np.array([0.299, 0.587, 0.114])
    unclipped = ((kept > 0) & (kept < 255)).all(2)
    assert unclipped.mean() > 0.5 and np.abs((full - photo) @ luma)[unclipped].max() > 10
    np.testing.assert_allclose((kept @ luma)[unclipped], (full @ luma)[unclipped], atol=1)
    differences = (np.diff(picture.astype(float), axis=2)[unclipped] for picture in (kept, photo))  # of the channels
    np.testing.assert_allclose(*differences, atol=1)
    for value in (-0.1, 1.1):
        with pytest.raises(UsageError, match="`strength`"):
            result("x.png", strength=value)


def test_alpha_orientation_and_size(trained_run: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    alpha = np.zeros(astronaut.shape[:2], np.uint8)
    alpha[:100] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(astronaut)
    picture.putalpha(Image.fromarray(alpha))
    picture.crop((0, 0, 384, 300)).save(tmp_path / "a.png", exif=exif)
    (written,) = stylize_files([tmp_path / "a.png"], str(trained_run), tmp_path / "out.png", size=60)
    rgb, kept = images.load_with_alpha(written)
    assert rgb.shape == (77, 60, 3) and kept is not None and kept[:, -15:].min() > 200 and kept[:, :30].max() < 50
    with pytest.raises(ImageError, match="transparency"):
        stylize_files([tmp_path / "a.png"], str(trained_run), tmp_path / "out.jpg")
    with pytest.raises(UsageError, match="`size`"):
        stylize_files([tmp_path / "a.png"], str(trained_run), tmp_path / "o.png", size=0)


def test_a_folder(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    written = stylize_files([photos], str(trained_run))
    assert len(written) == 12 and all(path.is_file() for path in written)
    assert {path.parent for path in written} == {tmp_path / "photos-tiny", tmp_path / "photos-tiny" / "sub"}
    with pytest.raises(OutputError, match="must be a folder"):
        stylize_files([photos], str(trained_run), tmp_path / "out.png")


def test_the_current_folder(trained_run: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    written = stylize_files([Path()], str(trained_run))
    assert len(written) == 12 and all(path.is_relative_to(tmp_path / "photos-tiny") for path in written)


def test_the_folder_above(trained_run: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos / "sub")
    written = stylize_files([Path("..")], str(trained_run))
    assert len(written) == 12 and all(path.resolve().is_relative_to(tmp_path / "photos-tiny") for path in written)


def test_names_that_are_not_those_of_pictures(trained_run: Path, photos: Path) -> None:
    (written,) = stylize_files([shutil.copy(photos / "1.png", photos / "scan")], str(trained_run))
    assert written == photos / "scan-tiny.png" and images.load(written).shape == (41, 63, 3)
    (photos / "phone.HEIC").write_bytes(b"\0\0\0 ftypheic")
    with pytest.raises(ImageError, match=r"phone\.HEIC is "):
        stylize_files([photos / "phone.HEIC"], str(trained_run))


def test_one_bad_photo_does_not_stop_the_others(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "0.jpg").write_text("not a photo")
    (photos / "phone.HEIC").write_bytes(b"\0\0\0 ftypheic")
    said: list[Note | Step] = []
    with pytest.raises(UnpaintedError, match="2 of 14 failed") as caught:
        stylize_files([photos], str(trained_run), tmp_path / "out", progress=said.append)
    assert sorted(caught.value.written) == sorted((tmp_path / "out").rglob("*.png")) and len(caught.value.written) == 12
    first, second = (event.text for event in said if isinstance(event, Note))
    assert "0.jpg is not an image" in first and "phone.HEIC is" in second


def test_what_is_skipped_or_damaged_is_said_once(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    jpeg = images.encode(images.load(photos / "1.png"), "JPEG")
    for name, content in (("x.jpg", jpeg[:-2]), ("y.jpg", jpeg[:-2]), ("notes.txt", b"-"), ("code.ts", b"let a = 1\n")):
        (photos / name).write_bytes(content)
    said: list[Note | Step] = []
    assert len(stylize_files([photos], str(trained_run), tmp_path / "out", progress=said.append)) == 14
    assert [event.text for event in said if isinstance(event, Note)] == [
        "2 files: skipped, neither a photo nor a video by its name: code.ts, notes.txt",
        "2 files: the end of the file is missing: x.jpg, y.jpg",
    ]


def test_places_are_checked_before_anything_is_computed(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.xyz"):
        stylize_files([photos / "1.png"], str(trained_run), tmp_path / "out.xyz")


def test_inputs_that_are_not_there(trained_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        stylize_files([tmp_path / "none.jpg"], str(trained_run))
    with pytest.raises(ImageError, match="no photo and no video"):
        stylize_files([tmp_path], str(trained_run))
    with pytest.raises(CheckpointError, match="there is no model nothing"):
        stylize_files([tmp_path], "nothing")
