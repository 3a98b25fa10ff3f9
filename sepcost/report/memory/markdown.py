"""Arenas in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.analysis import Analysis
from sepcost.report.analyze.words import titles
from sepcost.report.markdown import bullets, document, table, words
from sepcost.report.memory.words import columns, details, headline
from sepcost.report.view import View


def render(analyses: Sequence[Analysis], view: View) -> str:
    """A section per analysis, and the sources that could not be counted."""
    sections = []
    for analysis, name in zip(analyses, titles(analyses), strict=True):
        found = analysis.arena
        sections.append(f"**{words(headline(name, found))}**")
        sections.append(bullets([words(line) for line in details(analysis, found)]))
        sections.append(table(columns(analysis), found.buffers[: view.most or None]))
    return document(sections, view)
