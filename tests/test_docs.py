import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ai_edge_litert.interpreter import Interpreter

import pictures
import snippets
from conftest import Exported
from mobile_style.cli import app
from mobile_style.exporting.coreml_evaluator import Evaluator
from mobile_style.exporting.lint import table
from mobile_style.exporting.recipes import RECIPES, find_recipe
from mobile_style.exporting.write import write
from mobile_style.network.architecture import PRESETS
from mobile_style.network.catalog import BUNDLED, DEFAULT, PAINTINGS, bundled_photos
from mobile_style.training.objective import OBJECTIVES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COMMANDS = {command.callback.__name__.replace("_", "-"): command.callback for command in app.registered_commands}


def test_the_cli_page_is_the_help() -> None:
    """Made by `make docs`."""
    command = [sys.executable, "-m", "typer", "mobile_style.cli", "utils", "docs", "--name", "mobile-style"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (DOCS / "cli.md").read_text().strip() == made.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_and_is_in_the_readme(command: str) -> None:
    assert f"`mobile-style {command}" in COMMANDS[command].__doc__
    assert f"mobile-style {command}" in (ROOT / "README.md").read_text()


def test_every_preset_and_objective_is_documented_with_its_figures() -> None:
    training, losses = ((DOCS / name).read_text() for name in ("training.md", "losses.md"))
    for name, architecture in PRESETS.items():
        assert f"| `{name}` |" in training.replace(" (default)", ""), name
        assert f"| {architecture.parameters():,} | {architecture.macs() / 1e9:.2f} G |" in training, name
    for name, objective in OBJECTIVES.items():
        assert f"| `{name}`" in losses
        assert f"{objective.content_weight:g} : {objective.style_weight:g} : " in losses.replace("1e-4", "0.0001"), name


def test_links_pictures_and_anchors_exist() -> None:
    for page in (ROOT / "README.md", *DOCS.rglob("*.md"), *BUNDLED.glob("*/README.md")):
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
            linked = page.parent / target if target else page
            assert linked.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in _anchors(linked.read_text()), f"{page.name}: {target}#{anchor}"


def _anchors(page: str) -> list[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page, re.M)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_every_experiment_is_in_the_index() -> None:
    index = (DOCS / "experiments" / "README.md").read_text()
    for page in (DOCS / "experiments").glob("*-*.md"):
        assert f"[{page.name}]({page.name})" in index


def test_every_carried_picture_has_its_source() -> None:
    sources = (bundled_photos("train").parent / "SOURCES.md").read_text()
    for part in ("train", "held_out"):
        for path in bundled_photos(part).iterdir():
            assert f"`{part}/{path.name}`" in sources
    notice = (ROOT / "NOTICE").read_text()
    assert all(path.name in notice for path in PAINTINGS.iterdir())


def test_the_readmes_two_commands_are_the_makefiles() -> None:
    makefile, readme = (ROOT / "Makefile").read_text(), (ROOT / "README.md").read_text()
    for target in ("quickstart", "test"):
        assert f"make {target}" in readme and re.search(rf"^{target}:", makefile, re.M)
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_every_recipe_is_documented_with_its_gate() -> None:
    page = (DOCS / "export.md").read_text()
    for recipe in RECIPES:
        limits = (recipe.gate.psnr_mean, recipe.gate.psnr_worst, recipe.gate.ssim_mean)
        row = [f"`{recipe.name}`", recipe.target, recipe.pixels, *(f"{limit:g}" for limit in limits)]
        assert f"| {' | '.join(row)} |" in page, row


def test_the_operators_page_is_the_lints_table() -> None:
    assert table() in (DOCS / "operators.md").read_text()


def test_pictures_show_the_networks_that_are_bundled_and_the_app_of_now() -> None:
    """Those of the page, of the app (`make app-pictures`) and of all styles; what makes each records it."""
    known = json.loads(pictures.RECORD.read_text())
    shown = {
        "browser.jpg",
        "camera.webp",
        "styles.jpg",
        *(f"android/{path.name}" for path in (DOCS / "android").glob("*.jpg")),
    }
    old = {name for name in shown if known.get(name) != pictures.digest(name)}
    assert not old, f"older than what they show, which docs/pictures.json names: {old}"


@pytest.mark.parametrize(
    ("changed", "older"),
    [
        ("android_demo/app/src/main/res/values/strings.xml", {"android/live.jpg"}),
        ("android_demo/app/src/main/kotlin/mobile/style/demo/Screen.kt", {"android/live.jpg"}),
        ("android_demo/core/src/main/kotlin/mobile/style/core/Statistics.kt", {"android/live.jpg"}),
        ("models/udnie/int8.tflite", {"android/live.jpg"}),
        ("models/udnie/model.safetensors", {"android/live.jpg", "styles.jpg"}),
    ],
)
def test_a_change_of_what_a_picture_shows_is_noticed(
    changed: str, older: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: pictures.digest(name) for name in ("android/live.jpg", "styles.jpg")}
    for part in (*pictures.SOURCES, "models"):
        for path in (path for path in (ROOT / part).rglob("*") if path.is_file()):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path)
    monkeypatch.setattr(pictures, "ROOT", tmp_path)
    assert before == {name: pictures.digest(name) for name in before}
    content = (tmp_path / changed).read_bytes()
    (tmp_path / changed).unlink()
    (tmp_path / changed).write_bytes(content + b" ")
    assert {name for name in before if pictures.digest(name) != before[name]} == older


@pytest.mark.slow
def test_the_app_page_states_what_the_files_are(exported: Exported, tmp_path: Path) -> None:
    """Made by tools/snippets.py."""
    package = tmp_path / "model.mlpackage"
    write(DEFAULT, find_recipe("coreml", "float16"), [(256, 256)], out=package)
    paths = (exported("int8", 256), package)
    cards = [json.loads(path.with_suffix(".json").read_text()) | {"path": path} for path in paths]
    assert (DOCS / "apps.md").read_text() == snippets.page(*cards)
    details = Interpreter(str(cards[0]["path"])).get_input_details()[0]
    assert f"`{details['dtype'].__name__}`" in snippets.page(*cards) and details["quantization"] == (1.0, 0)
    feature = Evaluator(cards[1]["path"])
    assert feature.sizes == ((256, 256),)
