"""Intervals of paired losses that hold for few samples, and never have zero width.

Each sample gives a difference d in [-1, 1]: the original's score minus the converted model's.
The interval is Wald's after two pseudo-samples, half a pair gained and half a pair lost among them
("Wald+2", Agresti and Min 2005, Statistics in Medicine 24, for paired proportions):

    m = Σd / (n + 2),   s² = ((Σd² + 1) / (n + 2) - m²) / (n + 2),   m ± 1.96·s

With scores of 0 and 1, Σd² counts the discordant pairs, which is their formula (1); scores in
between give smaller sums of squares, for which the same two pseudo-samples are as cautious. If all
discordant pairs are of one kind, the loss is a plain proportion, and the interval reaches at least
as far as Wilson's (1927).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from sepcost.latency.stats import t_quantile

Z = 1.959963984540054  # of a 95% interval
PSEUDO = 2.0
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95% interval."""

    mean: float
    low: float
    high: float
    samples: int


def paired_loss(original: NDArray[np.float64], converted: NDArray[np.float64]) -> Estimate:
    """Mean of ``original - converted``, sample by sample, with its 95% interval.

    Parameters
    ----------
    original, converted
        Scores in [0, 1], one per sample, in the same order.
    """
    difference = np.asarray(original, np.float64) - np.asarray(converted, np.float64)
    n = len(difference)
    mean, low, high = _bounds(float(difference.sum()), float(difference @ difference), n)
    return Estimate(float(difference.mean()) if n else mean, low, high, n)


def _bounds(total: float, squares: float, n: int) -> tuple[float, float, float]:
    size = n + PSEUDO
    middle = total / size
    spread = Z * sqrt(max(0.0, (squares + 1) / size - middle**2) / size)
    low, high = middle - spread, middle + spread
    if n and abs(squares - abs(total)) < _SAME * n:  # each d is 0 or 1, or each 0 or -1
        least, most = _wilson(abs(total) / n, n)
        low = min(low, -most if total <= 0 else least)
        high = max(high, most if total >= 0 else -least)
    return middle, max(-1.0, low), min(1.0, high)


def proportion(scores: NDArray[np.float64]) -> Estimate:
    """Mean of scores in [0, 1] with its 95% interval: Wilson's score interval (1927).

    For scores other than 0 and 1 it is cautious: their variance is at most that of a proportion.
    """
    n = len(scores)
    if not n:
        return Estimate(0.0, 0.0, 1.0, 0)
    p = float(np.mean(scores))
    return Estimate(p, *_wilson(p, n), n)


def _wilson(p: float, n: int) -> tuple[float, float]:
    z2 = Z**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z * sqrt(max(0.0, p * (1 - p)) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def root_mean(squares: NDArray[np.float64]) -> Estimate:
    """Root of the mean of squared errors, with its 95% interval.

    The interval of the mean is Student's, widened by the coefficient of variation c, as the sample
    deviation of a skewed quantity is too small: m ± t·s/√n · (1 + 2c/√n), c = s/m. One sample shows
    no upper bound.

    Parameters
    ----------
    squares
        Squared errors, one per sample.
    """
    n = len(squares)
    if n < 2 or not np.isfinite(squares).all():
        mean = float(np.mean(squares)) if n else 0.0
        return Estimate(sqrt(mean) if isfinite(mean) else inf, 0.0, inf, n)
    mean, deviation = float(np.mean(squares)), float(np.std(squares, ddof=1))
    varies = deviation / mean if mean else 0.0
    reach = t_quantile(0.975, n - 1) * deviation / sqrt(n) * (1 + 2 * varies / sqrt(n))
    return Estimate(sqrt(mean), sqrt(max(0.0, mean - reach)), sqrt(mean + reach), n)


def least_bound(n: int) -> float:
    """The upper bound of a loss of which no sample shows anything."""
    return _bounds(0.0, 0.0, n)[2]


def samples_to_show(limit: float, loss: Estimate, squares: float) -> int | None:
    """How many samples would confirm a loss within ``limit``, if they behave like those seen.

    Parameters
    ----------
    limit
        Of the loss.
    loss
        The estimate on the samples seen.
    squares
        Mean of the squared differences there.

    Returns
    -------
    int or None
        The least number whose interval ends within the limit; None if the loss itself is above
        it.
    """
    if loss.mean >= limit:
        return None
    low, high = 1, 1 << 30
    while low < high:
        n = (low + high) // 2
        if _bounds(loss.mean * n, squares * n, n)[2] <= limit:
            high = n
        else:
            low = n + 1
    return ceil(low)
