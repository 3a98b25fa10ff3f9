"""Arenas in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.analysis import Analysis
from sepcost.cost.words import plural
from sepcost.report.analyze.words import titles
from sepcost.report.drawing import Part, sections, styled, table
from sepcost.report.memory.words import columns, details, headline
from sepcost.report.text import terminal
from sepcost.report.view import View


def render(analyses: Sequence[Analysis], view: View) -> str:
    """A section per analysis, and the sources that could not be counted."""
    parts: list[Part] = []
    for analysis, name in zip(analyses, titles(analyses), strict=True):
        found = analysis.arena
        parts.append(styled(terminal(headline(name, found)), "bold"))
        parts += [styled(terminal(line), "dim") for line in details(analysis, found)]
        parts.append("\n")
        shown = found.buffers[: view.most_drawn or None]
        if shown:
            parts.append(table(columns(analysis), shown, view.screen))
        if len(shown) < len(found.buffers):
            left = len(found.buffers) - len(shown)
            parts.append(styled(f"… {plural(left, 'more buffer')}: --top 0 shows all", "dim"))
        parts.append("\n")
    return sections(parts, view)
