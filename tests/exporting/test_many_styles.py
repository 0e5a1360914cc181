"""The file of many styles, whose second input is the mix."""

from pathlib import Path

import numpy as np
import pytest

from conftest import MANY, Exported
from mobile_style import metrics
from mobile_style.errors import UsageError
from mobile_style.exporting import runtimes
from mobile_style.exporting.card import read_export_card
from mobile_style.exporting.lint import lint
from mobile_style.exporting.recipes import find_recipe
from mobile_style.exporting.tflite import convert
from mobile_style.exporting.write import write
from mobile_style.inference.fold import fold, typical_magnitudes
from mobile_style.inference.graph import picked
from mobile_style.inference.int8_calibration import calibrate
from mobile_style.inference.interpreter import Loaded
from mobile_style.inference.network import Network, load_network
from mobile_style.inference.tiles import shared_gains, tile
from mobile_style.media import images
from mobile_style.network.architecture import Architecture
from mobile_style.network.catalog import bundled_photos
from mobile_style.network.checkpoint import Checkpoint
from mobile_style.network.random_weights import random_weights
from mobile_style.network.styles import mixed, own_arrays, share_bytes, shares_of

SIDE, NAMES = 48, ("a", "b", "c")
SMALL = Architecture(width=4, blocks=1, end_kernel=5)


