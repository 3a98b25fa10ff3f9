"""The columns of a comparison: totals, and the layers that changed."""

from __future__ import annotations

from sepcost.cost.diff import Kind, LayerChange
from sepcost.report.columns import Column
from sepcost.report.diff.words import Total, delta, details
from sepcost.report.labels import label, operator

SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}


def total_columns() -> tuple[Column[Total], ...]:
    """One row per total."""
    return (
        Column("total", lambda t: t.title, 0, False),
        Column("old", lambda t: t.old, 2),
        Column("new", lambda t: t.new, 1),
        Column("change", lambda t: t.change, 0),
    )


def layer_columns() -> tuple[Column[LayerChange], ...]:
    """One row per layer that changed."""
    return (
        Column("", lambda c: SIGNS[c.kind], 0, False, True),
        Column("layer", lambda c: label(c.row.layer), 0, False, True, "name"),
        Column("op", lambda c: operator(c.row.layer), 2, False, True),
        Column("MACs", lambda c: delta(c, "macs"), 0),
        Column("params", lambda c: delta(c, "params"), 3),
        Column("difference", details, 1, False, True, "words"),
    )
