"""Costs over ranges of sizes as JSON; ``schemas/ranges-1.json`` describes the document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sepcost.cost.ranges import CostRange
from sepcost.report.json import per_model
from sepcost.report.view import View


def render(found: Sequence[CostRange], view: View) -> str:
    """One document for all networks."""
    return per_model("ranges", map(_entry, found), view)


def _entry(one: CostRange) -> dict[str, Any]:
    return {
        "name": one.name,
        "source": one.source,
        "bindings": dict(one.bindings),
        "ranges": {
            name: {"first": size.start, "last": size[-1], "step": size.step}
            for name, size in one.ranges.items()
        },
        "points": one.points,
        "complete": one.complete,
        "costs": {
            name: {
                "least": int(extent.least),
                "least_at": dict(extent.least_at),
                "most": int(extent.most),
                "most_at": dict(extent.most_at),
            }
            for name, extent in one.costs.items()
        },
        "warnings": list(one.warnings),
    }
