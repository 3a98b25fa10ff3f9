"""Tables and lines for the terminal; the only file that knows rich.

Most of it is imported where it is needed: plain text that fits its lines needs nothing of it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from rich.cells import cell_len

from sepcost.cli.layout import GAP, Cells, fit
from sepcost.cli.screen import Screen
from sepcost.report.columns import Column

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.style import Style
    from rich.table import Table
    from rich.text import Text

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Line:
    """A line in one style, which also goes into a cell of ``bare``."""

    text: str
    style: str

    def __rich__(self) -> Text:
        from rich.text import Text

        return Text(self.text, self.style)


Part: TypeAlias = "str | Line | Table"


def compose(parts: Sequence[Part], screen: Screen) -> str:
    """Put lines and tables together as text, in colour where the screen has it."""

    def shown(part: Part) -> str:
        if isinstance(part, str):
            return part
        if isinstance(part, Line) and not screen.colour and cell_len(part.text) <= screen.width:
            return f"{part.text}\n"
        return _drawn(part, screen)

    return "\n".join(line.rstrip() for line in "".join(map(shown, parts)).split("\n"))


def _drawn(part: RenderableType, screen: Screen) -> str:
    console = _console(screen)
    with console.capture() as captured:
        console.print(part)
    return captured.get()


@cache
def _console(screen: Screen) -> Console:
    from rich.console import Console

    return Console(
        file=io.StringIO(), width=screen.width, force_terminal=screen.colour,
        color_system="standard" if screen.colour else None, no_color=not screen.colour,
        markup=False, highlight=False, emoji=False, legacy_windows=False,
    )  # fmt: skip


def styled(line: str, style: str = "") -> Line:
    """A line in one style; nothing in it is read as markup."""
    return Line(line, style)


def table(columns: Sequence[Column[Row]], rows: Sequence[Row], screen: Screen) -> str:
    """The columns that fit the screen, as text: with widths known, 20,000 rows need no layout."""
    fitted = fit(columns, rows, screen.width, cell_len)
    paint = _paint if screen.colour else _plain

    def line(cells: Iterable[str], styles: Iterable[str]) -> str:
        shown = (
            paint(_pad(cell, column), style)
            for cell, style, column in zip(cells, styles, fitted, strict=True)
        )
        return (" " * GAP).join(shown)

    head = line((column.header for column in fitted), ("bold" for _ in fitted))
    rule = "─" * (sum(column.width for column in fitted) + GAP * (len(fitted) - 1))
    roles = [column.role for column in fitted]
    body = (
        line(cells, map(style_of, roles, cells))
        for row in zip(*(column.cells for column in fitted), strict=True)
        for cells in _lines(row)
    )
    return "\n".join((head, rule, *body)) + "\n"


def _lines(row: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """The lines of a row: one, unless a cell was wrapped."""
    if not any("\n" in cell for cell in row):
        return (row,)
    return zip_longest(*(cell.split("\n") for cell in row), fillvalue="")


def _plain(text: str, _: str) -> str:
    return text


def _paint(text: str, style: str) -> str:
    from rich.color import ColorSystem

    return _style(style).render(text, color_system=ColorSystem.STANDARD)


@cache
def _style(name: str) -> Style:
    from rich.style import Style

    return Style.parse(name)


def _pad(cell: str, column: Cells) -> str:
    space = " " * (column.width - cell_len(cell))
    return space + cell if column.right else cell + space


def style_of(role: str, cell: str) -> str:
    """Colour what can be saved; dim the reason why not."""
    if role == "saving":
        return "green" if cell.endswith("fewer") else "dim"
    return "cyan" if role == "share" else ""


def bare(*headers: str) -> Table:
    """A table with a rule under its header and no other; ``>`` sets a column of numbers right."""
    from rich import box
    from rich.table import Table

    drawn = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0),
        header_style="bold",
    )  # fmt: skip
    for header in headers:
        right = header.endswith(">")
        drawn.add_column(header.rstrip(">"), justify="right" if right else "left", no_wrap=right)
    return drawn
