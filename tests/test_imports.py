import subprocess
import sys


def test_the_command_line_loads_nothing_heavy() -> None:
    code = "import sys, mobile_style.cli; print(*{'tensorflow', 'keras', 'numpy', 'coremltools', 'scipy', 'PIL'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
