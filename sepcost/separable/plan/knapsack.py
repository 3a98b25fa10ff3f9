"""The multiple-choice knapsack of options and layers, solved for its whole frontier.

One option of each layer is picked; costs and losses add up. With costs in whole steps of q,
rounded up, dynamic programming over layers gives the least loss at every total cost:

    f_l(c) = min over options o of  f_(l-1)(c - ⌈cost_o / q⌉) + loss_o

(Kellerer, Pferschy and Pisinger 2004, section 11.5). Rounding up keeps every solution within its
budget and adds less than q per layer: with L layers, no selection that costs at most
``budget - L·q`` has a smaller loss than the solution for ``budget``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from sepcost.separable.factors.blocks import Array

STEPS = 4000  # of the discretised cost: with 50 layers the solution is optimal within 1.3%

Entry = tuple[float, float]  # cost, loss


@dataclass(frozen=True, slots=True)
class Point:
    """One Pareto-optimal selection, up to rounding."""

    cost: float  # exact, not rounded to steps
    loss: float
    picks: tuple[int, ...]  # one option per layer


def frontier(menus: Sequence[Sequence[Entry]], *, steps: int = STEPS) -> tuple[Point, ...]:
    """The Pareto frontier of cost against loss, cheapest first.

    Parameters
    ----------
    menus
        The ``(cost, loss)`` of each layer's options; costs are not negative.
    steps
        Number of steps up to the highest total cost.

    Returns
    -------
    tuple of Point
        Costs ascend and losses descend strictly; a single point if there are no layers.
    """
    if not menus:
        return (Point(0.0, 0.0, ()),)
    highest = sum(max(cost for cost, _ in menu) for menu in menus)
    step = highest / steps or 1.0
    sizes = [[ceil(cost / step - 1e-9) for cost, _ in menu] for menu in menus]
    least, taken = _fill(menus, sizes, steps + len(menus) + 1)
    points: list[Point] = []
    for place in _records(least):
        picks = _trace(int(place), sizes, taken)
        entries = [menu[pick] for menu, pick in zip(menus, picks, strict=True)]
        points.append(Point(sum(c for c, _ in entries), sum(e for _, e in entries), picks))
    return _pareto(points)


def _fill(
    menus: Sequence[Sequence[Entry]], sizes: Sequence[Sequence[int]], width: int
) -> tuple[Array, list[np.ndarray[tuple[int], np.dtype[np.int16]]]]:
    """The least loss at each rounded cost, and the option of each layer that leads there."""
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
    """Places where the loss falls below all earlier ones."""
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
    """Drop points that, at exact costs, are not better than a cheaper one."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, p.loss)):
        if not kept or point.loss < kept[-1].loss:
            kept.append(point)
    return tuple(kept)


def within_cost(points: Sequence[Point], budget: float) -> int | None:
    """Place of the point with the least loss at a cost of at most ``budget``; None if none."""
    places = [place for place, point in enumerate(points) if point.cost <= budget]
    return places[-1] if places else None


def within_loss(points: Sequence[Point], budget: float) -> int | None:
    """Place of the cheapest point with a loss of at most ``budget``; None if none."""
    return next((place for place, point in enumerate(points) if point.loss <= budget), None)
