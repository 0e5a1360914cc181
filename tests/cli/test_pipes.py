"""Photos through standard input and output, and what is printed when some of them fail."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import command, environment, run


@pytest.mark.slow
def test_a_photo_through_a_pipe(trained_run: Path, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (200, 90, 30)).save(tmp_path / "a.webp")
    result = subprocess.run(
        command("stylize", "-", "--out", "-", "--model", trained_run, "--strength", "0"),
        input=(tmp_path / "a.webp").read_bytes(),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
    )
    assert result.returncode == 0, result.stderr
    with Image.open(io.BytesIO(result.stdout)) as image:
        assert image.format == "WEBP"
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - (200, 90, 30)).max() < 8
    assert [path.name for path in tmp_path.iterdir()] == ["a.webp"]


def test_what_was_written_is_printed_when_something_failed(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "0.jpg").write_text("no photo")
    (photos / "00.jpg").write_text("no photo")
    result = run("stylize", photos, "--model", trained_run, "--out", "out", cwd=tmp_path)
    assert result.returncode == 3
    assert len(result.stdout.splitlines()) == 12 and "out/1-tiny.png" in result.stdout.splitlines()
    lines = result.stderr.splitlines()
    assert lines[-1] == "error: 2 of 14 failed; the others are done"
    assert [line.split("/")[-1].split(" ")[0] for line in lines[-3:-1]] == ["0.jpg", "00.jpg"]
