"""The shortest time on a machine in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.roofline import Roofline
from sepcost.report.analyze.words import titles
from sepcost.report.markdown import bullets, document, table, words
from sepcost.report.roofline.words import columns, details, headline
from sepcost.report.view import View


def render(found: Sequence[Roofline], view: View) -> str:
    """A section per analysis, and the sources that could not be counted."""
    sections = []
    for one, name in zip(found, titles([each.analysis for each in found]), strict=True):
        sections.append(f"**{words(headline(name, one))}**")
        sections.append(bullets([words(line) for line in details(one)]))
        sections.append(table(columns(one, view.rows.unit), one.layers[: view.most or None]))
    return document(sections, view)
