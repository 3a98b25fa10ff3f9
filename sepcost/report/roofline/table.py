"""The shortest time on a machine in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.roofline import Roofline
from sepcost.cost.words import plural
from sepcost.report.analyze.words import titles
from sepcost.report.drawing import Part, sections, styled, table
from sepcost.report.roofline.words import columns, details, headline
from sepcost.report.text import terminal
from sepcost.report.view import View


def render(found: Sequence[Roofline], view: View) -> str:
    """A section per analysis, and the sources that could not be counted."""
    parts: list[Part] = []
    for one, name in zip(found, titles([each.analysis for each in found]), strict=True):
        parts.append(styled(terminal(headline(name, one)), "bold"))
        parts += [styled(terminal(line), "dim") for line in details(one)]
        parts.append("\n")
        shown = one.layers[: view.most_drawn or None]
        if shown:
            parts.append(table(columns(one, view.rows.unit), shown, view.screen))
        if len(shown) < len(one.layers):
            left = len(one.layers) - len(shown)
            parts.append(styled(f"… {plural(left, 'more layer')}: --top 0 shows all", "dim"))
        parts.append("\n")
    return sections(parts, view)
