"""`export --recipe auto`."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from mobile_style.benchmarking import fastest
from mobile_style.cli import app
from mobile_style.errors import OutputError
from mobile_style.exporting.card import digest
from mobile_style.network.catalog import DEFAULT
from mobile_style.validation import checked_export


@pytest.mark.slow
def test_it_keeps_the_fastest_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"float32": 9.0, "float16": 8.0, "dynamic_int8": 2.0, "int8": 1.0}

    def benchmark(files: list[Path], *_: Any, **__: Any) -> Any:
        medians = [SimpleNamespace(value=times[file.parent.name]) for file in files]
        return SimpleNamespace(rows=[SimpleNamespace(latency=SimpleNamespace(median=each)) for each in medians])

    monkeypatch.setattr(fastest, "benchmark", benchmark)
    monkeypatch.setattr(checked_export, "PHOTOS", 1)
    rows, made = fastest.export_fastest(DEFAULT, (96, 96), None, tmp_path / "m.tflite")
    best = min((row for row in rows if row.passed), key=lambda row: times[row.recipe])
    card = json.loads((tmp_path / "m.json").read_text())
    assert made is not None and made.path == tmp_path / "m.tflite"
    assert {row.recipe: row.milliseconds for row in rows} == times and card["recipe"] == best.recipe
    assert card["file"]["sha256"] == digest(made.path) and card["file"]["name"] == "m.tflite"
    assert card["fidelity"]["mean"]["psnr"] == pytest.approx(best.psnr)


def test_it_looks_for_what_is_there_before_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fastest, "export", lambda *_: pytest.fail("it has begun"))
    Path("other.json").write_text("the user's")
    with pytest.raises(OutputError, match=r"other\.json exists"):
        fastest.export_fastest(DEFAULT, (96, 96), None, tmp_path / "other.tflite")
    there = Path("exports/starry_night-int8-96x96/model.tflite")
    there.parent.mkdir(parents=True)
    there.touch()
    with pytest.raises(OutputError, match=r"model\.tflite exists"):
        fastest.export_fastest(DEFAULT, (96, 96), None, None)


def test_the_command_shows_its_table_where_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [fastest.Frontier("int8", 499_000, 12.3, 20.0, 0.5, False)]
    monkeypatch.setattr(fastest, "export_fastest", lambda *_: (rows, None))
    done = CliRunner().invoke(app, ["export", DEFAULT, "--recipe", "auto"])
    assert done.exit_code == 8 and "12.3" in done.output and "no recipe passes its gate" in done.output
