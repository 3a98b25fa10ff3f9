"""Costs over ranges of sizes in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.ranges import CostRange
from sepcost.report.drawing import Part, sections, styled, table
from sepcost.report.ranges.words import columns, headline, lines
from sepcost.report.text import terminal
from sepcost.report.view import View


def render(found: Sequence[CostRange], view: View) -> str:
    """A section per network, and the sources that could not be counted."""
    parts: list[Part] = []
    for one in found:
        rows = list(lines(one, view.rows.unit))
        head = styled(terminal(headline(one)), "bold")
        parts += [head, "\n", table(columns(), rows, view.screen), "\n"]
    return sections(parts, view)
