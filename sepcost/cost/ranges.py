"""Cost over a range of sizes: the minimum and maximum of each total, and the sizes of each.

Nothing is estimated: the network is counted at every size of the range. A cost need not grow with
the sizes (a pad or a branch may shrink), so the ends of a range prove nothing about its middle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from sepcost.cost.results import Totals
from sepcost.errors import BindingError

if TYPE_CHECKING:
    from fractions import Fraction

Sizes = Mapping[str, int]
Bindings = Mapping[str, int | range]

#: The largest number of points: at 50 ms for each, a minute.
MOST_POINTS = 1000
FORM = re.compile("([0-9]{1,12}):([0-9]{1,12})(?::([0-9]{1,12}))?")

#: The costs in a range: all totals.
COSTS = tuple(field.name for field in fields(Totals))


@dataclass(frozen=True, slots=True)
class Extent:
    """The least and the most of one figure, each with the first sizes that have it."""

    least: int | Fraction
    least_at: Sizes
    most: int | Fraction
    most_at: Sizes


@dataclass(frozen=True, slots=True)
class CostRange:
    """The cost of one network over a range of sizes."""

    source: str  # what the user named
    name: str
    bindings: Sizes  # dimensions with one size
    ranges: Mapping[str, range]
    points: int  # how many sizes were counted: all of them
    costs: Mapping[str, Extent]  # by the name of a total, see ``Totals``
    complete: bool  # False if the count was only a lower bound somewhere
    warnings: tuple[str, ...] = ()


def read_range(text: str) -> range:
    """``"1:8"`` or ``"224:640:32"`` as a range that includes its end.

    Raises
    ------
    ValueError
        If the text is not of this form, or the range is empty.
    """
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected FIRST:LAST[:STEP], such as 224:640:32, not {text!r}")
    first, last, step = (int(part or 1) for part in found.groups())
    if not 1 <= first <= last:
        raise ValueError("the range is empty: FIRST must be at least 1 and at most LAST")
    if not step:
        raise ValueError("STEP must be at least 1")
    return range(first, last + 1, step)


def ranged(bind: Bindings) -> dict[str, range]:
    """The dimensions with a range of sizes."""
    return {name: size for name, size in bind.items() if isinstance(size, range)}


def points(bind: Bindings) -> tuple[dict[str, int], ...]:
    """Every combination of sizes.

    Raises
    ------
    BindingError
        If there are more than ``MOST_POINTS``.
    """
    choices = [size if isinstance(size, range) else (size,) for size in bind.values()]
    many = prod(map(len, choices))
    if many > MOST_POINTS:
        raise BindingError(
            f"--bind: {many:,} sizes to count, but at most {MOST_POINTS:,} are allowed; give a "
            "larger step, such as 224:640:32"
        )
    return tuple(dict(zip(bind, sizes, strict=True)) for sizes in product(*choices))


def extents(
    figures: Iterable[tuple[Sizes, Mapping[str, int | Fraction]]],
) -> dict[str, Extent]:
    """The extent of each figure over several sizes."""
    found: dict[str, Extent] = {}
    for sizes, values in figures:
        for name, value in values.items():
            known = found.get(name) or Extent(value, sizes, value, sizes)
            if value < known.least:
                known = Extent(value, sizes, known.most, known.most_at)
            if value > known.most:
                known = Extent(known.least, known.least_at, value, sizes)
            found[name] = known
    return found


def totals(sums: Totals) -> dict[str, int | Fraction]:
    """The costs of one network by name."""
    return {name: getattr(sums, name) for name in COSTS}