@pytest.fixture
def weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Of three styles, which differ by a third, and in some signs."""
    weights = random_weights(SMALL)
    for name in own_arrays(SMALL):
        weights[name] = weights[name] + rng.normal(0, 0.3, (len(NAMES), *weights[name].shape)).astype(np.float32)
    weights["down1_scale"][0, 0] *= -1
    return weights


@pytest.mark.parametrize("shares", [(1, 0, 0), (0, 0, 1), (0.25, 0.75, 0), (0.4, 0.2, 0.4)])
def test_the_file_paints_every_mix(weights: dict[str, np.ndarray], shares: tuple[float, ...]) -> None:
    photos = np.stack([images.center_square(images.load(p), SIDE) for p in images.find([bundled_photos("train")])[:6]])
    photo = images.center_square(images.load(bundled_photos("held_out") / "river_otters.jpg"), SIDE)
    mix = dict(zip(NAMES, shares, strict=True))
    wanted = images.to_pixels(Network(SMALL, mixed(SMALL, weights, NAMES, mix))(photo))

    convolutions = fold(SMALL, weights, typical_magnitudes(SMALL, weights, photos))
    floats = Loaded(convert(convolutions, find_recipe("tflite", "float32"), (SIDE, SIDE), None, {}))
    given = np.array(shares, np.float32).reshape(1, 1, 1, 3)
    (painted,) = floats(photo[None].astype(np.float32), given)
    assert metrics.psnr(wanted, images.to_pixels(painted[0])) > 55

    quantization = calibrate(convolutions, photos)
    integers = Loaded(convert(convolutions, find_recipe("tflite", "int8"), (SIDE, SIDE), quantization, {}))
    (painted,) = integers(photo[None], np.rint(255 * given).astype(np.uint8))
    assert metrics.psnr(wanted, painted[0]) > 34
    (other,) = integers(photo[None], np.rint(255 * np.roll(given, 1)).astype(np.uint8))
    assert metrics.psnr(wanted, other[0]) < 30


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["float32", "float16", "dynamic_int8", "int8"])
def test_an_export_of_many_styles_is_one_file(
    recipe: str, exported_many: Exported, many_styles: Path, astronaut: np.ndarray
) -> None:
    path, photo = exported_many(recipe), images.center_square(astronaut, 64)
    card = read_export_card(path)
    kind, scale = ("uint8", float(np.float32(1 / 255))) if recipe == "int8" else ("float32", 1.0)
    wanted = {"name": "mix", "shape": [1, 1, 1, 3], "type": kind, "scale": scale, "zero_point": 0, "styles": list(MANY)}
    assert card["mix"] == wanted and card["name"] == "run"
    (given,) = (each for each in Loaded(path.read_bytes()).inputs if "mix" in each["name"])
    assert (given["dtype"].__name__, list(given["shape"])) == (kind, wanted["shape"])
    assert lint(path).findings == () or recipe == "dynamic_int8"  # whose weights alone have 8 bits, of one style, too

    runner = runtimes.load(path)
    assert (runner.styles, runner.sizes) == (3, ((64, 64),))
    pictures = []
    for mix in (*MANY, "night=0.5,noon=0.5", "night=0.2,noon=0.3,dusk=0.5"):
        network, _ = load_network(f"{many_styles}:{mix}")
        pictures.append(runner(photo, shares_of(mix, MANY)))
        limit = {"float32": 55, "float16": 52}.get(recipe, 33)
        assert metrics.psnr(images.to_pixels(network(photo)), pictures[-1]) > limit, mix
    assert metrics.psnr(*pictures[:2]) < 25  # the styles differ, by more than any limit hides


def test_the_card_inside_names_the_styles(exported_many: Exported, tmp_path: Path) -> None:
    alone = tmp_path / "alone.tflite"
    alone.write_bytes(exported_many("int8").read_bytes())
    assert read_export_card(alone)["mix"]["styles"] == list(MANY)


def test_a_model_is_given_the_shares_that_it_takes(exported_many: Exported, exported: Exported) -> None:
    many, one = (runtimes.load(each("int8")) for each in (exported_many, exported))
    photo = np.zeros((64, 64, 3), np.uint8)
    for runner, shares in ((many, None), (many, np.ones(2, np.float32)), (one, np.ones(2, np.float32))):
        with pytest.raises(UsageError, match=r"`mix`: the model mixes [13] styles; give a share for each"):
            runner(photo, *([] if shares is None else [shares]))


@pytest.mark.slow
def test_a_further_style_costs_two_kilobytes(many_styles: Path, tmp_path: Path) -> None:
    sizes = []
    for count in (3, 6):
        run = Checkpoint.read(many_styles / "model.safetensors")
        own = own_arrays(run.architecture())
        for name in own:
            run.weights[name] = np.concatenate([run.weights[name]] * (count // 3))
        settings = run.card["config"]
        styles = [{**each, "name": f"{each['name']}{n}"} for n in range(count // 3) for each in settings["styles"]]
        card = {**run.card, "config": {**settings, "styles": styles}}
        Checkpoint(card, run.weights, {}).write(tmp_path / str(count) / "model.safetensors")
        out = tmp_path / f"{count}.tflite"
        (made,) = write(str(tmp_path / str(count)), find_recipe("tflite", "int8"), [(32, 32)], out=out)
        sizes.append(made.path.stat().st_size)
    numbers = sum(value.shape[-1] for name, value in run.weights.items() if name in own)
    assert numbers == 1251 and numbers <= (sizes[1] - sizes[0]) / 3 < 2000


def test_shares_as_bytes_add_up(rng: np.random.Generator) -> None:
    for count in (2, 3, 20):
        for shares in (*np.eye(count, dtype=np.float32), rng.dirichlet(np.ones(count)).astype(np.float32)):
            levels = share_bytes(shares)
            assert levels.dtype == np.uint8 and levels.sum(dtype=int) == 255
            assert np.abs(levels - 255 * shares).max() < 1
    assert share_bytes(np.array([0.5, 0.5], np.float32)).tolist() == [128, 127]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["float16", "int8"])
def test_a_core_ml_program_mixes_styles(recipe: str, many_styles: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    """Its second input is an array; two sizes, of which the evaluator runs the second."""
    sizes, photo = [(32, 32), (64, 48)], images.center_crop(astronaut, 64, 48)
    (made,) = write(str(many_styles), find_recipe("coreml", recipe), sizes, out=tmp_path / "model.mlpackage")
    assert made.card["mix"]["shape"] == [1, 3, 1, 1] and made.card["mix"]["type"] == "float32"
    assert lint(made.path).findings == ()
    runner = runtimes.load(made.path)
    assert (runner.styles, runner.sizes) == (3, tuple(sizes))
    pictures = []
    for mix in (*MANY, "night=0.2,noon=0.3,dusk=0.5"):
        network, _ = load_network(f"{many_styles}:{mix}")
        pictures.append(runner(photo, shares_of(mix, MANY)))
        assert metrics.psnr(images.to_pixels(network(photo)), pictures[-1]) > (45 if recipe == "float16" else 35), mix
    assert metrics.psnr(*pictures[:2]) < 30


def test_tiles_take_the_mix_beside_the_picture(weights: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """What the page paints photos with at their own size, against the network of the mix."""
    shares = np.array([0.25, 0.75, 0], np.float32)
    convolutions = fold(SMALL, weights)
    mix, alone = shares.reshape(1, 1, 1, 3), picked(convolutions, shares)
    crops, picture = (rng.integers(0, 256, shape).astype(np.float32) for shape in ((2, 24, 24, 3), (1, 32, 32, 3)))
    gains = Loaded(shared_gains(convolutions, crops.shape[:3]))(crops, mix)
    for one, wanted in zip(gains, Loaded(shared_gains(alone, crops.shape[:3]))(crops), strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-4)
    (painted,) = Loaded(tile(convolutions, (32, 32)))(picture, mix, *gains)
    (wanted,) = Loaded(tile(alone, (32, 32)))(picture, *gains)
    np.testing.assert_allclose(painted, wanted, atol=0.02)
    assert np.abs(painted - Loaded(tile(convolutions, (32, 32)))(picture, mix[..., ::-1], *gains)[0]).max() > 2
