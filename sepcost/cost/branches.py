"""Which branches of each If count towards the totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sepcost.network import Branch, Layer

Cost = tuple[int, int]  # MACs, then element operations
Sides = Mapping[str, frozenset[str]]  # id of an If -> its branches that count

BOTH = frozenset({"then", "else"})


def sides(
    layers: Sequence[Layer],
    costs: Sequence[Cost],
    choices: Mapping[str, str | None],
    convention: str,
) -> Sides:
    """Choose the branches of every If that has layers, innermost first.

    Parameters
    ----------
    layers, costs
        The layers, and the cost of each including trips.
    choices
        The branch that is known to run, by If.
    convention
        What counts if that is unknown: ``max`` (the most expensive branch: most MACs, then most
        element operations, then ``then``), ``sum`` (both), ``then`` or ``else``.
    """
    spent: dict[Branch, Cost] = {}
    parents: dict[str, Branch | None] = {}
    depths: dict[str, int] = {}
    for layer, cost in zip(layers, costs, strict=True):
        if layer.branches:
            _place(layer.branches, parents, depths)
            inner = layer.branches[-1]
            spent[inner] = _plus(spent.get(inner, (0, 0)), cost)
    chosen: dict[str, frozenset[str]] = {}
    for choice in sorted(depths, key=depths.__getitem__, reverse=True):
        total = {side: spent.get(Branch(choice, side), (0, 0)) for side in sorted(BOTH)}
        chosen[choice] = _choose(total, choices.get(choice), convention)
        parent = parents[choice]
        if parent is not None:
            for side in chosen[choice]:
                spent[parent] = _plus(spent.get(parent, (0, 0)), total[side])
    return chosen


def runs(layer: Layer, chosen: Sides) -> bool:
    """Whether every branch around the layer counts."""
    return all(branch.side in chosen[branch.choice] for branch in layer.branches)


def may_run(layer: Layer, choices: Mapping[str, str | None]) -> bool:
    """Whether no branch around the layer is known to be skipped."""
    return all(choices.get(branch.choice) in (None, branch.side) for branch in layer.branches)


def _place(
    path: Iterable[Branch], parents: dict[str, Branch | None], depths: dict[str, int]
) -> None:
    outer: Branch | None = None
    for depth, branch in enumerate(path):
        if branch.choice not in depths:
            parents[branch.choice], depths[branch.choice] = outer, depth
        outer = branch


def _choose(total: Mapping[str, Cost], known: str | None, convention: str) -> frozenset[str]:
    if known is not None:
        return frozenset({known})
    if convention == "sum":
        return BOTH
    if convention in BOTH:
        return frozenset({convention})
    return frozenset({"then" if total["then"] >= total["else"] else "else"})


def _plus(one: Cost, other: Cost) -> Cost:
    return one[0] + other[0], one[1] + other[1]
