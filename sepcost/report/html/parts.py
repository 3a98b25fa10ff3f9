"""The parts of a page: headlines, tiles and sections, as plain data. Nothing is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sepcost.report.text import terminal

Row = TypeVar("Row")
Cell = int | float | str | None


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure; ``exact`` is the number behind ``value``."""

    label: str
    value: str
    detail: str = ""
    exact: float | None = None
    tone: str = ""  # good | bad


@dataclass(frozen=True, slots=True)
class Section:
    """One table, chart or list: ``data`` goes to the page as JSON, ``kind`` selects the drawing."""

    id: str
    title: str
    kind: str
    data: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True, slots=True)
class PagePart:
    """The results of one command for one model."""

    id: str
    title: str
    lead: str = ""
    facts: tuple[str, ...] = ()
    tiles: tuple[Tile, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report."""

    title: str
    lead: str
    parts: tuple[PagePart, ...]
    command: str


@dataclass(frozen=True, slots=True)
class Col(Generic[Row]):
    """One column of a table.

    ``kind`` is the format of its cells: text, code, exact or status for words; count, bytes,
    ns, times, percent, error, number, whole or change for numbers. ``total``: summed over a group.
    """

    title: str
    kind: str
    read: Callable[[Row], Cell]
    total: bool = False
    group: bool = False  # rows can be grouped by it
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """Columns and their rows."""

    columns: tuple[Col[Row], ...]
    rows: Sequence[Row]
    heading: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return the table for the page, without its empty columns."""
        cells = [[clean(column.read(row)) for row in self.rows] for column in self.columns]
        kept = [
            at for at, column in enumerate(cells) if any(cell not in {None, ""} for cell in column)
        ]
        return {
            "columns": [_column(self.columns[at]) for at in kept],
            "rows": [[cells[at][place] for at in kept] for place in range(len(self.rows))],
            **self.heading,
        }


def _column(column: Col[Any]) -> dict[str, Any]:
    found = {"title": column.title, "kind": column.kind, "hint": column.hint}
    return found | {"total": column.total, "group": column.group}


def clean(cell: Cell) -> Cell:
    """Text with escapes for what does not print; None for NaN and infinity, which JSON lacks."""
    if isinstance(cell, str):
        return terminal(cell)
    if isinstance(cell, float) and cell - cell != 0:
        return None
    return cell


def listing(id_: str, title: str, lines: Iterable[str], note: str = "") -> tuple[Section, ...]:
    """A list of sentences; no section if there are none."""
    found = [terminal(line) for line in dict.fromkeys(lines)]
    return (Section(id_, title, "list", {"lines": found}, note),) if found else ()


def table(
    id_: str, title: str, columns: tuple[Col[Row], ...], rows: Sequence[Row], note: str = ""
) -> tuple[Section, ...]:
    """A table to sort, filter and group; no section if it has no rows."""
    return (Section(id_, title, "table", Table(columns, rows).data(), note),) if rows else ()
