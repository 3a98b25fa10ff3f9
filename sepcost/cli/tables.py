"""What people read in the terminal; the only file that knows rich."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
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
from sepcost.cost.analysis import Analysis
from sepcost.report.columns import (
    Column,
    Style,
    group_columns,
    layer_columns,
    model_columns,
    operations,
    title,
)
from sepcost.report.prose import details, headline, inputs, uncounted
from sepcost.report.text import shorten, terminal
from sepcost.report.units import dims, human, times
from sepcost.report.view import View, titles

Row = TypeVar("Row")

#: Layers shown at a terminal where nobody asked for more.
BRIEF = 30
#: Reasons and names are cut at this many characters, in lines of words.
WORDS = 120
MOST_REASONS = 12

STYLES = {name: RichStyle.parse(name) for name in ("", "bold", "cyan", "dim", "green")}


def render(analyses: Sequence[Analysis], view: View, screen: Screen, brief: bool = False) -> str:
    """A section for each analysis, then a comparison where there are several."""
    style = Style(view.unit, screen.bars)
    parts: list[RenderableType] = []
    if view.by != "model":
        for analysis, name in zip(analyses, titles(analyses), strict=True):
            parts += [*_section(analysis, name, view, screen, brief), "\n"]
    if len(analyses) > 1 or view.by == "model":
        parts += [_table(model_columns(style), analyses, screen), "\n"]
    return _text(parts[:-1], screen)


def _text(parts: Sequence[RenderableType], screen: Screen) -> str:
    console = Console(
        file=io.StringIO(), width=screen.width, force_terminal=screen.colour,
        color_system="standard" if screen.colour else None, no_color=not screen.colour,
        markup=False, highlight=False, emoji=False, legacy_windows=False,
    )  # fmt: skip

    def shown(part: RenderableType) -> str:
        if isinstance(part, str):
            return part
        with console.capture() as captured:
            console.print(part)
        return captured.get()

    return "\n".join(line.rstrip() for line in "".join(map(shown, parts)).split("\n"))


def _section(
    analysis: Analysis, name: str, view: View, screen: Screen, brief: bool
) -> Iterator[RenderableType]:
    style = Style(view.unit, screen.bars)
    yield Text(headline(analysis, style, _words(name)), "bold")
    for line in details(analysis, style):
        yield Text(line, "dim")
    if analysis.network.inputs:
        yield Text(f"inputs: {_words(inputs(analysis))}", "dim")
    yield "\n"
    if view.by == "layer":
        yield from _layers(analysis, view, screen, brief)
    else:
        groups = view.groups(analysis)
        yield _table(group_columns(analysis, groups, view.by, style), groups, screen)
    yield from _uncounted(analysis)


def _layers(
    analysis: Analysis, view: View, screen: Screen, brief: bool
) -> Iterator[RenderableType]:
    rows = view.layers(analysis)
    if brief:
        costly = [row for row in rows if row.macs != 0]
        dearest = sorted(costly, key=lambda row: -(row.macs or 0))[:BRIEF]
        shown = set(map(id, dearest))
        rows, left = tuple(row for row in rows if id(row) in shown), len(rows) - len(dearest)
    else:
        left = len(analysis.rows) - len(rows) if view.only is None else 0
    if rows:
        yield _table(layer_columns(analysis, Style(view.unit, screen.bars)), rows, screen)
    if left:
        yield Text(f"… {left} more layers: --top 0 shows all", "dim")


def _table(columns: Sequence[Column[Row]], rows: Sequence[Row], screen: Screen) -> str:
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
    body = (
        line(cells, (_style(column.role, cell) for cell, column in zip(cells, fitted, strict=True)))
        for cells in zip(*(column.cells for column in fitted), strict=True)
    )
    return "\n".join((head, rule, *body)) + "\n"


def _pad(cell: str, column: Cells) -> str:
    space = " " * (column.width - cell_len(cell))
    return space + cell if column.right else cell + space


def _style(role: str, cell: str) -> str:
    """Colour what can be saved; dim the reason why not."""
    if role == "saving":
        return "green" if cell.endswith("fewer") else "dim"
    return "cyan" if role == "share" else ""


def _uncounted(analysis: Analysis) -> Iterator[RenderableType]:
    missing = uncounted(analysis)
    if not missing:
        return
    yield "\n"
    total = sum(count for *_, count in missing)
    yield Text(f"Not counted: {total} layer{'s' if total > 1 else ''}", "bold yellow")
    for op, reason, names, count in missing[:MOST_REASONS]:
        more = ", …" if count > len(names) else ""
        where = ", ".join(shorten(name, WORDS // 3) for name in names)
        yield Text(_words(f"  {count} × {op}: {reason}") + f" ({terminal(where)}{more})")
    if len(missing) > MOST_REASONS:
        yield Text(f"  … {len(missing) - MOST_REASONS} more reasons: --only unknown lists them all")


def _words(words: str) -> str:
    return terminal(shorten(words, WORDS))


def convolutions(analyses: Sequence[Analysis], view: View, screen: Screen) -> str:
    """The paper's table 3 for each --conv: regular, separable, then thinner and smaller."""
    parts: list[RenderableType] = []
    for source in dict.fromkeys(analysis.source for analysis in analyses):
        parts += [*_convolution([a for a in analyses if a.source == source], view), "\n"]
    return _text(parts[:-1], screen)


