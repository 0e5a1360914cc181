"""Photos through standard input and output, and what is printed when some of them fail."""

import io
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import command, environment, run
from mobile_style.cli.pipes import piped
from mobile_style.errors import ImageError, OutputError
from mobile_style.painting.files import stylize_files
from mobile_style.progress import Note, Step


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no photo", "is not an image that can be read; save it as JPEG or PNG"),
        (b"", "is not an image that can be read; save it as JPEG or PNG"),
        (b"\xff\xd8" + bytes(200_000), "is damaged (its head leads to no pixels); save it again or leave it out"),
    ],
)
def test_errors_speak_of_standard_input(
    trained_run: Path,
    content: bytes,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    said: list[Note | Step] = []
    for inputs, out in ([Path("-")], "-"), ([Path("-"), tmp_path / "a.png"], str(tmp_path / "out")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        with pytest.raises(ImageError) as caught, piped(inputs, out) as (files, place, naming):
            stylize_files(files, trained_run, place, progress=naming(said.append))
        assert str(caught.value) == (
            f"standard input {message}" if out == "-" else "1 of 2 failed; the others are done"
        )
    assert f"warning: standard input {message}" in map(str, said)
    assert capfdbinary.readouterr() == (b"", b"")


def test_errors_speak_of_standard_output(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    with (
        pytest.raises(OutputError, match=r"^standard output: no room$"),
        piped([tmp_path / "a.jpg"], "-") as (_, place, _),
    ):
        raise OutputError(f"{place}: no room")


def test_what_was_written_is_printed_when_something_failed(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "0.jpg").write_text("no photo")
    (photos / "00.jpg").write_text("no photo")
    result = run("stylize", photos, "--model", trained_run, "--out", "out", cwd=tmp_path)
    assert result.returncode == 3
    assert len(result.stdout.splitlines()) == 12 and "out/1-tiny.png" in result.stdout.splitlines()
    lines = result.stderr.splitlines()
    assert lines[-1] == "error: 2 of 14 failed; the others are done"
    assert [line.split("/")[-1].split(" ")[0] for line in lines[-3:-1]] == ["0.jpg", "00.jpg"]


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_streams_that_are_closed(trained_run: Path, tmp_path: Path, closed: str) -> None:
    """As those of a program that a server starts."""
    Image.new("RGB", (40, 30), (200, 90, 30)).save(tmp_path / "a.png")

    def paint(source: str, target: str) -> int:
        words = command("stylize", source, "--out", target, "--model", trained_run)
        return subprocess.call(f"{shlex.join(words)} {closed}", shell=True, cwd=tmp_path, env=environment())

    assert paint("a.png", "b.png") == 0
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (40, 30)
    assert (paint("a.png", "-") == OutputError.exit_code) == ("1>" in closed)
    assert paint("-", "c.png") == ImageError.exit_code
