"""Estimates with intervals from samples: pure functions, standard library only.

The launch (one child process) is the sampling unit: runs within a launch are correlated, so an
interval over runs is far too narrow. Within a launch each model is reduced to one number, by the
same statistic for all; over launches a t interval of logarithms gives the estimate and its bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import exp, inf, lgamma, log, sqrt
from statistics import fmean, stdev

#: Undisturbed runs that the first statistic needs, and their share if CPU time is available.
MIN_UNDISTURBED = 8
MIN_SHARE = 0.4
#: The percentile that represents the runs of a launch. Machines change speed in steps that no
#: counter shows (another guest, another clock rate), and a median jumps between two of them if each
#: has half of the runs: over eight series of 25 launches the ratio of two models had a standard
#: deviation of 0.2 to 5.3% with medians and of 0.2 to 1.3% with first quartiles.
QUARTILE = 25
POWER = 0.8
#: The margin of "same", in half-widths of the target: the estimate for two equal models is within
#: 1.5 half-widths (three standard errors), and the interval extends by one more.
MARGIN = 2.5


class Statistic(StrEnum):
    """Statistics that represent one launch, best first."""

    UNDISTURBED = "first quartile of undisturbed runs"
    CPU_TIME = "first quartile of CPU time"
    P10 = "10th percentile (noisy)"


class Outcome(StrEnum):
    """The conclusion from an interval of a ratio."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Samples:
    """The timed runs of one model in one launch.

    ``switches`` counts the involuntary context switches during each run; it is empty if the
    platform does not report them. ``cpu_ns`` is empty if CPU time does not represent the latency:
    with several threads, or a provider that computes elsewhere.
    """

    wall_ns: tuple[int, ...]
    switches: tuple[int, ...] = ()
    cpu_ns: tuple[int, ...] = ()

    @property
    def undisturbed(self) -> tuple[int, ...]:
        """Wall times of the runs that were never pre-empted."""
        return tuple(w for w, s in zip(self.wall_ns, self.switches, strict=False) if s == 0)


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate between the bounds of its confidence interval."""

    estimate: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval of the logarithm: 0.01 is about one per cent."""
        return log(self.high / self.low) / 2 if self.low > 0 and self.high < inf else inf


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear interpolation between the closest ranks (Hyndman and Fan 1996, type 7)."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _undisturbed(samples: Samples) -> float | None:
    clean = samples.undisturbed
    few = len(clean) < MIN_UNDISTURBED
    if few or (samples.cpu_ns and len(clean) < MIN_SHARE * len(samples.wall_ns)):
        return None
    return percentile(clean, QUARTILE)


def _cpu_time(samples: Samples) -> float | None:
    return percentile(samples.cpu_ns, QUARTILE) if samples.cpu_ns else None


def _p10(samples: Samples) -> float | None:
    return percentile(samples.wall_ns, 10)


STATISTICS: Mapping[Statistic, Callable[[Samples], float | None]] = {
    Statistic.UNDISTURBED: _undisturbed,
    Statistic.CPU_TIME: _cpu_time,
    Statistic.P10: _p10,
}


def summarise(launch: Sequence[Samples]) -> tuple[Statistic, tuple[float, ...]]:
    """Take the best statistic that all models of one launch have, and its value for each."""
    for statistic, value in STATISTICS.items():
        values = [v for samples in launch if (v := value(samples)) is not None]
        if len(values) == len(launch):
            return statistic, tuple(values)
    raise ValueError("a launch without runs")


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 300):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + numerator * d)
            c = 1 + numerator / c
            result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result


def _incomplete_beta(a: float, b: float, x: float, y: float) -> float:
    """I_x(a, b), the regularised incomplete beta function (DLMF 8.17.22), with y = 1 - x."""
    if x == 0 or y == 0:
        return float(y == 0)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y))
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, y) / b


def t_cdf(t: float, df: float) -> float:
    """P(T <= t) for Student's distribution: 1 - I_x(df/2, 1/2) / 2 at x = df / (df + t^2)."""
    square = df + t * t
    tail = _incomplete_beta(df / 2, 0.5, df / square, t * t / square) / 2
    return 1 - tail if t > 0 else tail


@cache
def t_quantile(probability: float, df: float) -> float:
    """Invert ``t_cdf`` by bisection; ``df`` may be any number above 0."""
    if probability < 0.5:
        return -t_quantile(1 - probability, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, df) < probability else (low, middle)
    return (low + high) / 2


def log_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Geometric mean of one value per launch, with the t interval of the logarithms.

    ``exp(mean(log v) -+ t * s / sqrt(n))``; with a single launch the interval is unbounded.

    Parameters
    ----------
    values
        One positive number per launch: a latency, or a ratio of two.
    confidence
        The share of intervals that contain the true value.
    """
    logs = [log(v) for v in values]
    centre = fmean(logs)
    if len(logs) < 2:
        return Interval(exp(centre), 0.0, inf)
    spread = t_quantile((1 + confidence) / 2, len(logs) - 1) * stdev(logs) / sqrt(len(logs))
    return Interval(exp(centre), exp(centre - spread), exp(centre + spread))


def smallest_change(values: Sequence[float], confidence: float = 0.95) -> float:
    """Relative change that launches with this spread would detect four times in five.

    ``exp((t_(1+c)/2 + t_0.8) * s / sqrt(n)) - 1``; infinite with a single launch.
    """
    if len(values) < 2:
        return inf
    df = len(values) - 1
    quantiles = t_quantile((1 + confidence) / 2, df) + t_quantile(POWER, df)
    return exp(min(quantiles * stdev(log(v) for v in values) / sqrt(len(values)), 700)) - 1


def bound(ratio: Interval) -> float:
    """Largest distance of the interval from 1: 0.02 means "same within 2%"."""
    return max(ratio.high - 1, 1 / ratio.low - 1) if ratio.low > 0 else inf


def judge(ratio: Interval, margin: float) -> Outcome:
    """Conclude from the interval of a ratio b / a.

    An interval within ``margin`` of 1 on both sides means "same" even if it just excludes 1: a
    95% interval does so for one in twenty pairs of equal models.
    """
    if bound(ratio) <= margin:
        return Outcome.SAME
    if ratio.high < 1:
        return Outcome.FASTER
    return Outcome.SLOWER if ratio.low > 1 else Outcome.INCONCLUSIVE
