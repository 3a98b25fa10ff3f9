"""Which option for which layer: the multiple-choice knapsack, and its whole frontier at once.

One option of each layer is taken; costs and losses add up. With costs in whole steps of q,
rounded up, dynamic programming over layers gives for every total cost the least loss:

    f_l(c) = min over options o of  f_(l-1)(c - ⌈cost_o / q⌉) + loss_o

(Kellerer, Pferschy and Pisinger 2004, section 11.5). Rounding up keeps every answer within its
budget, and adds less than q a layer: no choice that costs at most ``budget - L·q``, of L layers,
loses less than the answer for ``budget``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from sepcost.separable.factors.blocks import Array

STEPS = 4000  # of the discretised cost: with 50 layers the answer is optimal within 1.3 %

Entry = tuple[float, float]  # cost, loss


@dataclass(frozen=True, slots=True)
class Point:
    """One choice over all layers: no other costs as little and loses less, up to rounding."""

    cost: float  # exact, not rounded
    loss: float
    picks: tuple[int, ...]  # an option of each layer


def frontier(menus: Sequence[Sequence[Entry]], *, steps: int = STEPS) -> tuple[Point, ...]:
    """Every trade of cost against loss worth making, cheapest first.

    Parameters
    ----------
    menus
        For each layer the ``(cost, loss)`` of its options; costs are not negative.
    steps
        Parts that the dearest sensible total is cut into.

    Returns
    -------
    tuple of Point
        Costs ascend and losses descend strictly; one point where there is no layer.
    """
    if not menus:
        return (Point(0.0, 0.0, ()),)
    dearest = sum(max(cost for cost, _ in menu) for menu in menus)
    step = dearest / steps or 1.0
    sizes = [[ceil(cost / step - 1e-9) for cost, _ in menu] for menu in menus]
    least, taken = _fill(menus, sizes, steps + len(menus) + 1)
    found: list[Point] = []
    for place in _records(least):
        picks = _trace(int(place), sizes, taken)
        entries = [menu[pick] for menu, pick in zip(menus, picks, strict=True)]
        found.append(Point(sum(c for c, _ in entries), sum(e for _, e in entries), picks))
    return _pareto(found)


def _fill(
    menus: Sequence[Sequence[Entry]], sizes: Sequence[Sequence[int]], width: int
) -> tuple[Array, list[np.ndarray[tuple[int], np.dtype[np.int16]]]]:
    """The least loss at each rounded cost, and which option of each layer led there."""
    least = np.full(width, np.inf)
    least[0] = 0.0
    taken = []
    for menu, size in zip(menus, sizes, strict=True):
        best, pick = np.full(width, np.inf), np.full(width, -1, np.int16)
        for option, ((_, loss), cost) in enumerate(zip(menu, size, strict=True)):
            reached = np.full(width, np.inf)
            reached[cost:] = least[: width - cost] + loss
            better = reached < best
            best[better], pick[better] = reached[better], option
        least = best
        taken.append(pick)
    return least, taken


def _records(least: Array) -> Array:
    """Places where the loss falls below all before."""
    before = np.concatenate([[np.inf], np.minimum.accumulate(least)[:-1]])
    return np.asarray(np.flatnonzero(least < before))


def _trace(
    place: int,
    sizes: Sequence[Sequence[int]],
    taken: Sequence[np.ndarray[tuple[int], np.dtype[np.int16]]],
) -> tuple[int, ...]:
    picks: list[int] = []
    for size, pick in zip(reversed(sizes), reversed(taken), strict=True):
        option = int(pick[place])
        picks.append(option)
        place -= size[option]
    return tuple(reversed(picks))


def _pareto(points: Sequence[Point]) -> tuple[Point, ...]:
    """Drop what exact costs show to be no better than a cheaper point."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, p.loss)):
        if not kept or point.loss < kept[-1].loss:
            kept.append(point)
    return tuple(kept)


def within_cost(points: Sequence[Point], budget: float) -> int | None:
    """The place of the point that loses least at no more than ``budget``; None where none does."""
    places = [place for place, point in enumerate(points) if point.cost <= budget]
    return places[-1] if places else None


def within_loss(points: Sequence[Point], budget: float) -> int | None:
    """The place of the cheapest point that loses no more than ``budget``; None where none does."""
    return next((place for place, point in enumerate(points) if point.loss <= budget), None)
