import subprocess
import sys


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = {"tensorflow", "keras", "numpy", "coremltools", "scipy", "PIL", "av", "pydantic"}
    code = f"import sys, mobile_style.cli; print(*{heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
