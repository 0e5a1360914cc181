import subprocess
import sys
from pathlib import Path


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = {"tensorflow", "keras", "numpy", "coremltools", "scipy", "PIL", "av"}
    code = f"import sys, mobile_style.cli; print(*{heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_painting_a_photo_waits_for_nothing_of_videos(trained_run: Path, photos: Path) -> None:
    """Nor for what draws bars in a terminal or checks data slowly, nor for picture formats that are not asked for."""
    code = (
        "import sys, mobile_style.cli\n"
        "try:\n    mobile_style.cli.app()\n"
        "except SystemExit:\n    print(*{'av', 'rich.console', 'pydantic', 'PIL.AvifImagePlugin'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, "stylize", str(photos / "1.png"), "--model", str(trained_run)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[1:] == [""] and result.stderr == ""
