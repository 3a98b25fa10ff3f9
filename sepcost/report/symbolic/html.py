"""Polynomials as a page."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.symbolic import Symbolic
from sepcost.report.html.parts import PagePart, Section, listing, table
from sepcost.report.html.several import NAME_LIMIT, several, texts
from sepcost.report.symbolic import words
from sepcost.report.text import shorten
from sepcost.report.view import View


def render(found: Sequence[Symbolic], view: View) -> str:
    """A part per network, and the sources that could not be counted."""
    parts = [
        PagePart(
            f"m{at}", shorten(one.name, NAME_LIMIT),
            words.headline(one).removeprefix(f"{one.name}: "), tuple(words.details(one)),
            sections=_sections(one, f"m{at}", view),
        )
        for at, one in enumerate(found)
    ]  # fmt: skip
    return several(parts, view)


def _sections(found: Symbolic, id_: str, view: View) -> tuple[Section, ...]:
    unit = view.rows.unit
    rows = words.layers(found, unit)[: view.most or None]
    return (
        *table(f"{id_}-totals", "Totals", texts(words.total_columns()), words.totals(found, unit)),
        *table(f"{id_}-layers", "Layers", texts(words.layer_columns(unit)), rows),
        *listing(f"{id_}-refused", "Not polynomials", words.refusals(found, unit)),
        *listing(f"{id_}-uncounted", "Not counted", words.uncounted(found)),
    )
