"""Costs over ranges of sizes as a page."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.ranges import CostRange
from sepcost.report.html.parts import PagePart, table
from sepcost.report.html.several import NAME_LIMIT, several, texts
from sepcost.report.ranges.words import columns, headline, lines
from sepcost.report.text import shorten
from sepcost.report.view import View


def render(found: Sequence[CostRange], view: View) -> str:
    """A part per network, and the sources that could not be counted."""
    parts = [
        PagePart(
            f"m{at}", shorten(one.name, NAME_LIMIT), headline(one).removeprefix(f"{one.name}: "),
            sections=table(
                f"m{at}-costs", "Costs", texts(columns()), list(lines(one, view.rows.unit))
            ),
        )
        for at, one in enumerate(found)
    ]  # fmt: skip
    return several(parts, view)
