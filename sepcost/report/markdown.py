"""How Markdown tables are written (GitHub's flavour)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from sepcost.report import text
from sepcost.report.columns import Column, filled

if TYPE_CHECKING:
    from sepcost.report.view import View

Row = TypeVar("Row")

#: Longer names are cut in the middle.
NAME_LIMIT = 120


def table(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> str:
    """The columns of rank 0 and those with a filled cell."""
    shown = filled(columns, rows)
    lines = [
        [column.header for column in shown],
        ["---:" if column.right else "---" for column in shown],
        *([_cell(column, row) for column in shown] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(lines: Sequence[str]) -> str:
    """A list; its lines are escaped already."""
    return "\n".join(f"- {line}" for line in lines)


def document(sections: Sequence[str], view: View) -> str:
    """Put sections together; then the sources that could not be read."""
    unread = [bullets([words(line) for line in view.not_read])] if view.unread else []
    return "\n\n".join([*sections, *unread]) + "\n"


def _cell(column: Column[Row], row: Row) -> str:
    cell = column.cell(row)
    if column.role == "name":
        return name(cell)
    return words(cell) if column.untrusted else cell.strip()


def name(of: str) -> str:
    """A name from a model, shortened, as code."""
    return text.code(text.shorten(of, NAME_LIMIT))


def words(sentence: str) -> str:
    """A sentence that may contain a model's text, shortened."""
    return text.markdown(text.shorten(sentence, NAME_LIMIT))
