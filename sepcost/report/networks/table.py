"""The shipped networks in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.analysis import Analysis
from sepcost.report.columns import Column
from sepcost.report.drawing import compose, table
from sepcost.report.labels import operations
from sepcost.report.units import human
from sepcost.report.view import View

Described = tuple[str, Analysis]

COLUMNS: tuple[Column[Described], ...] = (
    Column("network", lambda row: row[1].source, 0, False, True, "name"),
    Column("MACs", lambda row: operations(row[1].totals.macs, "macs")),
    Column("params", lambda row: human(row[1].totals.params)),
    Column("description", lambda row: row[0], 0, False, True, "words"),
)


def render(networks: Sequence[Described], view: View) -> str:
    """One row per network, ``(description, analysis)`` each."""
    return compose([table(COLUMNS, networks, view.screen)], view.screen)
