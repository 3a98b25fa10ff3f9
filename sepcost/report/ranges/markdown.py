"""Costs over ranges of sizes in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.ranges import CostRange
from sepcost.report.markdown import document, table, words
from sepcost.report.ranges.words import columns, headline, lines
from sepcost.report.view import View


def render(found: Sequence[CostRange], view: View) -> str:
    """A section per network, and the sources that could not be counted."""
    sections = []
    for one in found:
        rows = list(lines(one, view.rows.unit))
        sections += [f"**{words(headline(one))}**", table(columns(), rows)]
    return document(sections, view)
