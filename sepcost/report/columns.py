"""Columns of tables: header, cells, and rank, which decides what fits a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sepcost.report.units import bar, percent

Row = TypeVar("Row")

BAR = 6


@dataclass(frozen=True, slots=True)
class Style:
    """How numbers are written."""

    unit: str = "macs"  # macs | flops
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. Columns get their width in the order of ``rank``; rank 0 is always shown."""

    header: str
    cell: Callable[[Row], str]
    rank: int = 0
    right: bool = True
    untrusted: bool = False  # the cell contains text from the model
    role: str = ""  # name, words: get the remaining width; others: a colour (drawing.STYLES)


@dataclass(frozen=True, slots=True)
class Share:
    """Percentages of a whole, with bars that the largest part fills."""

    whole: int
    largest: int
    bars: bool

    def cell(self, part: int | None) -> str:
        """A percentage, after a bar if bars are shown; empty for nothing."""
        if not part or not self.whole:
            return ""
        text = f"{percent(part / self.whole):>5}"
        return f"{bar(part / self.largest, BAR)} {text}" if self.bars else text


def shares(whole: int, parts: Iterable[int | None], style: Style) -> Share:
    """Shares of ``whole``; the largest of ``parts`` gets the full bar."""
    return Share(whole, max((part or 0 for part in parts), default=0), style.bars)


def filled(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> tuple[Column[Row], ...]:
    """The columns of rank 0 and those with a filled cell in these rows."""
    return tuple(c for c in columns if c.rank == 0 or any(c.cell(row).strip() for row in rows))
