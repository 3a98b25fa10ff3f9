"""Polynomials through counted costs, exact or refused.

A stride of 2 halves sizes and rounds, so a cost is a polynomial only of sizes in one class: here
the multiples of a period. Five steps:

1. period: for each symbol, the smallest at which every layer's cost follows a polynomial;
2. degree: of each figure in each symbol, on multiples of that period;
3. fit: the polynomial through the values on the grid of these degrees;
4. least: the smallest multiples at which all of them still hold, since small sizes may differ;
5. verify: at further sizes, drawn from there on, that the model takes. A figure that differs
   anywhere is refused, with the sizes.

Verified is not proven: a cost that changes its law at larger sizes only would pass. So the classes
name the largest size that was compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from math import comb, lcm, prod
from random import Random

from sepcost.cost.polynomial import Polynomial, interpolate
from sepcost.cost.ranges import MOST_POINTS
from sepcost.errors import BindingError

#: A figure: the id of a layer, or "" for the total, and the name of a cost.
Key = tuple[str, str]
Sizes = Mapping[str, int]
#: Counts all figures at some sizes; None if the model refuses them. Unknown figures are left out.
Sample = Callable[[Sizes], Mapping[Key, int] | None]

#: Powers of 2 first: most strides are 2.
PERIODS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 3, 5, 6, 10, 12, 20, 24, 48, 96, 160, 320)
MOST_DEGREE = 3
#: Multiples on one axis that a polynomial is laid through; ``_steps`` adds those that test it.
THROUGH = tuple(range(MOST_DEGREE + 1))
ENOUGH = len(THROUGH) + 2
#: Fewer periods may be a special case: a size of 1 broadcasts, a window covers a small input.
FEW = 3
#: Where a short period could hide a long one, tests reach this far.
FAR = 1009
STARTS = (64, 128, 256, 512, 1024)
DRAWN = 24


@dataclass(frozen=True, slots=True)
class SizeClass:
    """The sizes of one symbol for which a polynomial holds: multiples of ``period``."""

    symbol: str
    period: int
    least: int
    most: int = 0  # the largest size at which it was compared with the count


@dataclass(frozen=True, slots=True)
class Fits:
    """A polynomial or a reason for each figure."""

    classes: tuple[SizeClass, ...] = ()
    polynomials: Mapping[Key, Polynomial] = field(default_factory=dict)
    reasons: Mapping[Key, str] = field(default_factory=dict)
    fitted: int = 0  # sizes on the grid
    verified: int = 0  # further sizes


def start(symbols: Sequence[str], sample: Sample) -> dict[str, int] | None:
    """Return the first sizes at which most figures are known, the same size for all symbols.

    None if the model takes none of them.
    """
    known = {size: sample(dict.fromkeys(symbols, size)) for size in STARTS}
    taken = [size for size, found in known.items() if found is not None]
    best = max(taken, key=lambda size: len(known[size] or ()), default=None)
    return None if best is None else dict.fromkeys(symbols, best)


def fit(symbols: tuple[str, ...], base: Sizes, sample: Sample) -> Fits:
    """Fit a polynomial to each figure that is known at ``base``.

    Parameters
    ----------
    symbols
        The symbols of the polynomials.
    base
        Sizes that the model takes.
    sample
        Counts all figures; it should keep its results, since sizes repeat.

    Raises
    ------
    BindingError
        If so many symbols are free that the grid is too large.
    """
    figures = tuple(sample(base) or ())
    layers = [key for key in figures if key[0]]
    reasons: dict[Key, str] = {}
    axes: list[range] = []
    for symbol in symbols:
        axis = _axis(base[symbol], _period(symbol, base, sample, layers))
        steps, counts = _along(symbol, axis, base, sample)
        degrees = {key: _degree(steps, [each.get(key) for each in counts]) for key in figures}
        for key in [key for key, degree in degrees.items() if degree is None]:
            values = [each.get(key) for each in counts]
            reasons.setdefault(key, _bent(symbol, [axis[t] for t in steps], steps, values))
        degree = max((degrees[key] or 0 for key in figures if key not in reasons), default=0)
        axes.append(axis[: degree + 1])
    if (grid := prod(map(len, axes))) > MOST_POINTS:
        raise BindingError(
            f"--symbolic: {grid:,} sizes to count; leave fewer free than {', '.join(symbols)}"
        )
    laid = _laid(symbols, axes, sample, [key for key in figures if key not in reasons])
    least = _least(symbols, axes, sample, laid)
    taken = []
    for sizes in _drawn(least):
        found = sample(sizes)
        taken += [sizes] if found is not None else []
        for key in _wrong(laid, sizes, found):
            reasons[key] = _off(sizes, found[key] if found and key in found else None)
            del laid[key]
    classes = tuple(
        replace(one, most=max((sizes[one.symbol] for sizes in taken), default=one.least))
        for one in least
    )
    return Fits(classes, laid, reasons, grid, len(taken))


def _axis(first: int, period: int) -> range:
    """The multiples of a period from ``first`` on, as many as the tests need; none is small."""
    first = max(-(-first // period), FEW) * period
    return range(first, first + period * (_steps(period)[-1] + 1), period)


def _steps(period: int) -> tuple[int, ...]:
    """Places on an axis: those that a polynomial is laid through, then those that test it."""
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


def _laid(
    symbols: tuple[str, ...], axes: Sequence[range], sample: Sample, keys: Iterable[Key]
) -> dict[Key, Polynomial]:
    """Lay a polynomial through the values of each figure on the grid."""
    places = list(product(*(range(len(axis)) for axis in axes)))
    grid = {
        place: sample({s: axis[at] for s, axis, at in zip(symbols, axes, place, strict=True)}) or {}
        for place in places
    }
    return {
        key: interpolate(symbols, axes, {place: found[key] for place, found in grid.items()})
        for key in keys
        if all(key in found for found in grid.values())
    }


def _wrong(
    laid: Mapping[Key, Polynomial], sizes: Sizes, found: Mapping[Key, int] | None
) -> list[Key]:
    """The polynomials that differ from the count; none where the model refuses the sizes."""
    if found is None:
        return []
    return [key for key, polynomial in laid.items() if polynomial.at(sizes) != found.get(key)]


def _least(
    symbols: Sequence[str], axes: Sequence[range], sample: Sample, laid: Mapping[Key, Polynomial]
) -> tuple[SizeClass, ...]:
    """Return the smallest multiples at which all polynomials hold, alone and together."""
    periods = {symbol: axis.step for symbol, axis in zip(symbols, axes, strict=True)}
    first = {symbol: axis[0] for symbol, axis in zip(symbols, axes, strict=True)}

    def holds(sizes: Sizes) -> bool:
        found = sample(sizes)
        return found is not None and not _wrong(laid, sizes, found)

    least = {
        symbol: next(size for size in _doubled(period, first[symbol])
                     if size == first[symbol] or holds({**first, symbol: size}))
        for symbol, period in periods.items()
    }  # fmt: skip
    while least != first and not holds(least):
        least = {symbol: min(2 * size, first[symbol]) for symbol, size in least.items()}
    return tuple(SizeClass(symbol, periods[symbol], least[symbol]) for symbol in symbols)


def _doubled(size: int, last: int) -> Iterator[int]:
    while size < last:
        yield size
        size *= 2
    yield last


def _drawn(classes: Sequence[SizeClass]) -> list[dict[str, int]]:
    """Sizes to verify at: half of them near the least, where laws differ, half far away."""
    random = Random(0)
    return [
        {one.symbol: one.least + one.period * random.randint(0, far(one)) for one in classes}
        for far in [_near] * (DRAWN // 2) + [_far] * (DRAWN // 2)
    ]


def _near(_: SizeClass) -> int:
    return 4


def _far(one: SizeClass) -> int:
    return 15 + FAR // one.period


def _off(sizes: Sizes, value: int | None) -> str:
    where = ", ".join(f"{symbol}={size}" for symbol, size in sizes.items())
    known = "not counted" if value is None else f"{value:,}"
    return f"no single polynomial: {known} at {where}, where the one through other sizes differs"
