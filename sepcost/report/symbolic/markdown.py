"""Polynomials in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.cost.symbolic import Symbolic
from sepcost.report.markdown import bullets, document, table
from sepcost.report.markdown import words as escaped
from sepcost.report.symbolic import words
from sepcost.report.view import View


def render(found: Sequence[Symbolic], view: View) -> str:
    """A section per network, and the sources that could not be counted."""
    sections = [section for one in found for section in _sections(one, view)]
    return document(sections, view)


def _sections(found: Symbolic, view: View) -> Iterator[str]:
    unit = view.rows.unit
    yield f"**{escaped(words.headline(found))}**"
    yield bullets([escaped(line) for line in words.details(found)])
    if rows := words.totals(found, unit):
        yield table(words.total_columns(), rows)
    if rows := words.layers(found, unit):
        yield table(words.layer_columns(unit), rows[: view.most or None])
    if lines := words.refusals(found, unit):
        yield "Not polynomials:"
        yield bullets(list(map(escaped, lines)))
    if lines := words.uncounted(found):
        yield "Not counted:"
        yield bullets(list(map(escaped, lines)))
