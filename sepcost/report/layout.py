"""Which columns fit a width, and how names and words are cut or wrapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from sepcost.report.columns import Column, filled
from sepcost.report.text import shorten, terminal

Row = TypeVar("Row")
Measure = Callable[[str], int]

GAP = 2
#: Names and words get at least this width before any other column is added.
NAME_WIDTH = 16
#: The middle of a longer cell is cut out.
WIDEST = 72
#: Words are wrapped instead of cut, up to this length.
WORDS = 240
#: Limits of untrusted cells at narrow widths, by role.
NARROW = 100
LIMITS: Mapping[str, int] = {"name": WIDEST, "words": WORDS, "saving": 26}
OTHER_LIMIT = 12
#: Columns from this rank on are added only if no name is cut for them.
LUXURY = 5


@dataclass(frozen=True, slots=True)
class Cells:
    """One column that fits: its header, its escaped cells, and its width.

    Line breaks in a cell come from wrapping: those of the model are escaped.
    """

    header: str
    cells: tuple[str, ...]
    width: int
    right: bool
    role: str


def fit(
    columns: Sequence[Column[Row]], rows: Sequence[Row], width: int, measure: Measure
) -> tuple[Cells, ...]:
    """The columns that fit into ``width`` characters, those of the lowest rank first.

    Names and words share the rest of the width: names that are too long lose their middles, words
    are wrapped.
    """
    cells_of = {column: _cells(column, rows, width, measure) for column in filled(columns, rows)}
    cut = sum(max(0, c.width - NAME_WIDTH) for c in cells_of.values() if c.role == "name")
    chosen: set[Column[Row]] = set()
    used = -GAP
    for column, cells in sorted(cells_of.items(), key=lambda item: item[0].rank):
        wanted = min(cells.width, NAME_WIDTH) if column.role in RESIZE else cells.width
        reserve = cut if column.rank >= LUXURY else 0
        if column.rank == 0 or used + GAP + wanted + reserve <= width:
            chosen.add(column)
            used += GAP + wanted
    flexible = {c: cells_of[c].width for c in columns if c in chosen and c.role in RESIZE}
    least = sum(min(size, NAME_WIDTH) for size in flexible.values())
    widths = _shares(flexible, least + max(0, width - used))
    return tuple(
        RESIZE[column.role](cells_of[column], widths[column], measure)
        if column in widths
        else cells_of[column]
        for column in columns
        if column in chosen
    )


def _shares(wanted: Mapping[Column[Row], int], width: int) -> dict[Column[Row], int]:
    """Share a width: narrow columns get all that they need, the others equal parts of the rest."""
    shares: dict[Column[Row], int] = {}
    for column, size in sorted(wanted.items(), key=lambda item: item[1]):
        shares[column] = min(size, (width - sum(shares.values())) // (len(wanted) - len(shares)))
    return shares


def _cells(column: Column[Row], rows: Sequence[Row], width: int, measure: Measure) -> Cells:
    limit = WORDS if column.role == "words" else WIDEST
    if width < NARROW and column.untrusted:
        limit = LIMITS.get(column.role, OTHER_LIMIT)
    texts = [column.cell(row) for row in rows]
    safe = {text: _safe(text, limit) for text in set(texts)}  # many rows have equal cells
    cells = tuple(map(safe.__getitem__, texts))
    widest = max(map(measure, {column.header, *safe.values()}))
    return Cells(column.header, cells, widest, column.right, column.role)


def _safe(text: str, limit: int) -> str:
    """Shorten before and after escaping: escapes make a text longer, and names can be huge."""
    return shorten(terminal(shorten(text, limit)), limit)


def _shortened(names: Cells, width: int, measure: Measure) -> Cells:
    """Names cut to the width: first their common path, then their middles."""
    if names.width <= width:
        return names
    common = _common_path(names.cells)
    cells = tuple(
        _cut(f"…{cell[common:]}" if common else cell, width, measure) for cell in names.cells
    )
    return Cells(names.header, cells, width, names.right, names.role)


def _common_path(names: Sequence[str]) -> int:
    """The length of the path that all names begin with."""
    if len(names) < 2:
        return 0
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(min(names), max(names), strict=False))
    common = "".join(character for character, _ in alike)
    return max(common.rfind(separator) for separator in "/.") + 1


def _cut(text: str, width: int, measure: Measure) -> str:
    """Cut the middle out until the text fits; wide characters take two columns."""
    limit = width
    while measure(text) > width:
        text = shorten(text, limit)
        limit -= 1
    return text


def _wrapped(words: Cells, width: int, measure: Measure) -> Cells:
    """Lines broken between words."""
    if words.width <= width:
        return words
    cells = tuple("\n".join(_lines(cell, width, measure)) for cell in words.cells)
    widest = max(measure(line) for cell in (words.header, *cells) for line in cell.split("\n"))
    return Cells(words.header, cells, widest, words.right, words.role)


def _lines(text: str, width: int, measure: Measure) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if measure(longer) > width and line:
            yield line
            longer = word
        line = _cut(longer, width, measure)
    yield line


RESIZE: Mapping[str, Callable[[Cells, int, Measure], Cells]] = {
    "name": _shortened,
    "words": _wrapped,
}
