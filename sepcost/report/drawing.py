"""Tables and lines for the terminal; the only file that imports rich.

Most of it is imported only where needed: plain text that fits its lines does not need it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from rich.cells import cell_len

from sepcost.report.columns import Column
from sepcost.report.layout import GAP, Cells, fit
from sepcost.report.screen import Screen
from sepcost.report.text import terminal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.style import Style
    from rich.text import Text

    from sepcost.report.view import View

Row = TypeVar("Row")
Paint = Callable[[str, str], str]

#: Colours of cells, by the role of their column.
STYLES: Mapping[str, str] = {"share": "cyan", "gain": "green", "note": "dim"}
#: Minimum width of indented lines on a narrow screen.
LEAST = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text in spans of ``(text, style)``; a line that is too long is wrapped.

    ``head`` comes before the first line; wrapped lines are indented by its width.
    """

    spans: tuple[tuple[str, str], ...]
    head: tuple[str, str] = ("", "")

    @property
    def text(self) -> str:
        """The line without its styles."""
        return self.head[0] + "".join(text for text, _ in self.spans)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        from rich.text import Text

        head = Text(*self.head)
        width = max(LEAST, options.max_width - head.cell_len)
        for line in Text.assemble(*self.spans).wrap(console, width):
            yield head + line
            head = Text(" " * head.cell_len)


Part: TypeAlias = "str | Line"


def compose(parts: Iterable[Part], screen: Screen) -> str:
    """Put lines and tables together as text, in colour if the screen has it."""

    def shown(part: Part) -> str:
        if isinstance(part, str):
            return part
        if not screen.colour and cell_len(part.text) <= screen.width:
            return f"{part.text}\n"
        return _drawn(part, screen)

    return "\n".join(line.rstrip() for line in "".join(map(shown, parts)).split("\n"))


def sections(parts: Sequence[Part], view: View) -> str:
    """Put sections together, each of which ends in an empty line; then the sources not read."""
    unread = [styled(terminal(line)) for line in view.not_read]
    return compose([*parts, *unread] if unread else parts[:-1], view.screen)


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
    return Line(((line, style),))


def table(columns: Sequence[Column[Row]], rows: Sequence[Row], screen: Screen) -> str:
    """The columns that fit the screen, as text; rich's own layout is too slow for 20,000 rows."""
    fitted = fit(columns, rows, screen.width, cell_len)
    paint = _paint if screen.colour else _plain
    head = [paint(_pad(column.header, column), "bold") for column in fitted]
    rule = "─" * (sum(column.width for column in fitted) + GAP * (len(fitted) - 1))
    unwrapped = _unwrapped([column.cells for column in fitted])
    body = [_painted(*each, paint) for each in zip(unwrapped, fitted, strict=True)]
    first, *rest = map((" " * GAP).join, (head, *zip(*body, strict=True)))
    return "\n".join((first, rule, *rest)) + "\n"


def _unwrapped(columns: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Put each line of a wrapped cell into a cell of its own."""
    if not any("\n" in cell for cells in columns for cell in set(cells)):
        return columns
    lines = (
        line
        for row in zip(*columns, strict=True)
        for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue="")
    )
    return list(zip(*lines, strict=True))


def _painted(cells: Sequence[str], column: Cells, paint: Paint) -> list[str]:
    """Pad and colour the cells of a column, of which many are equal."""
    shown = {cell: paint(_pad(cell, column), style_of(column.role, cell)) for cell in set(cells)}
    return [shown[cell] for cell in cells]


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
    """The colour of a cell; a saving is green, and the reason for its absence is dim."""
    if role == "saving":
        return "green" if cell.endswith("fewer") else "dim"
    return STYLES.get(role, "")
