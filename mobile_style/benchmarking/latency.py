"""Statistics of repeated timings on a machine that also does other work.

Timings are taken in rounds: each model runs a few times, then the next one, in a random order. Noise comes in waves
that last longer than a round, and often longer than a benchmark, so a median alone would seem too exact. It is reported
with the spread of the rounds' medians, within which the median of another benchmark usually lies. Ratios are more
reliable: models of one round were disturbed alike, so they are compared round by round. The fastest time is the most
reliable, because noise can only make it longer. docs/benchmark.md reports how often each held on a busy machine.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.99  # of the limits of ratios
SPREAD = 0.95  # share of the rounds whose medians lie within a median's limits
FASTEST = 0.05  # quantile of the inferences that is called the fastest time
Rounds = Sequence[Sequence[float]]  # milliseconds, (rounds, runs per round)


@dataclass(frozen=True)
class Interval:
    """A value and its limits."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one inference.

    Attributes:
        median: of all inferences; its limits contain `SPREAD` of the rounds' medians.
        p90, p99: 90th and 99th percentile, or upper bounds of them; see `tail`.
        min: the shortest.
        fps, fps_p90: pictures per second at the median, and at the 90th percentile.
        runs: number of timed inferences.
        tail: where p90 and p99 come from: the "times" of all inferences; or, as upper bounds, the "p95" or "max" that
            a device reports for each round.
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
    """Summarizes the milliseconds of all inferences, (rounds, runs per round)."""
    times = np.asarray(rounds)
    whole, by_round = float(np.median(times)), np.median(times, axis=1)
    low, high = map(float, np.quantile(by_round, [(1 - SPREAD) / 2, (1 + SPREAD) / 2]))
    median = Interval(whole, min(low, whole), max(high, whole))  # the spread of few rounds may exclude it
    p90, p99 = map(float, np.quantile(times, [0.9, 0.99]))
    return Latency(median, p90, p99, float(times.min()), 1000 / median.value, 1000 / p90, times.size)


def ratio(rounds: Rounds, reference: Rounds, paired: bool = True) -> Interval:
    """The ratio of the medians, with a confidence interval of `CONFIDENCE`.

    The interval is Student's for the logarithms of the rounds' medians (Welch's if they are not paired); few rounds
    widen it.

    Args:
        rounds: milliseconds, (rounds, runs per round); at least two rounds.
        reference: the same for the model to compare with.
        paired: whether the two were measured in the same rounds.
    """
    own, other = (np.log(np.median(np.asarray(each), axis=1)) for each in (rounds, reference))
    if paired:
        variances, counts = [np.var(own - other, ddof=1) / len(own)], [len(own)]
    else:
        variances, counts = [np.var(each, ddof=1) / len(each) for each in (own, other)], [len(own), len(other)]
    total = sum(variances)
    if total == 0:
        margin = 0.0
    else:
        freedom = total**2 / sum(v**2 / (n - 1) for v, n in zip(variances, counts, strict=True))
        margin = student_t_quantile((1 + CONFIDENCE) / 2, freedom) * math.sqrt(total)
    middle = float(own.mean() - other.mean())
    value = float(np.median(np.asarray(rounds)) / np.median(np.asarray(reference)))
    return Interval(value, min(value, math.exp(middle - margin)), max(value, math.exp(middle + margin)))


def fastest(rounds: Rounds) -> float:
    """The `FASTEST` quantile of the inferences' milliseconds."""
    return float(np.quantile(np.asarray(rounds), FASTEST))


def student_t_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t distribution at a probability from 0.5 to 1 (exclusive).

    With t = sqrt(freedom) tan(a), the density becomes cos(a)^(freedom - 1), up to a factor. That is smooth on a bounded
    interval, so the trapezoidal rule is exact enough.
    """
    angles = np.linspace(0, np.pi / 2, 20_001)
    density = np.cos(angles) ** (freedom - 1)
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return math.sqrt(freedom) * math.tan(float(np.interp((2 * probability - 1) * mass[-1], mass, angles)))
