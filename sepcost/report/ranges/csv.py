"""Costs over ranges of sizes as CSV: one row per cost."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.ranges import CostRange, Sizes
from sepcost.report.csv import written
from sepcost.report.view import View

HEADER = ("source", "model", "points", "cost", "least", "least_at", "most", "most_at", "complete")


def render(found: Sequence[CostRange], view: View) -> str:
    """One table for all networks, then a row with its error per source that was not counted."""
    return written(
        (*HEADER, "error"),
        (
            *(
                (
                    one.source, one.name, one.points, name, int(extent.least),
                    _sizes(extent.least_at), int(extent.most), _sizes(extent.most_at),
                    one.complete, "",
                )
                for one in found
                for name, extent in one.costs.items()
            ),
            *((each.model, *[""] * (len(HEADER) - 1), each.message) for each in view.unread),
        ),
    )  # fmt: skip


def _sizes(sizes: Sizes) -> str:
    return " ".join(f"{name}={size}" for name, size in sizes.items())
