import itertools

import numpy as np
import pytest
from scipy.special import stdtrit

from mobile_style.benchmarking.latency import fastest, latency, ratio, student_t_quantile


def taken(rng: np.random.Generator, base: float, waves: np.ndarray, runs: int = 5) -> np.ndarray:
    """Timings of a model on a machine that others slow down in waves, a factor for each round."""
    return base * waves[:, None] * (1 + 0.03 * rng.exponential(size=(len(waves), runs)))


def waves(rng: np.random.Generator, rounds: int = 20) -> np.ndarray:
    """1 when the machine is free, up to 1.3 when it is not, for several rounds each."""
    return np.repeat(1 + 0.3 * rng.random(rounds // 4) * rng.integers(0, 2, rounds // 4), 4)


def test_percentiles_of_known_times() -> None:
    rounds = np.arange(1, 101).reshape(20, 5)
    summed = latency(rounds)
    assert (summed.median.value, summed.min, summed.runs, summed.tail) == (50.5, 1, 100, "times")
    assert summed.p90 == pytest.approx(90.1) and summed.p99 == pytest.approx(99.01)
    assert summed.fps == pytest.approx(1000 / 50.5) and summed.fps_p90 == pytest.approx(1000 / 90.1)
    assert summed.median.low < 10 and summed.median.high > 90  # the rounds' medians are 3, 8, ..., 98


def test_limits_hold_their_median_even_of_few_turns() -> None:
    median = latency([[1, 1, 9, 9, 9], [1, 1, 8, 8, 8], [1, 7, 7, 7, 7]]).median
    assert median.low <= median.value <= median.high


def test_a_ratio_holds_its_truth_and_excludes_what_it_is_not(rng: np.random.Generator) -> None:
    same = wrong = 0
    for _ in range(40):
        shared = waves(rng)
        one, two, slower = (taken(rng, base, shared) for base in (10, 10, 11))
        same += ratio(one, two).low <= 1 <= ratio(one, two).high
        wrong += ratio(slower, one).low <= 1
    assert same >= 37 and wrong <= 3


@pytest.mark.parametrize(("rounds", "paired"), [(3, True), (5, True), (3, False), (5, False), (20, False)])
def test_few_rounds_widen_the_limits_of_a_ratio(rounds: int, paired: bool, rng: np.random.Generator) -> None:
    """99 of 100 hold the truth, however few rounds; each round is loaded anew, so it may be faster or slower."""
    held, trials = 0, 400
    for _ in range(trials):
        loads = np.exp(rng.normal(0, 0.02, (2, rounds)))
        one, other = (taken(rng, 10, each) for each in loads)
        limits = ratio(one, other, paired=paired)
        held += limits.low <= 1 <= limits.high
    assert held >= 0.975 * trials


def test_equal_times_have_a_ratio_of_one() -> None:
    limits = ratio([[2.0], [2.0]], [[2.0], [2.0]])
    assert (limits.value, limits.low, limits.high) == (1, 1, 1)


def test_medians_of_repeated_benchmarks_agree_within_their_limits(rng: np.random.Generator) -> None:
    limits = [latency(taken(rng, 10, waves(rng))).median for _ in range(12)]
    apart = sum(max(a.low, b.low) > min(a.high, b.high) for a, b in itertools.combinations(limits, 2))
    assert apart <= 2
    quiet = latency(taken(rng, 10, np.ones(20))).median
    assert quiet.high / quiet.low < 1.05  # where nothing disturbs, the limits are narrow


def test_the_fastest_time_hardly_feels_the_waves(rng: np.random.Generator) -> None:
    times = [fastest(taken(rng, 10, waves(rng))) for _ in range(12)]
    assert max(times) / min(times) < 1.05


@pytest.mark.parametrize("freedom", [1.0, 1.3, 2.0, 2.7, 4.0, 9.5, 19.0, 200.0])
def test_quantiles_of_students_distribution(freedom: float) -> None:
    for probability in (0.6, 0.9, 0.975, 0.995):
        assert student_t_quantile(probability, freedom) == pytest.approx(stdtrit(freedom, probability), rel=1e-3)
