"""The painting of a style on the page: a small copy of what the run's folder keeps."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import STARTED, at_once, in_a_browser, opened, serving, some_engine, until
from conftest import MANY, Exported
from mobile_style.media import images
from mobile_style.network.catalog import BUNDLED, bundled_photos
from mobile_style.web.site import Site, build_site

PAINTING = bundled_photos("held_out") / "roman_colosseum.jpg"


@pytest.fixture(scope="module", autouse=True)
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with some_engine(tmp_path_factory.mktemp("litertjs")):
        yield


def trained(folder: Path) -> tuple[Path, Path]:
    """A run and its export, with the painting where a training keeps it: (run, export)."""
    run, export = folder / "runs" / "cafe", folder / "exports" / "cafe"
    for made in (run, export):
        made.mkdir(parents=True)
    shutil.copy(BUNDLED / "udnie" / "model.safetensors", run)
    images.save(images.resized(images.load(PAINTING), 600, 900), run / "style.png")
    shutil.copy(BUNDLED / "udnie" / "int8.tflite", export / "model.tflite")
    card = json.loads((BUNDLED / "udnie" / "int8.json").read_text()) | {"name": "cafe", "style": "painting.jpg"}
    card["source"]["checkpoint"] = "../../runs/cafe/model.safetensors"
    (export / "model.json").write_text(json.dumps(card))
    return run, export


def shown(place: Path) -> list[bytes | None]:
    """What the page has of the painting of each style."""
    site: Site = build_site([place])[0]
    styles = json.loads(site["site.json"].content())["styles"]
    return [site[style["painting_url"]].content() if "painting_url" in style else None for style in styles]


def test_it_is_a_small_copy(tmp_path: Path) -> None:
    _, export = trained(tmp_path)
    (copy,) = shown(export)
    assert copy is not None and copy.startswith(b"\xff\xd8")
    small = images.load(copy).astype(int)
    assert small.shape == (480, 720, 3)
    assert np.abs(small - images.resized(images.load(PAINTING), 480, 720)).mean() < 3


def test_what_is_no_picture_of_the_runs_own_is_not_shown(tmp_path: Path) -> None:
    run, export = trained(tmp_path)
    (run / "style.png").write_bytes(b"no picture")
    assert shown(export) == [None]
    (run / "style.png").unlink()
    (run / "style.png").symlink_to(PAINTING)
    assert shown(export) == [None]
    (run / "style.png").unlink()
    assert shown(export) == [None]


def test_each_of_many_styles_has_its_own(exported_many: Exported, many_styles: Path, tmp_path: Path) -> None:
    run, export = tmp_path / "run", tmp_path / "export"
    shutil.copytree(many_styles, run)
    shutil.copytree(exported_many("int8").parent, export, ignore=shutil.ignore_patterns("lock"))
    card = json.loads((export / "model.json").read_text())
    card["source"]["checkpoint"] = "../run/model.safetensors"
    (export / "model.json").write_text(json.dumps(card))
    for gray, name in enumerate(MANY[:2]):
        images.save(np.full((8, 8, 3), 100 * gray, np.uint8), run / "styles" / f"{name}.png")
    (run / "styles" / f"{MANY[2]}.png").unlink(missing_ok=True)
    night, noon, dusk = shown(export)
    assert night is not None and noon is not None and dusk is None
    assert [int(images.load(each).mean()) for each in (night, noon)] == [0, 100]


def test_styles_that_are_called_alike_name_the_file_that_mixes_them(exported_many: Exported, tmp_path: Path) -> None:
    for name in ("one", "other"):
        shutil.copytree(exported_many("int8").parent, tmp_path / name, ignore=shutil.ignore_patterns("lock"))
        card = json.loads((tmp_path / name / "model.json").read_text())
        (tmp_path / name / "model.json").write_text(json.dumps(card | {"name": name}))
    about = json.loads(build_site([tmp_path / "one", tmp_path / "other"])[0]["site.json"].content())
    titles = [style["title"] for style in about["styles"]]
    assert titles == [f"{style.capitalize()} ({name})" for name in ("one", "other") for style in MANY]


@pytest.mark.slow
@in_a_browser
def test_the_page_shows_it(context: Any, tmp_path: Path) -> None:
    with serving(at_once(build_site([trained(tmp_path)[1]])[0])) as url:
        page = opened(context, url)
        page.wait_for_selector(STARTED)
        assert "Learned from" not in page.text_content("#panel")
        page.click("#painting-title")
        until(lambda: page.evaluate("document.getElementById('painting-picture').naturalWidth") == 720)
