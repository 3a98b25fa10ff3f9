"""What changed between two networks, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.diff import Diff
from sepcost.report import diff as words
from sepcost.report.text import shorten, terminal

GAP = "  "
WIDEST = 60


def render(diff: Diff, top: int = 0) -> str:
    """Totals, then a row for each layer that changed; the ``top`` that change most, 0 for all."""
    totals = [("", "old", "new", "change"), *words.totals(diff)]
    lines = [words.headline(diff), "", *_table(totals, "lrrr")]
    shown = list(words.lines(diff, top))
    if shown:
        head = ("", "layer", "op", "MACs", "params", "what")
        rows = [(one.sign, one.name, one.op, one.macs, one.params, one.what) for one in shown]
        lines += ["", *_table([head, *rows], "lllrrl")]
    if len(shown) < len(diff.changes):
        lines.append(f"… {len(diff.changes) - len(shown)} more layers: --top 0 shows all")
    if values := words.values(diff):
        lines += ["", values]
    if doubt := words.doubt(diff):
        lines += ["", doubt]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Columns as wide as their cells; ``r`` sets one to the right."""
    cells = [[shorten(terminal(shorten(cell, WIDEST)), WIDEST) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        GAP.join(
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        ).rstrip()
        for row in cells
    ]