def _convolution(analyses: Sequence[Analysis], view: View) -> Iterator[RenderableType]:
    first = analyses[0].rows[0]
    found = first.separable
    yield Text(_sentence(analyses[0]), "bold")
    yield "\n"
    table = _bare("", f"{title(view.unit)}>", "params>", "regular / this>")
    table.add_row("regular", operations(first.macs, view.unit), human(first.params), "")
    if found is None or not found.eligible:
        yield table
        yield Text(f"not separable: {found.reason if found else 'no convolution'}", "dim")
        return
    for name, analysis in zip(_steps(analyses), analyses, strict=True):
        part = analysis.rows[0].separable
        macs, params = (part.macs, part.params) if part else (None, None)
        gain = Text(times((first.macs or 0) / macs) if macs else "", "green")
        table.add_row(name, operations(macs, view.unit), human(params or 0), gain)
    yield table
    if found.ratio and found.break_even_rank:
        yield Text(
            f"separable / regular = {found.ratio:.4f}; "
            f"worth it up to rank {found.break_even_rank:.2f}", "dim",
        )  # fmt: skip


def _steps(analyses: Sequence[Analysis]) -> Iterator[str]:
    """The first as it is, then by the multipliers that the network's name ends in."""
    yield "separable"
    for analysis in analyses[1:]:
        steps = analysis.network.name.removeprefix(analysis.source).strip(", ")
        yield terminal(f"  at {steps or 'the same size'}")


def _sentence(analysis: Analysis) -> str:
    row = analysis.rows[0]
    conv = row.convolution
    if conv is None:
        return terminal(analysis.source)
    groups = f" in {conv.group} groups" if conv.group > 1 else ""
    return (
        f"{dims(conv.kernel)} convolution of {conv.in_channels} to {conv.out_channels} channels"
        f"{groups}, {dims(row.layer.inputs[0][2:])} to {dims(row.layer.outputs[0][2:])}"
    )


def shipped(networks: Sequence[tuple[str, Analysis]], screen: Screen) -> str:
    """The networks that ship: name, MACs, params, and what they are."""
    table = _bare("network", "MACs>", "params>", "what it is")
    for about, analysis in networks:
        macs, params = operations(analysis.totals.macs, "macs"), human(analysis.totals.params)
        table.add_row(terminal(analysis.source), macs, params, Text(terminal(about), "dim"))
    return _text([table], screen)


def _bare(*headers: str) -> Table:
    """A table with a rule under its header and no other; ``>`` sets a column of numbers right."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0),
        header_style="bold",
    )  # fmt: skip
    for header in headers:
        right = header.endswith(">")
        table.add_column(header.rstrip(">"), justify="right" if right else "left", no_wrap=right)
    return table
