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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from random import Random

from sepcost.cost.axes import FAR, Key, Sample, Sizes, grid_axis
from sepcost.cost.polynomial import Polynomial, interpolate
from sepcost.cost.ranges import MOST_POINTS
from sepcost.errors import BindingError

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
    reasons: dict[Key, str] = {}
    axes: list[range] = []
    for symbol in symbols:
        axis, refused = grid_axis(symbol, base, sample, figures)
        axes.append(axis)
        reasons = refused | reasons
    grid = _grid(symbols, axes)
    polynomials = _interpolated(
        symbols, axes, sample, [key for key in figures if key not in reasons]
    )
    least = _least(symbols, axes, sample, polynomials)
    taken, differing = _compared(_drawn(least), sample, polynomials)
    polynomials = {
        key: polynomial for key, polynomial in polynomials.items() if key not in differing
    }
    classes = tuple(
        replace(one, most=max((sizes[one.symbol] for sizes in taken), default=one.least))
        for one in least
    )
    return Fits(classes, polynomials, reasons | differing, grid, len(taken))


def _grid(symbols: Sequence[str], axes: Sequence[range]) -> int:
    """The number of sizes on the grid."""
    grid = prod(map(len, axes))
    if grid > MOST_POINTS:
        raise BindingError(
            f"--symbolic: {grid:,} sizes to count; leave fewer free than {', '.join(symbols)}"
        )
    return grid


def _compared(
    drawn: Iterable[Sizes], sample: Sample, polynomials: Mapping[Key, Polynomial]
) -> tuple[list[Sizes], dict[Key, str]]:
    """Compare with the counts; return the sizes that the model takes, and what differs where."""
    taken: list[Sizes] = []
    differing: dict[Key, str] = {}
    for sizes in drawn:
        found = sample(sizes)
        if found is not None:
            taken.append(sizes)
            wrong = {key: _off(sizes, found.get(key)) for key in _wrong(polynomials, sizes, found)}
            differing = wrong | differing
    return taken, differing


def _interpolated(
    symbols: tuple[str, ...], axes: Sequence[range], sample: Sample, keys: Iterable[Key]
) -> dict[Key, Polynomial]:
    """Interpolate the values of each figure on the grid by a polynomial."""
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
    polynomials: Mapping[Key, Polynomial], sizes: Sizes, found: Mapping[Key, int] | None
) -> list[Key]:
    """The polynomials that differ from the count; none where the model refuses the sizes."""
    if found is None:
        return []
    return [
        key for key, polynomial in polynomials.items() if polynomial.at(sizes) != found.get(key)
    ]


def _least(
    symbols: Sequence[str],
    axes: Sequence[range],
    sample: Sample,
    polynomials: Mapping[Key, Polynomial],
) -> tuple[SizeClass, ...]:
    """Return the smallest multiples at which all polynomials hold, alone and together."""
    periods = {symbol: axis.step for symbol, axis in zip(symbols, axes, strict=True)}
    first = {symbol: axis[0] for symbol, axis in zip(symbols, axes, strict=True)}

    def holds(sizes: Sizes) -> bool:
        found = sample(sizes)
        return found is not None and not _wrong(polynomials, sizes, found)

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
