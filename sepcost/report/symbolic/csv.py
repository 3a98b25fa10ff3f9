"""Polynomials as CSV: one row per total, then one per cost of each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sepcost.cost.symbolic import Fitted, Symbolic
from sepcost.report.csv import written
from sepcost.report.symbolic.words import spelled
from sepcost.report.view import View

HEADER = ("source", "model", "layer", "op", "cost", "polynomial", "reason", "error")


def render(found: Sequence[Symbolic], view: View) -> str:
    """One table for all networks, then a row with its error per source that was not counted."""
    rows = [row for one in found for row in _rows(one)]
    return written(
        HEADER, [*rows, *((each.model, *[""] * 6, each.message) for each in view.unread)]
    )


def _rows(found: Symbolic) -> Iterator[tuple[str, ...]]:
    head = found.source, found.name
    yield from ((*head, "", "", *row, "") for row in _costs(found.totals))
    for layer in found.layers:
        yield from ((*head, layer.id, layer.op_type, *row, "") for row in _costs(layer.costs))


def _costs(costs: Mapping[str, Fitted]) -> Iterator[tuple[str, str, str]]:
    for name, fitted in costs.items():
        yield name, "" if fitted.polynomial is None else spelled(fitted.polynomial), fitted.reason
