"""The commonest mistakes: each ends in one line that says what to do next."""

import os
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from mobile_style.cli import app
from mobile_style.network.catalog import BUNDLED

PLACE = Path("/proc/painted.png") if os.geteuid() == 0 else Path("locked/painted.png")  # root writes anywhere else


@pytest.fixture(autouse=True)
def files_of_a_beginner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("letters").mkdir()
    Path("letters/letter.txt").write_text("not a photo")
    Path("picture.jpg").write_bytes(b"not a photo")
    Image.new("RGB", (32, 32)).save("small.png")
    Path("locked").mkdir(mode=0o500)
    Path("cut").touch()
    Path("run").mkdir()
    Path("run/model.safetensors").touch()
    Path("exports/a").mkdir(parents=True)
    Path("exports/a/model.tflite").touch()
    Path("exports/b/model.mlpackage").mkdir(parents=True)
    Path("cut.safetensors").write_bytes((BUNDLED / "udnie" / "model.safetensors").read_bytes()[:3000])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("stylize nowhere.jpg", "nowhere.jpg does not exist; check the path"),
        ("stylize picture.jpg", "picture.jpg is not an image that can be read; save it as JPEG or PNG"),
        ("stylize letters", "letters contains no photo and no video; name another folder"),
        ("stylize picture.jpg --model monet", "there is no model monet; `mobile-style models` lists what there is"),
        ("stylize picture.jpg --model cut.safetensors", "; name another one, or train again"),
        ("stylize picture.jpg --out letters/letter.txt", "no picture format is called '.txt'; use .png or .jpg"),
        ("stylize small.png --out cut", "--out cut is a file; name a folder, or a new file such as cut.png"),
        ("dataset letters --out shards", "; name another folder"),
        ("train --steps -1", "--steps must be from 1 to 1000000000, not -1"),
        ("train --minutes -1", "--minutes must be above 0 and at most 100000, not -1"),
        ("export udnie --target onnx", "--target onnx is unknown; choose from tflite, coreml"),
        ("export udnie --out picture.jpg", "picture.jpg exists and is left as it is; choose another --out"),
        ("validate picture.jpg", "picture.jpg is no exported model; name a .tflite file or an .mlpackage"),
        ("validate run", "run is the folder of a training; export it first: mobile-style export run"),
        ("lint exports", "exports is a folder; name a model in it: exports/a/model.tflite, exports/b/model.mlpackage"),
        ("lint picture.jpg", "picture.jpg is no TensorFlow Lite model; name a .tflite file"),
        ("bundle udnie --web letters", "letters exists and is left as it is; choose another --web"),
        ("add-styles many no.style --out more", "there is no style at no.style; a training writes styles/NAME.style"),
        ("stylize small.png --model many --mix foo=1", "error: many: --mix: there is no style 'foo'; choose from "),
        ("models --json picture.jpg", "picture.jpg exists and is left as it is; choose another --json"),
        ("serve --models nowhere", "--models nowhere is not a folder; name one with .tflite files"),
        (f"stylize small.png --out {PLACE}", f"cannot write {PLACE}: "),
    ],
)
def test_one_line_says_what_to_do_next(line: str, says: str) -> None:
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code not in (0, 1), result.output
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ") and says in last, result.stderr
    assert "cannot write" not in last or last.endswith("; choose another place")
