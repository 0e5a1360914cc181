"""Which files a painting writes where, and how one that was stopped goes on."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mobile_style.errors import ImageError, OutputError, UnpaintedError
from mobile_style.media import images
from mobile_style.painting import photo
from mobile_style.painting.files import stylize_files
from mobile_style.painting.places import fitting
from mobile_style.progress import Note, Step


def test_a_folder_goes_on(trained_run: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Path] = []

    def interrupted(source: Path, target: Path, *arguments: object) -> object:
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(target)
        return convert(source, target, *arguments)

    convert = photo.convert
    monkeypatch.setattr(photo, "convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stylize_files([photos], str(trained_run))
    monkeypatch.undo()
    before = {path: path.stat().st_mtime_ns for path in done}
    record = tmp_path / "photos-tiny" / ".mobile-style-results"
    record.write_text(record.read_text() + '["cut')
    shutil.copy(photos / "1.png", photos / "new.png")
    said: list[Note | Step] = []
    written = stylize_files([photos], str(trained_run), progress=said.append)
    assert len(written) == 8 and not set(written) & set(done)
    assert {path: path.stat().st_mtime_ns for path in done} == before
    assert [event.text for event in said if isinstance(event, Note)] == [
        "5 of 13 were painted before and are left as they are"
    ]
    assert stylize_files([photos], str(trained_run)) == []


@pytest.mark.parametrize("change", ["settings", "photo", "not ours"])
def test_other_results_are_not_taken_for_finished_ones(trained_run: Path, photos: Path, change: str) -> None:
    written = stylize_files([photos], str(trained_run))
    before = written[0].read_bytes()
    if change == "photo":
        images.save(np.zeros((50, 60, 3), np.uint8), photos / "1.png")
    elif change == "not ours":
        (written[0].parent / ".mobile-style-results").unlink()
    message = "exists and is left" if change == "not ours" else "other settings, or of another photo"
    with pytest.raises(OutputError, match=message):
        stylize_files([photos], str(trained_run), strength=0.5 if change == "settings" else 1.0)
    assert written[0].read_bytes() == before


def test_folders_with_photos_of_the_same_name(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    for place in ("x/trip", "y/trip"):
        (tmp_path / place).mkdir(parents=True)
        shutil.copy(photos / "1.png", tmp_path / place / "1.png")
    written = stylize_files([tmp_path / "x" / "trip", tmp_path / "y" / "trip"], str(trained_run), tmp_path / "out")
    assert written == [tmp_path / "out" / place / "1-tiny.png" for place in ("x/trip", "y/trip")]
    (written_once,) = stylize_files([photos / "2.png", photos / "2.png"], str(trained_run), tmp_path / "once")
    assert written_once == tmp_path / "once" / "2-tiny.png"
    shutil.copy(photos / "1.png", photos / "scan")
    shutil.copy(photos / "1.png", photos / "scan.png")
    with pytest.raises(OutputError, match=r"two inputs would both become .*scan-tiny\.png; rename"):
        stylize_files([photos / "scan", photos / "scan.png"], str(trained_run), tmp_path / "both")


@pytest.mark.parametrize("length", [240, 251])
def test_long_names(trained_run: Path, photos: Path, length: int) -> None:
    source = photos / ("\u00e4" * (length // 2) + "a" * (length % 2) + ".png")
    shutil.copy(photos / "1.png", source)
    (written,) = stylize_files([source], str(trained_run))
    assert len(written.name.encode()) <= 255 and written.name.endswith("-tiny.png") and written.is_file()
    assert fitting("a" * 300, ".png") != fitting("a" * 301, ".png")
    assert len(fitting("a" * 300, ".png")) == 255


def test_a_folder_whose_name_has_a_dot(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    (written,) = stylize_files([photos / "1.png"], str(trained_run), f"{tmp_path}/name.v2/")
    assert written == tmp_path / "name.v2" / "1-tiny.png"
    with pytest.raises(OutputError, match=r"\.v3"):
        stylize_files([photos / "1.png"], str(trained_run), f"{tmp_path}/name.v3")


def test_the_only_photo_that_fails_is_the_error(trained_run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no photo")
    with pytest.raises(ImageError, match=r"a\.jpg is not an image"):
        stylize_files([tmp_path / "a.jpg"], str(trained_run))


def test_links_that_lead_nowhere_do_not_stop_the_others(trained_run: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "gone.png").symlink_to("nowhere.png")
    (photos / "loop.jpg").symlink_to("loop.jpg")
    with pytest.raises(UnpaintedError, match="2 of 14 failed") as failure:
        stylize_files([photos], trained_run, tmp_path / "out")
    assert len(failure.value.written) == 12
    with pytest.raises(UnpaintedError, match="2 of 14 failed"):
        stylize_files([photos], trained_run, tmp_path / "out")
