"""Which columns fit a width: the plain arithmetic behind the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from sepcost.report.columns import Column, filled
from sepcost.report.text import shorten, terminal

Row = TypeVar("Row")
Measure = Callable[[str], int]

GAP = 2
#: The name column gets at least this much before any other column is added.
NAME_WIDTH = 16
#: No cell is wider; the middle of a longer one is cut out.
WIDEST = 72
#: What long cells may take at narrow widths, by role.
NARROW = 100
LIMITS: Mapping[str, int] = {"name": WIDEST, "saving": 26}
OTHER_LIMIT = 12
#: Columns from this rank on are added only where every name stays whole.
LUXURY = 5


@dataclass(frozen=True, slots=True)
class Cells:
    """One column that fits: its header, its cells made safe, and its width."""

    header: str
    cells: tuple[str, ...]
    width: int
    right: bool
    role: str


def fit(
    columns: Sequence[Column[Row]], rows: Sequence[Row], width: int, measure: Measure
) -> tuple[Cells, ...]:
    """The columns that fit into ``width`` characters, those of the lowest rank first.

    The name column takes what is left, and its names lose their middles where that is too little.
    """
    found = {column: _cells(column, rows, width, measure) for column in filled(columns, rows)}
    cut = sum(max(0, c.width - NAME_WIDTH) for c in found.values() if c.role == "name")
    chosen: set[Column[Row]] = set()
    used = -GAP
    for column, cells in sorted(found.items(), key=lambda item: item[0].rank):
        wanted = min(cells.width, NAME_WIDTH) if column.role == "name" else cells.width
        reserve = cut if column.rank >= LUXURY else 0
        if column.rank == 0 or used + GAP + wanted + reserve <= width:
            chosen.add(column)
            used += GAP + wanted
    spare = max(0, width - used)
    return tuple(
        _widen(found[column], spare, measure) if column.role == "name" else found[column]
        for column in columns
        if column in chosen
    )


def _cells(column: Column[Row], rows: Sequence[Row], width: int, measure: Measure) -> Cells:
    narrow = width < NARROW and column.untrusted
    limit = LIMITS.get(column.role, OTHER_LIMIT) if narrow else WIDEST
    cells = tuple(_safe(column.cell(row), limit) for row in rows)
    widest = max(map(measure, (column.header, *cells)))
    return Cells(column.header, cells, widest, column.right, column.role)


def _safe(text: str, limit: int) -> str:
    """Shorten before and after: escapes make a text longer, and a name may have a megabyte."""
    return shorten(terminal(shorten(text, limit)), limit)


def _widen(names: Cells, spare: int, measure: Measure) -> Cells:
    """Give the name column its least width and all that no other column took."""
    width = min(names.width, NAME_WIDTH) + spare
    if names.width <= width:
        return names
    common = _common_path(names.cells)
    cells = tuple(
        _cut(f"…{cell[common:]}" if common else cell, width, measure) for cell in names.cells
    )
    return Cells(names.header, cells, width, names.right, names.role)


def _common_path(names: Sequence[str]) -> int:
    """How many characters of path all names begin with: those tell none of them apart."""
    if len(names) < 2:
        return 0
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(min(names), max(names), strict=False))
    common = "".join(character for character, _ in alike)
    return max(common.rfind(separator) for separator in "/.") + 1


def _cut(text: str, width: int, measure: Measure) -> str:
    """Cut the middle out until the text fits; wide characters take two columns each."""
    limit = width
    while measure(text) > width:
        text = shorten(text, limit)
        limit -= 1
    return text
