"""What repeated timings say, on a machine that does other things as well.

Timings are taken in rounds: each model runs a few times, then the next one does, in a random order. Noise comes in
waves that outlast a round and often a whole benchmark, so a median alone would claim too much: it is given with the
spread of the rounds' own medians, which another benchmark's median lies in as a rule. Ratios are surer: two models of
one round were disturbed alike, so rounds are compared one by one. Surest is the fastest time, which noise only makes
longer. docs/benchmark.md has how often each of them held on a busy machine.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.99  # of ratios
SPREAD = 0.95  # share of the rounds whose medians lie within a median's limits
FASTEST = 0.05  # of the inferences were at most as long as what is called the fastest time
Rounds = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Interval:
    """A value, and the limits that it is given with."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one inference.

    Attributes:
        median: of all, and the limits that `SPREAD` of the rounds' medians keep.
        p90, p99: what 90 and 99 percent stay under; `tail` says where they come from: "times" of every
            single inference, or what a phone's tool tells of each round, "p95" or "max", which are not less.
        fps: pictures per second at the median, and at the 90th percentile.
        runs: timed inferences.
    """

    median: Interval
    p90: float
    p99: float
    min: float
    fps: float
    fps_p90: float
    runs: int
    tail: str = "times"


def latency(rounds: Rounds) -> Latency:
    """Sums up the milliseconds of every inference, (rounds, runs per round)."""
    times = np.asarray(rounds)
    whole, of_turns = float(np.median(times)), np.median(times, axis=1)
    low, high = map(float, np.quantile(of_turns, [(1 - SPREAD) / 2, (1 + SPREAD) / 2]))
    median = Interval(whole, min(low, whole), max(high, whole))  # of few rounds, all medians may lie on one side
    p90, p99 = map(float, np.quantile(times, [0.9, 0.99]))
    return Latency(median, p90, p99, float(times.min()), 1000 / median.value, 1000 / p90, times.size)


def ratio(rounds: Rounds, reference: Rounds, paired: bool = True) -> Interval:
    """How many times as long as the reference, of the medians, with the limits of `CONFIDENCE`.

    The limits are Student's of the logarithms of the rounds' medians (Welch's if not paired): few rounds widen them.

    Args:
        rounds: milliseconds, (rounds, runs per round); at least two rounds.
        reference: the same of what it is compared with.
        paired: the two took their rounds together.
    """
    above, below = (np.log(np.median(np.asarray(each), axis=1)) for each in (rounds, reference))
    if paired:
        variances, counts = [np.var(above - below, ddof=1) / len(above)], [len(above)]
    else:
        variances, counts = [np.var(each, ddof=1) / len(each) for each in (above, below)], [len(above), len(below)]
    total = sum(variances)
    if total == 0:
        margin = 0.0
    else:
        freedom = total**2 / sum(v**2 / (n - 1) for v, n in zip(variances, counts, strict=True))
        margin = student_t_quantile((1 + CONFIDENCE) / 2, freedom) * math.sqrt(total)
    middle = float(above.mean() - below.mean())
    value = float(np.median(np.asarray(rounds)) / np.median(np.asarray(reference)))
    return Interval(value, min(value, math.exp(middle - margin)), max(value, math.exp(middle + margin)))


def fastest(rounds: Rounds) -> float:
    """Milliseconds that `FASTEST` of the inferences kept."""
    return float(np.quantile(np.asarray(rounds), FASTEST))


def student_t_quantile(probability: float, freedom: float) -> float:
    """What a variable with Student's t distribution stays under with a probability from 0.5 to 1 (exclusive).

    With t = sqrt(freedom) tan(a), the distribution's density becomes cos(a)^(freedom - 1), up to a factor: smooth and
    on a bounded interval, so that the trapezoidal rule does.
    """
    angles = np.linspace(0, np.pi / 2, 20_001)
    density = np.cos(angles) ** (freedom - 1)
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return math.sqrt(freedom) * math.tan(float(np.interp((2 * probability - 1) * mass[-1], mass, angles)))
