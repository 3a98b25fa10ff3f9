"""Which rows of a result to show, and where: every format takes the same view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sepcost.report.screen import Screen

if TYPE_CHECKING:
    from sepcost.budget.results import Fault

#: Rows of a table in a terminal if --top is not given.
SCREENFUL = 30


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of an analysis, in which order and unit."""

    by: str = "layer"  # or op, scope, kernel, model: one row per …
    depth: int | None = None
    only: Sequence[str] = ()  # kinds, or globs of op types, names and ids
    sort: str | None = None  # None: layers in network order, groups by MACs
    unit: str = "macs"  # or flops
    variants: bool = False  # the analyses are one --conv, as given, then thinner and smaller


@dataclass(frozen=True, slots=True)
class View:
    """Each format uses the fields that it needs."""

    rows: Rows = field(default_factory=Rows)
    top: int | None = None  # at most this many rows, 0: all; None: the format decides
    screen: Screen = field(default_factory=Screen)
    most_bytes: int | None = None  # of the whole text
    unread: Sequence[Fault] = ()  # sources that could not be analyzed

    @property
    def most(self) -> int:
        """The number of rows in a document: all (0), unless --top is given."""
        return self.top or 0

    @property
    def not_read(self) -> tuple[str, ...]:
        """A line for each source that could not be analyzed."""
        return tuple(f"not read: {each.model}: {each.message}" for each in self.unread)

    @property
    def most_drawn(self) -> int:
        """The number of rows in a drawn table: a screenful in a terminal, unless --top is given."""
        if self.top is not None:
            return self.top
        return SCREENFUL if self.screen.terminal else 0
