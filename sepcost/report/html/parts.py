"""What a page is made of: parts with headlines, tiles and sections. Plain data, not yet escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sepcost.report.text import terminal

Row = TypeVar("Row")
Cell = int | float | str | None


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that answers a question by itself; ``exact`` is the number behind ``value``."""

    label: str
    value: str
    detail: str = ""
    exact: float | None = None
    tone: str = ""  # good | bad


@dataclass(frozen=True, slots=True)
class Section:
    """One table, chart or list. ``data`` goes to the page as JSON; ``kind`` says who draws it."""

    id: str
    title: str
    kind: str
    data: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What one command says about one model."""

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
    parts: tuple[Part, ...]
    command: str


@dataclass(frozen=True, slots=True)
class Col(Generic[Row]):
    """One column of a table.

    ``kind`` says how the page writes a cell: text, code, exact or status for words; count, bytes,
    ns, times, percent, error, number, whole or change for numbers. ``total`` sums it up over a
    group.
    """

    title: str
    kind: str
    read: Callable[[Row], Cell]
    total: bool = False
    group: bool = False  # rows can be grouped by it
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """Columns and what they read."""

    columns: tuple[Col[Row], ...]
    rows: Sequence[Row]
    heading: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return the table as the page takes it; columns that are empty throughout are left out."""
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
    """Text with what does not print shown as its escape; a number that JSON has not is None."""
    if isinstance(cell, str):
        return terminal(cell)
    if isinstance(cell, float) and cell - cell != 0:
        return None
    return cell


def listing(id_: str, title: str, lines: Iterable[str], note: str = "") -> tuple[Section, ...]:
    """A list of sentences; no section at all where there are none."""
    found = [terminal(line) for line in dict.fromkeys(lines)]
    return (Section(id_, title, "list", {"lines": found}, note),) if found else ()


def table(
    id_: str, title: str, columns: tuple[Col[Row], ...], rows: Sequence[Row], note: str = ""
) -> tuple[Section, ...]:
    """A table that sorts, filters and groups; no section at all where it would be empty."""
    return (Section(id_, title, "table", Table(columns, rows).data(), note),) if rows else ()
