"""What changed between two networks, fit for a pull request."""

from __future__ import annotations

from sepcost.cost.diff import Diff
from sepcost.report import diff as words
from sepcost.report.text import code, markdown, shorten

#: Rows that stand open; beyond, the layers are folded away.
OPEN = 20
LONGEST = 200


def render(diff: Diff, top: int = 0) -> str:
    """A table of totals, and one of the layers that changed, folded where it is long."""
    old, new = (code(shorten(side.source, LONGEST)) for side in (diff.old, diff.new))
    parts = [f"### {old} → {new}: {words.headline(diff)}", ""]
    parts += ["| | old | new | change |", "|-|-:|-:|-:|"]
    parts += [f"| {' | '.join(row)} |" for row in words.totals(diff)]
    shown = list(words.lines(diff, top))
    rows = ["| | layer | op | MACs | params | what |", "|-|-|-|-:|-:|-|", *map(_row, shown)]
    if len(shown) < len(diff.changes):
        rows += ["", f"… {len(diff.changes) - len(shown)} more layers"]
    if len(shown) > OPEN:
        rows = [f"<details><summary>{len(shown)} layers</summary>", "", *rows, "", "</details>"]
    if shown:
        parts += ["", *rows]
    if doubt := words.doubt(diff):
        parts += ["", f"⚠️ {doubt}"]
    return "\n".join(parts) + "\n"


def _row(line: words.Line) -> str:
    name, op = code(shorten(line.name, LONGEST)), code(shorten(line.op, LONGEST))
    what = markdown(shorten(line.what, LONGEST))
    return f"| {code(line.sign)} | {name} | {op} | {line.macs} | {line.params} | {what} |"
