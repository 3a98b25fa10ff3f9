"""Which branch of each If is in the totals."""

import pytest

from sepcost.cost.branches import may_run, runs, sides
from sepcost.network import Branch, Layer


def at(*path: str) -> Layer:
    """A layer in ``outer.then``, ``inner.else``, and so on."""
    branches = tuple(Branch(*part.split(".")) for part in path)
    return Layer("id", "", "Op", "", "", (), (), branches=branches)


ROWS = [
    (at(), 1000),
    (at("a.then"), 10),
    (at("a.else"), 4),
    (at("a.else", "b.then"), 3),
    (at("a.else", "b.else"), 5),
]
LAYERS = [layer for layer, _ in ROWS]
COSTS = [(macs, 0) for _, macs in ROWS]


@pytest.mark.parametrize(
    ("convention", "total"),
    [
        ("max", 1000 + 10),  # 10 against 4 + max(3, 5) = 9
        ("sum", 1000 + 10 + 4 + 3 + 5),
        ("then", 1000 + 10),
        ("else", 1000 + 4 + 5),
    ],
)
def test_conventions(convention, total):
    chosen = sides(LAYERS, COSTS, {}, convention)
    assert sum(macs for layer, macs in ROWS if runs(layer, chosen)) == total


def test_inner_branches_are_decided_first():
    costs = [*COSTS[:-1], (7, 0)]  # now the else side is 4 + max(3, 7) = 11
    chosen = sides(LAYERS, costs, {}, "max")
    assert chosen == {"a": frozenset({"else"}), "b": frozenset({"else"})}


@pytest.mark.parametrize("convention", ["max", "sum", "then", "else"])
def test_a_known_condition_overrides_every_convention(convention):
    chosen = sides(LAYERS, COSTS, {"a": "else", "b": "then"}, convention)
    assert [runs(layer, chosen) for layer in LAYERS] == [True, False, True, True, False]


def test_element_operations_break_a_tie_and_otherwise_then_wins():
    layers = [at("a.then"), at("a.else")]
    assert sides(layers, [(5, 1), (5, 2)], {}, "max") == {"a": frozenset({"else"})}
    assert sides(layers, [(5, 2), (5, 2)], {}, "max") == {"a": frozenset({"then"})}


def test_a_side_without_rows_costs_nothing():
    assert sides([at("a.else")], [(1, 0)], {}, "max") == {"a": frozenset({"else"})}


def test_fifty_nested_ifs_choose_the_deepest_chain():
    path = [f"if{depth}.else" for depth in range(50)]
    layers = [at(*path[:depth]) for depth in range(1, 51)]
    chosen = sides(layers, [(1, 0)] * 50, {}, "max")
    assert all(runs(layer, chosen) for layer in layers)


def test_what_may_run_leaves_out_known_dead_sides_only():
    assert may_run(at("a.then"), {"a": None})
    assert may_run(at("a.then"), {"a": "then"})
    assert not may_run(at("b.then", "a.then"), {"a": "else"})
