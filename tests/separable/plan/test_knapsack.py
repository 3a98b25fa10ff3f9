"""The frontier compared with every combination."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.separable.plan.knapsack import frontier, within_cost, within_loss

ENTRY = st.tuples(st.integers(0, 40), st.integers(0, 1000).map(float))
MENUS = st.lists(st.lists(ENTRY, min_size=1, max_size=4), min_size=1, max_size=4)


def everything(menus):
    """All totals, by brute force."""
    return [
        (sum(cost for cost, _ in taken), sum(loss for _, loss in taken))
        for taken in product(*menus)
    ]


@given(MENUS)
def test_costs_in_whole_steps_give_the_exact_frontier(menus):
    highest = max(1, sum(max(cost for cost, _ in menu) for menu in menus))
    found = [(p.cost, p.loss) for p in frontier(menus, steps=highest)]
    totals = everything(menus)
    best = [
        (c, e)
        for c, e in totals
        if not any(a <= c and b <= e and (a, b) != (c, e) for a, b in totals)
    ]
    assert found == sorted(set(best))


@given(MENUS, st.integers(3, 50))
def test_no_plan_within_the_bound_is_better(menus, steps):
    points = frontier(menus, steps=steps)
    step = sum(max(cost for cost, _ in menu) for menu in menus) / steps
    for cost, loss in everything(menus):
        place = within_cost(points, cost + len(menus) * step + 1e-9)
        assert place is not None
        assert points[place].loss <= loss


@given(MENUS)
def test_points_are_the_sums_of_their_picks(menus):
    for point in frontier(menus):
        entries = [menu[pick] for menu, pick in zip(menus, point.picks, strict=True)]
        assert point.cost == pytest.approx(sum(cost for cost, _ in entries))
        assert point.loss == pytest.approx(sum(loss for _, loss in entries))


@given(MENUS)
def test_costs_ascend_and_losses_descend(menus):
    points = frontier(menus)
    for a, b in pairwise(points):
        assert a.cost < b.cost
        assert a.loss > b.loss


def test_no_layers_leave_one_plan():
    (point,) = frontier([])
    assert (point.cost, point.loss, point.picks) == (0, 0, ())


def test_budgets_find_their_points():
    points = frontier([[(10, 0.0), (4, 1.0), (1, 5.0)]])
    assert [within_cost(points, budget) for budget in (0, 1, 5, 99)] == [None, 0, 1, 2]
    assert [within_loss(points, budget) for budget in (9, 4, 0)] == [0, 1, 2]
    assert within_loss(points[:1], 4) is None
