"""Pages with one part per result of ``analyze``, and columns of the terminal's tables in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sepcost.report.columns import Column
from sepcost.report.html.page import render
from sepcost.report.html.parts import Col, Page, PagePart, listing
from sepcost.report.view import View

Row = TypeVar("Row")

#: Names in titles are cut at this many characters.
NAME_LIMIT = 120


def several(parts: Sequence[PagePart], view: View) -> str:
    """Write the parts, then the sources that were not read."""
    lines = [f"{each.model}: {each.message}" for each in view.unread]
    unread = listing("unread", "Not read", lines)
    every = [*parts, PagePart("models-unread", "Other sources", sections=unread)]
    title = parts[0].title if len(parts) == 1 else f"{len(parts)} networks"
    lead = parts[0].lead if len(parts) == 1 else ", ".join(part.title for part in parts)
    return render(Page(title, lead, tuple(every if unread else parts), "analyze"))


def texts(columns: Sequence[Column[Row]]) -> tuple[Col[Row], ...]:
    """The same words as in the terminal; names from the model in the type of code."""
    return tuple(
        Col(column.header, "code" if column.untrusted else "text", column.cell)
        for column in columns
    )
