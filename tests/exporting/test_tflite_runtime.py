from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from conftest import Exported
from mobile_style import metrics
from mobile_style.devices import worker
from mobile_style.devices.host import Worker
from mobile_style.exporting import runtimes
from mobile_style.media import images

PYTHON = Path(__file__).parents[2] / ".venv-tflite-runtime" / "bin" / "python"


@pytest.mark.skipif(
    not PYTHON.exists(), reason="tflite-runtime needs Python 3.11 at most; `make test` sets it up there"
)
@pytest.mark.parametrize("recipe", ["float32", "float16", "dynamic_int8", "int8"])
def test_exports_run_on_the_old_runtime_too(recipe: str, exported: Exported, astronaut: np.ndarray) -> None:
    path, module = exported(recipe), runtimes.RUNTIMES["tflite-runtime"][0]
    picture = images.center_square(astronaut, 64)
    with closing(Worker([str(PYTHON), worker.__file__, str(path), module, "1"], path)) as running:
        assert running.takes() == ((64, 64), 1)
        output = images.to_pixels(running.compute(picture[None])[0])
    # Its int8 kernels round some sums the other way; its hybrid kernels round activations by rows of their own.
    expected = runtimes.load(path)(picture)
    assert metrics.psnr(output, expected) > {"int8": 38, "dynamic_int8": 30}.get(recipe, 70)
