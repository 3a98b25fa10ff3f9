"""Costs along one symbol: the period of its sizes, and the degree of each figure.

A stride of 2 halves sizes and rounds, so a cost is a polynomial only of the multiples of a period.
Forward differences find the degree and stay whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import comb, lcm

#: A figure: the id of a layer, or "" for the total, and the name of a cost.
Key = tuple[str, str]
Sizes = Mapping[str, int]
#: Counts all figures at some sizes; None if the model refuses them. Unknown figures are left out.
Sample = Callable[[Sizes], Mapping[Key, int] | None]

#: Powers of 2 first: most strides are 2.
PERIODS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 3, 5, 6, 10, 12, 20, 24, 48, 96, 160, 320)
MOST_DEGREE = 3
#: Multiples on one axis that a polynomial is fitted to; ``_steps`` adds those that test it.
THROUGH = tuple(range(MOST_DEGREE + 1))
ENOUGH = len(THROUGH) + 2
#: Fewer periods may be a special case: a size of 1 broadcasts, a window covers a small input.
FEW = 3
#: Where a short period could hide a long one, tests reach this far.
FAR = 1009


def grid_axis(
    symbol: str, base: Sizes, sample: Sample, figures: Sequence[Key]
) -> tuple[range, dict[Key, str]]:
    """Return sizes of one symbol, enough for the highest degree of a figure.

    Figures that follow no polynomial are returned with the reason.
    """
    layers = [key for key in figures if key[0]]
    axis = _axis(base[symbol], _period(symbol, base, sample, layers))
    steps, counts = _along(symbol, axis, base, sample)
    degree, reasons = 0, {}
    for key in figures:
        values = [each.get(key) for each in counts]
        own = _degree(steps, values)
        if own is None:
            reasons[key] = _bent(symbol, [axis[t] for t in steps], steps, values)
        else:
            degree = max(degree, own)
    return axis[: degree + 1], reasons


def _axis(first: int, period: int) -> range:
    """The multiples of a period from ``first`` on, as many as the tests need; none is small."""
    first = max(-(-first // period), FEW) * period
    return range(first, first + period * (_steps(period)[-1] + 1), period)


def _steps(period: int) -> tuple[int, ...]:
    """Places on an axis: those that a polynomial is fitted to, then those that test it."""
    near = (*THROUGH, 5, 8, 13)
    return (*near, *(near[-1] + part + FAR * part // (4 * period) for part in (1, 2, 4)))


def _along(
    symbol: str, axis: range, base: Sizes, sample: Sample
) -> tuple[Sequence[int], Sequence[Mapping[Key, int]]]:
    """Count along one axis; return the steps too, without those that the model refuses."""
    found = {t: sample({**base, symbol: axis[t]}) for t in _steps(axis.step)}
    taken = {t: each for t, each in found.items() if each is not None}
    return tuple(taken), tuple(taken.values())


def _period(symbol: str, base: Sizes, sample: Sample, keys: Iterable[Key]) -> int:
    """Return the least common multiple of the smallest periods of all layers that have one."""
    period, left = 1, set(keys)
    for candidate in PERIODS:
        axis = _axis(base[symbol], candidate)
        steps, taken = _along(symbol, axis, base, sample)
        values = {key: [each.get(key) for each in taken] for key in left}
        follow = {key for key in left if _degree(steps, values[key]) is not None}
        if follow:
            period, left = lcm(period, candidate), left - follow
        if not left:
            break
    return period


def _degree(steps: Sequence[int], values: Sequence[int | None]) -> int | None:
    """The degree of the polynomial through the first values, if it also meets the others.

    Newton's forward differences stay whole numbers.
    """
    known = [value for value in values if value is not None]
    if len(known) < len(values) or steps[: len(THROUGH)] != THROUGH or len(steps) < ENOUGH:
        return None
    rises = _rises(known[: len(THROUGH)])
    met = all(_forward(rises, t) == value for t, value in zip(steps, known, strict=True))
    return max((order for order, rise in enumerate(rises) if rise), default=0) if met else None


def _rises(values: Sequence[int]) -> list[int]:
    """The first forward difference of each order."""
    rises = []
    while values:
        rises.append(values[0])
        values = [after - before for before, after in pairwise(values)]
    return rises


def _forward(rises: Sequence[int], t: int) -> int:
    return sum(comb(t, order) * rise for order, rise in enumerate(rises))


def _bent(
    symbol: str, places: Sequence[int], steps: Sequence[int], values: Sequence[int | None]
) -> str:
    """Say where a figure leaves the polynomial through its first values."""
    if steps[: len(THROUGH)] != THROUGH or len(steps) < ENOUGH:
        return f"the model takes too few sizes of {symbol} to tell"
    rises = _rises([value for value in values[: len(THROUGH)] if value is not None])
    for place, t, value in zip(places, steps, values, strict=True):
        if value is None:
            return f"not counted at {symbol}={place}"
        if (expected := _forward(rises, t)) != value:
            return (
                f"no polynomial of {symbol}: at {symbol}={place} it is {value:,}, where its "
                f"values up to {places[MOST_DEGREE]} lead to {expected:,}"
            )
    return ""
