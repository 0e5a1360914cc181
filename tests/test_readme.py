"""README.md as one walk: its commands from "Paint" on, typed in order in an empty folder, with short budgets."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from browsing import some_engine
from mobile_style.cli import app
from mobile_style.network.catalog import PAINTINGS, bundled_photos

README = (Path(__file__).parents[1] / "README.md").read_text()
WALK = README[README.index("\n## Paint\n") :]
COMMANDS = [
    line.strip().removeprefix("$ ").partition("  #")[0] for line in WALK.splitlines() if line.startswith("    ")
]
SHORTER = {  # budgets of the same commands
    "--minutes 10": "--steps 2 --learning-rate 1e-5 --image-size 48 --style-size 64",  # still the Self-Portrait
    "--report report": "--report report --limit 4",
    "--html latency.html": "--html latency.html --runs 15",
    "--fps 30": "--fps 30 --runs 15 --size 32 --size 48",
}


@pytest.mark.slow
def test_every_command_works_after_those_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(bundled_photos("held_out") / "espresso_cup.jpg", "photo.jpg")
    shutil.copy(PAINTINGS / "starry_night.jpg", "painting.jpg")
    Path("photos").mkdir()
    for photo in sorted(bundled_photos("train").glob("*.jpg"))[:6]:
        shutil.copy(photo, "photos")
    app_sources = Path("android_demo/app/src/main")
    app_sources.mkdir(parents=True)
    (app_sources / "AndroidManifest.xml").touch()
    typed = []
    with some_engine(tmp_path):
        for line in COMMANDS:
            if not line.startswith("mobile-style ") or line.startswith("mobile-style serve"):  # which goes on for ever
                continue
            for budget, shorter in SHORTER.items():
                line = line.replace(budget, shorter)
            parts = shlex.split(line)[1:]
            arguments = [str(path) for part in parts for path in (sorted(Path().glob(part)) if "*" in part else [part])]
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, f"{line}\n{result.output}"
            typed.append(parts[0])
        inline = re.search(r"`mobile-style (bundle \S+ --web site)`", WALK)
        assert inline
        result = CliRunner().invoke(app, inline[1].split())
        assert result.exit_code == 0, result.output
    assert typed == [
        *("stylize", "stylize", "train", "bulk", "export", "validate", "lint", "bundle", "benchmark", "find-size"),
    ]
    assert {"photo-starry_night.jpg", "kept.png", "painted", "runs", "exports", "report", "site", "latency.html"} <= {
        path.name for path in tmp_path.iterdir()
    }
