"""A comparison of two networks in Markdown, for a pull request."""

from __future__ import annotations

from sepcost.cost.diff import Diff
from sepcost.report.diff.columns import layer_columns, total_columns
from sepcost.report.diff.words import doubt, headline, largest, totals
from sepcost.report.markdown import table
from sepcost.report.text import code, shorten
from sepcost.report.view import View

#: More rows than this are folded away.
OPEN = 20
LONGEST = 200


def render(diff: Diff, view: View) -> str:
    """A table of totals, and one of the layers that changed, folded where it is long."""
    old, new = (code(shorten(side.source, LONGEST)) for side in (diff.old, diff.new))
    parts = [f"### {old} → {new}: {headline(diff)}", table(total_columns(), list(totals(diff)))]
    changes = largest(diff, view.most)
    rows = [table(layer_columns(), changes)]
    if len(changes) < len(diff.changes):
        rows.append(f"… {len(diff.changes) - len(changes)} more layers")
    if len(changes) > OPEN:
        summary = f"<details><summary>{len(changes)} layers</summary>"
        rows = [summary, *rows, "</details>"]
    if changes:
        parts += rows
    if warning := doubt(diff):
        parts.append(f"⚠️ {warning}")
    return "\n\n".join(parts) + "\n"
