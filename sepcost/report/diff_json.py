"""The JSON document of ``diff``; ``schemas/diff-1.json`` describes it."""

from __future__ import annotations

from typing import Any

from sepcost import __version__
from sepcost.cost.analysis import Analysis, LayerCost
from sepcost.cost.diff import COSTS, TOTALS, Diff, Fact, LayerChange
from sepcost.report.json import dumps

SCHEMA = "sepcost/diff/1"


def render(diff: Diff) -> str:
    """Totals of both sides, and every layer that changed."""
    return dumps(
        {
            "schema": SCHEMA,
            "version": __version__,
            "sources": [diff.old.source, diff.new.source],
            "exact": diff.exact,
            "old": _side(diff.old),
            "new": _side(diff.new),
            "delta": {name: _delta(diff, name) for name in TOTALS},
            "unchanged": diff.unchanged,
            "renamed": diff.renamed,
            "weights": diff.weights,
            "changes": [_change(found) for found in diff.changes],
        }
    )


def _side(side: Analysis) -> dict[str, Any]:
    totals = {name: getattr(side.totals, name) for name in TOTALS}
    return {"name": side.network.name, "totals": totals, "complete": side.coverage.complete}


def _delta(diff: Diff, name: str) -> int:
    old, new = diff.total(name)
    return new - old


def _change(found: LayerChange) -> dict[str, Any]:
    return {
        "kind": found.kind.value,
        "old": _row(found.old),
        "new": _row(found.new),
        "delta": {cost: found.delta(cost) for cost in COSTS},
        "differences": [
            {"what": one.what, "old": _fact(one.old), "new": _fact(one.new)}
            for one in found.differences
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
    """JSON knows neither tuples nor what is no number."""
    if isinstance(fact, tuple):
        return [_fact(one) for one in fact]
    return str(fact) if isinstance(fact, float) and fact - fact != 0 else fact
