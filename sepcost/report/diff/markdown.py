"""A comparison of two networks in Markdown, for a pull request."""

from __future__ import annotations

from bisect import bisect

from sepcost.cost.diff import Diff
from sepcost.cost.words import plural
from sepcost.report.diff.columns import layer_columns, total_columns
from sepcost.report.diff.words import doubt, headline, largest, totals, values
from sepcost.report.markdown import table
from sepcost.report.text import code, shorten
from sepcost.report.view import View

#: More rows than this are folded away.
OPEN = 20
LONGEST = 200
#: GitHub refuses longer comments. Its limit is in characters, which are never more than bytes.
MOST_BYTES = 65_536


def render(diff: Diff, view: View) -> str:
    """A table of totals, and one of the layers that changed, folded if it is long.

    Without ``top`` it fits in a comment: the layers that change most are shown.
    """
    whole = _text(diff, view.most)
    if view.top is not None or len(whole.encode()) <= MOST_BYTES:
        return whole
    tops = range(1, len(diff.changes))
    return _text(diff, max(1, bisect(tops, MOST_BYTES, key=lambda t: len(_text(diff, t).encode()))))


def _text(diff: Diff, top: int) -> str:
    old, new = (code(shorten(side.source, LONGEST)) for side in (diff.old, diff.new))
    parts = [f"### {old} → {new}: {headline(diff)}", table(total_columns(), list(totals(diff)))]
    if warning := doubt(diff):
        parts.append(f"⚠️ {warning}")
    changes = largest(diff, top)
    rows = [table(layer_columns(), changes)]
    if len(changes) < len(diff.changes):
        rows.append(f"… {plural(len(diff.changes) - len(changes), 'more layer')}")
    if len(changes) > OPEN:
        summary = f"<details><summary>{len(changes)} layers</summary>"
        rows = [summary, *rows, "</details>"]
    if changes:
        parts += rows
    if compared := values(diff):
        parts.append(compared)
    return "\n\n".join(parts) + "\n"
