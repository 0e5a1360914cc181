import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mobile_style.inference.float_ops import FloatOps
from mobile_style.inference.fold import fold
from mobile_style.inference.interpreter import Loaded
from mobile_style.inference.network import WholePictures
from mobile_style.inference.paired_ops import PairedOps, painter, paired
from mobile_style.inference.tflite_writer import TfliteWriter
from mobile_style.network.checkpoint import read_model


@pytest.mark.parametrize("side", [5, 9])
@pytest.mark.parametrize("relu", [False, True])
def test_pairs_of_pixels_give_the_same_bits(side: int, relu: bool, rng: np.random.Generator) -> None:
    kernel, bias = (rng.normal(size=shape).astype(np.float32) for shape in ((side, side, 7, 3), (3,)))
    picture = rng.normal(size=(1, 21, 26, 7)).astype(np.float32)

    def convolved(kind: type[FloatOps]) -> np.ndarray:
        graph = TfliteWriter()
        ops, x = kind(graph), graph.input("x", "FLOAT32", picture.shape)
        (found,) = Loaded(graph.content({"y": ops.convolve(x, kernel, bias, 1, relu, "y")}))(picture)
        return found

    plain = convolved(FloatOps)
    assert plain.shape == (1, 22 - side, 27 - side, 3) and (plain.max() <= 6) == relu
    np.testing.assert_array_equal(plain, convolved(PairedOps))
    assert paired(kernel).shape == (side, (side + 1) // 2, 14, 6)


def test_small_kernels_stay_as_they_are(rng: np.random.Generator) -> None:
    contents = []
    for kind in (FloatOps, PairedOps):
        graph, kernel = TfliteWriter(), np.ones((3, 3, 4, 8), np.float32)
        y = kind(graph).convolve(graph.input("x", "FLOAT32", (1, 9, 9, 4)), kernel, np.zeros(8), 2, True, "y")
        contents.append(graph.content({"y": y}))
    assert contents[0] == contents[1]


def test_threads_that_need_one_graph_share_it() -> None:
    checkpoint = read_model("udnie")
    convolutions = fold(checkpoint.architecture(), checkpoint.weights)
    made: list[tuple[int, int]] = []

    def make(size: tuple[int, int], threads: int | None) -> Loaded:
        made.append(size)
        time.sleep(0.1)  # the other thread asks meanwhile
        return painter(convolutions, size, threads)

    photo = np.full((64, 64, 3), 90, np.uint8)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(WholePictures(make, np.float32, 1), [photo, photo])
    assert made == [(64, 64)]
    np.testing.assert_array_equal(one, other)
