"""Tables and lines for the terminal; the only file that knows rich."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich import box
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.style import Style as RichStyle
from rich.table import Table
from rich.text import Text

from sepcost.cli.layout import GAP, Cells, fit
from sepcost.cli.screen import Screen
from sepcost.report.columns import Column

Row = TypeVar("Row")
Part = RenderableType

STYLES = {name: RichStyle.parse(name) for name in ("", "bold", "cyan", "dim", "green")}


def compose(parts: Sequence[Part], screen: Screen) -> str:
    """Put lines and tables together as text, in colour where the screen has it."""
    console = Console(
        file=io.StringIO(), width=screen.width, force_terminal=screen.colour,
        color_system="standard" if screen.colour else None, no_color=not screen.colour,
        markup=False, highlight=False, emoji=False, legacy_windows=False,
    )  # fmt: skip

    def shown(part: Part) -> str:
        if isinstance(part, str):
            return part
        with console.capture() as captured:
            console.print(part)
        return captured.get()

    return "\n".join(line.rstrip() for line in "".join(map(shown, parts)).split("\n"))


def styled(line: str, style: str = "") -> Part:
    """A line in one style; nothing in it is read as markup."""
    return Text(line, style)


def table(columns: Sequence[Column[Row]], rows: Sequence[Row], screen: Screen) -> str:
    """The columns that fit the screen, as text: with widths known, 20,000 rows need no layout."""
    fitted = fit(columns, rows, screen.width, cell_len)
    system = ColorSystem.STANDARD if screen.colour else None

    def line(cells: Iterable[str], styles: Iterable[str]) -> str:
        shown = (
            STYLES[style].render(_pad(cell, column), color_system=system)
            for cell, style, column in zip(cells, styles, fitted, strict=True)
        )
        return (" " * GAP).join(shown)

    head = line((column.header for column in fitted), ("bold" for _ in fitted))
    rule = "─" * (sum(column.width for column in fitted) + GAP * (len(fitted) - 1))
    roles = [column.role for column in fitted]
    body = (
        line(cells, map(style_of, roles, cells))
        for cells in zip(*(column.cells for column in fitted), strict=True)
    )
    return "\n".join((head, rule, *body)) + "\n"


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
    drawn = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0),
        header_style="bold",
    )  # fmt: skip
    for header in headers:
        right = header.endswith(">")
        drawn.add_column(header.rstrip(">"), justify="right" if right else "left", no_wrap=right)
    return drawn
