"""What changed between two networks, fit for a pull request."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from functools import partial

from sepcost.cost.diff import Diff
from sepcost.report import diff as words
from sepcost.report.text import code, markdown, shorten

#: Rows that stand open; beyond, the layers are folded away.
OPEN = 20
LONGEST = 200
#: GitHub refuses a longer comment, in characters; bytes are never fewer.
MOST_BYTES = 65_536


def render(diff: Diff, top: int | None = None) -> str:
    """A table of totals, and one of the layers that changed, folded where it is long.

    Parameters
    ----------
    diff
        What changed.
    top
        How many layers to show, 0 for all; None for as many as fit in a comment. Those that
        change most are shown.
    """
    whole = _text(diff, list(words.lines(diff, top or 0)))
    if top is not None or len(whole.encode()) <= MOST_BYTES:
        return whole
    fitting = bisect(range(1, len(diff.changes)), MOST_BYTES, key=partial(_bytes, diff))
    return _text(diff, list(words.lines(diff, max(1, fitting))))


def _bytes(diff: Diff, top: int) -> int:
    return len(_text(diff, list(words.lines(diff, top))).encode())


def _text(diff: Diff, shown: Sequence[words.Line]) -> str:
    old, new = (code(shorten(side.source, LONGEST)) for side in (diff.old, diff.new))
    parts = [f"### {old} → {new}: {words.headline(diff)}", ""]
    parts += ["| | old | new | change |", "|-|-:|-:|-:|"]
    parts += [f"| {' | '.join(row)} |" for row in words.totals(diff)]
    rows = ["| | layer | op | MACs | params | what |", "|-|-|-|-:|-:|-|", *map(_row, shown)]
    if len(shown) < len(diff.changes):
        rows += ["", f"… {len(diff.changes) - len(shown)} more layers"]
    if len(shown) > OPEN:
        rows = [f"<details><summary>{len(shown)} layers</summary>", "", *rows, "", "</details>"]
    if shown:
        parts += ["", *rows]
    if values := words.values(diff):
        parts += ["", values]
    if doubt := words.doubt(diff):
        parts += ["", f"⚠️ {doubt}"]
    return "\n".join(parts) + "\n"


def _row(line: words.Line) -> str:
    name, op = code(shorten(line.name, LONGEST)), code(shorten(line.op, LONGEST))
    what = markdown(shorten(line.what, LONGEST))
    return f"| {code(line.sign)} | {name} | {op} | {line.macs} | {line.params} | {what} |"
