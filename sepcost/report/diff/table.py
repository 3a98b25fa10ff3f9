"""A comparison of two networks in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sepcost.cost.diff import Diff
from sepcost.cost.words import plural
from sepcost.report.diff.columns import layer_columns, total_columns
from sepcost.report.diff.words import doubt, headline, largest, totals, values
from sepcost.report.drawing import Part, compose, styled, table
from sepcost.report.view import View


def render(diff: Diff, view: View) -> str:
    """Totals, then one row per layer that changed."""
    return compose(_parts(diff, view), view.screen)


def _parts(diff: Diff, view: View) -> Iterator[Part]:
    yield styled(headline(diff), "bold")
    yield "\n"
    yield table(total_columns(), list(totals(diff)), view.screen)
    if warning := doubt(diff):
        yield styled(warning)
    changes = largest(diff, view.most_drawn)
    if changes:
        yield "\n"
        yield table(layer_columns(), changes, view.screen)
    if len(changes) < len(diff.changes):
        left = len(diff.changes) - len(changes)
        yield styled(f"… {plural(left, 'more layer')}: --top 0 shows all", "dim")
    if compared := values(diff):
        yield "\n"
        yield styled(compared)
