"""The JSON document of ``diff``; ``schemas/diff-1.json`` describes it."""

from __future__ import annotations

from typing import Any

from sepcost.cost.analysis import Analysis
from sepcost.cost.diff import COSTS, TOTALS, Diff, Fact, LayerChange
from sepcost.cost.results import LayerCost
from sepcost.report.json import dumps, headed
from sepcost.report.view import View


def render(diff: Diff, view: View) -> str:
    """Totals of both sides, and every layer that changed."""
    body = {
        "exact": diff.exact,
        "old": _side(diff.old),
        "new": _side(diff.new),
        "delta": {name: _delta(diff, name) for name in TOTALS},
        "unchanged": diff.unchanged,
        "renamed": diff.renamed,
        "weights": diff.weights,
        "changes": [_change(layer) for layer in diff.changes],
    }
    return dumps(headed("diff", [diff.old.source, diff.new.source], body))


def _side(side: Analysis) -> dict[str, Any]:
    totals = {name: getattr(side.totals, name) for name in TOTALS}
    return {"name": side.network.name, "totals": totals, "complete": side.coverage.complete}


def _delta(diff: Diff, name: str) -> int:
    old, new = diff.total(name)
    return new - old


def _change(layer: LayerChange) -> dict[str, Any]:
    return {
        "kind": layer.kind.value,
        "old": _row(layer.old),
        "new": _row(layer.new),
        "delta": {cost: layer.delta(cost) for cost in COSTS},
        "differences": [
            {"what": each.what, "old": _fact(each.old), "new": _fact(each.new)}
            for each in layer.differences
        ],
    }


def _row(row: LayerCost | None) -> dict[str, Any] | None:
    if row is None:
        return None
    layer = row.layer
    return {
        "id": layer.id,
        "name": layer.name,
        "op_type": layer.op_type,
        "domain": layer.domain,
        "scope": layer.scope,
        "counted": row.counted,
        **{cost: getattr(row, cost) for cost in COSTS},
    }


def _fact(fact: Fact) -> object:
    """JSON has neither tuples nor NaN and infinity."""
    if isinstance(fact, tuple):
        return [_fact(each) for each in fact]
    return str(fact) if isinstance(fact, float) and fact - fact != 0 else fact
