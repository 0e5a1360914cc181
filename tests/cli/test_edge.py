"""What reaches the terminal, and with which exit code, whatever happens."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from conftest import command, environment
from mobile_style.cli import app
from mobile_style.cli.terminal import with_flags
from mobile_style.network.card import MODEL
from mobile_style.network.catalog import DEFAULT, model_path
from mobile_style.network.checkpoint import Checkpoint

runner = CliRunner()


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("mobile_style.cli.painting.list_models", fail)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ZeroDivisionError("by\nzero"), 1, "error: ZeroDivisionError: by (this is a fault"),
        (RecursionError("too \x1b[2J deep"), 1, "error: RecursionError: too \ufffd[2J deep"),
        (KeyError("x" * 10_000), 1, "error: KeyError: 'xxx"),
        (OSError(28, "No space left on device"), 6, "error: reading or writing failed: No space left on device"),
        (MemoryError(), 1, "error: there is not enough memory"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_every_exception_is_one_line(
    error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(error, monkeypatch)
    result = runner.invoke(app, ["models"])
    assert result.exit_code == code and result.stderr.startswith(line) and len(result.stderr.splitlines()) == 1
    assert len(result.stderr) < 500 and ("MOBILE_STYLE_DEBUG=1" in result.stderr) == ("fault" in result.stderr)


def test_the_traceback_is_there_for_the_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    raising(ZeroDivisionError("by zero"), monkeypatch)
    monkeypatch.setenv("MOBILE_STYLE_DEBUG", "1")
    assert isinstance(runner.invoke(app, ["models"]).exception, ZeroDivisionError)


def test_ctrl_c_while_the_command_line_is_loaded_is_one_line() -> None:
    """As NumPy, say, is being imported."""
    code = """
import sys
from mobile_style.__main__ import main
class Interrupted:
    def find_spec(self, name, *_):
        if name == "mobile_style.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
main()
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (130, "stopped\n")


def test_flags_that_do_not_exist_are_typers() -> None:
    assert runner.invoke(app, ["models", "--color"]).exit_code == 2


def test_parameters_of_the_library_are_flags_and_arguments_here() -> None:
    group: Any = typer.main.get_command(app)
    stylize = group.commands["stylize"]
    assert with_flags("give `size=800` or `inputs`, not `color`", stylize) == "give --size 800 or INPUTS, not `color`"


def test_control_characters_of_a_card_do_not_reach_the_terminal() -> None:
    bundled = Checkpoint.read(model_path(DEFAULT))
    config = bundled.card["config"] | {"style": "\x1b]0;owned\x07star\x1b[2J", "preset": "\x1b[5m\u202esmall"}
    Checkpoint({**bundled.card, "config": config}, bundled.weights, {}).write(Path("runs/mine") / MODEL)
    result = runner.invoke(app, ["models"])
    assert result.exit_code == 0 and "runs/mine" in result.output
    assert not {"\x1b", "\x07", "\u202e"} & set(result.output)
    evil = runner.invoke(app, ["stylize", "a\x1b[31m.jpg"])
    assert evil.exit_code == 3 and "a\ufffd[31m.jpg does not exist" in evil.output


def test_one_bad_run_does_not_hide_the_others() -> None:
    for name, content in (("empty", b""), ("deep", b"\x10" + bytes(7) + b"[" * 16)):
        (Path("runs") / name).mkdir(parents=True)
        (Path("runs") / name / MODEL).write_bytes(content)
    bundled = Checkpoint.read(model_path(DEFAULT))
    nothing: Any = None
    Checkpoint({**bundled.card, "config": nothing}, {}, {}).write(Path("runs/none") / MODEL)
    Path("runs/good").mkdir()
    shutil.copy(model_path(DEFAULT), Path("runs/good"))
    result = runner.invoke(app, ["models"])
    assert result.exit_code == 0 and "runs/good" in result.output and "runs/none" not in result.output


def test_without_a_home_folder() -> None:
    code = "import os; os.path.expanduser = lambda path: path; from mobile_style.cli import app; app(['models'])"
    env = {name: value for name, value in environment().items() if name not in ("HOME", "XDG_CACHE_HOME")}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert result.returncode == 0 and DEFAULT in result.stdout, result.stderr


@pytest.mark.slow
def test_settings_of_another_project_change_nothing(astronaut: Any, tmp_path: Path) -> None:
    from mobile_style.media import images

    images.save(astronaut[:64, :64], tmp_path / "a.png")
    painted = {}
    for name, settings in (("own", "{}"), ("other", OTHERS)):
        (tmp_path / name / ".keras").mkdir(parents=True)
        (tmp_path / name / ".keras" / "keras.json").write_text(settings)
        env = environment() | {"HOME": str(tmp_path / name)}
        del env["KERAS_BACKEND"]
        result = subprocess.run(
            command("stylize", "a.png", "--out", f"{name}.png"), env=env, capture_output=True, text=True
        )
        assert result.returncode == 0 and result.stderr.count("\n") <= 1, result.stderr
        painted[name] = images.load(tmp_path / f"{name}.png")
    assert (painted["own"] == painted["other"]).all()


OTHERS = '{"image_data_format": "channels_first", "backend": "theano", "floatx": "float16", "epsilon": 0.1}'


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["stylize", "none.jpg"], 3), (["paint"], 2)])
def test_exit_codes_of_the_process(arguments: list[str], code: int) -> None:
    """Which ends without taking apart what it has loaded."""
    result = subprocess.run(command(*arguments), capture_output=True, text=True)
    assert result.returncode == code and (result.stdout == "") == (code != 0) == (result.stderr != "")


def test_what_cannot_be_written_at_the_end_is_an_error() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        assert subprocess.run(command("--version"), stdout=full, stderr=subprocess.DEVNULL).returncode != 0
