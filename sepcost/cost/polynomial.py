"""Polynomials with rational coefficients, and the one through the values on a grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

Powers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Polynomial:
    """``sum of coefficient * prod(symbol ** power)``; no coefficient is 0."""

    symbols: tuple[str, ...]
    terms: Mapping[Powers, Fraction]

    def at(self, sizes: Mapping[str, int]) -> Fraction:
        """Return the value at these sizes."""
        values = [sizes[symbol] for symbol in self.symbols]
        return sum(
            (
                coefficient * prod(map(pow, values, powers))
                for powers, coefficient in self.terms.items()
            ),
            Fraction(0),
        )


def interpolate(
    symbols: tuple[str, ...], axes: Sequence[Sequence[int]], values: Mapping[Powers, int]
) -> Polynomial:
    """Return the polynomial of degree ``len(axis) - 1`` in each symbol through the values.

    ``values`` are by the place on each axis: ``(0, 2)`` is at ``axes[0][0], axes[1][2]``. Places
    become powers one axis after the other.
    """
    table = {place: Fraction(value) for place, value in values.items()}
    for at, axis in enumerate(axes):
        lines: dict[Powers, dict[int, Fraction]] = defaultdict(dict)
        for place, value in table.items():
            lines[place[:at] + place[at + 1 :]][place[at]] = value
        table = {
            (*rest[:at], power, *rest[at:]): coefficient
            for rest, line in lines.items()
            for power, coefficient in enumerate(
                _coefficients(axis, [line[place] for place in range(len(axis))])
            )
        }
    return Polynomial(symbols, {powers: value for powers, value in table.items() if value})


def _coefficients(xs: Sequence[int], ys: Sequence[Fraction]) -> list[Fraction]:
    """Newton's divided differences, multiplied out: ``c0 + (x - x0) (c1 + (x - x1) (...))``."""
    differences = list(ys)
    for order in range(1, len(xs)):
        for at in range(len(xs) - 1, order - 1, -1):
            rise = differences[at] - differences[at - 1]
            differences[at] = rise / (xs[at] - xs[at - order])
    found = [Fraction(0)] * len(xs)
    for x, difference in zip(reversed(xs), reversed(differences), strict=True):
        shifted = [Fraction(0), *found[:-1]]
        found = [up - x * same for up, same in zip(shifted, found, strict=True)]
        found[0] += difference
    return found
