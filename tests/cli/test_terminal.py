"""What moves in a terminal, and what stays."""

import itertools
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

from typer.testing import CliRunner

from conftest import command, environment
from mobile_style.cli import app

BARS = """
import time
from mobile_style.cli.terminal import progress_bars
from mobile_style.network.backend import quiet
from mobile_style.progress import Note, Step
with progress_bars() as progress:
    progress(Note("waking up"))
    with quiet():  # as libraries are loaded
        time.sleep(2.5)
    for second in range(5):
        progress(Step("Training", min(second, 3), 3, "s"))
"""


def typed(*line: str, columns: int = 80) -> tuple[str, list[float]]:
    """What a program writes to a terminal of so many columns, and the times at which it writes."""
    leader, follower = pty.openpty()
    settings = environment() | {"TERM": "xterm", "COLUMNS": str(columns)}
    with subprocess.Popen(line, stdin=follower, stdout=follower, stderr=follower, env=settings):
        os.close(follower)
        written, times = b"", []
        while True:
            try:
                read = os.read(leader, 65536)
            except OSError:  # its end, on Linux
                break
            written, times = written + read, [*times, time.monotonic()]
    os.close(leader)
    return written.decode(), times


def test_something_moves_while_libraries_load_and_a_bar_ends_once() -> None:
    shown, times = typed(sys.executable, "-c", BARS)
    assert max(after - before for before, after in itertools.pairwise(times)) < 2
    assert shown.count("3/3 s") >= 1 and shown.count("in all") == 1


def test_a_narrow_terminal_names_what_it_leaves_out_and_shows_it_on_demand() -> None:
    narrow, _ = typed(*command("models"), columns=60)
    assert "--verbose also shows: preset, steps" in narrow
    whole, _ = typed(*command("models", "--verbose"), columns=60)
    assert "preset" in whole and "steps" in whole and "also shows" not in whole
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", whole).splitlines())) <= 60


def test_the_figures_of_a_check_are_kept(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    line = ["evaluate", "udnie", "--limit", "1", "--size", "64", "--json", str(told)]
    shown = CliRunner().invoke(app, line)
    assert shown.exit_code == 0 and '"temporal_error"' in told.read_text() and "lower is better" in shown.stdout
    again = CliRunner().invoke(app, line)
    assert again.exit_code == 6 and f"{told} exists and is left as it is; choose another --json" in again.stderr
