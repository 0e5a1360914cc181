import subprocess
from pathlib import Path

import numpy as np
import pytest

from conftest import Exported
from mobile_style import fidelity, images, runtimes

PYTHON = Path(__file__).parents[1] / ".venv-tflite-runtime" / "bin" / "python"
RUN = """
import sys
import numpy as np
from tflite_runtime.interpreter import Interpreter

interpreter = Interpreter(sys.argv[1])
interpreter.allocate_tensors()
(given,), (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
interpreter.set_tensor(given["index"], np.load(sys.argv[2])[None].astype(given["dtype"]))
interpreter.invoke()
np.save(sys.argv[3], interpreter.get_tensor(wanted["index"])[0])
"""


@pytest.mark.skipif(
    not PYTHON.exists(), reason="tflite-runtime needs Python 3.11 at most; `make test` sets it up there"
)
@pytest.mark.parametrize("recipe", ["float32", "float16", "dynamic_int8", "int8"])
def test_exports_run_on_the_old_runtime_too(
    recipe: str, exported: Exported, astronaut: np.ndarray, tmp_path: Path
) -> None:
    picture = images.centre_square(astronaut, 64)
    np.save(tmp_path / "in.npy", picture)
    command = [PYTHON, "-c", RUN, exported(recipe), tmp_path / "in.npy", tmp_path / "out.npy"]
    subprocess.run(command, check=True, capture_output=True)
    output, expected = images.to_pixels(np.load(tmp_path / "out.npy")), runtimes.load(exported(recipe))(picture)
    # Its int8 kernels round some sums the other way; its hybrid kernels round activations by rows of their own.
    assert fidelity.psnr(output, expected) > {"int8": 40, "dynamic_int8": 30}.get(recipe, 70)
