"""Polynomials in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.cost.symbolic import Symbolic
from sepcost.cost.words import plural
from sepcost.report.drawing import Part, sections, styled, table
from sepcost.report.symbolic import words
from sepcost.report.text import shorten, terminal
from sepcost.report.view import View

#: Reasons are cut at this many characters.
WORDS = 160
MOST_REASONS = 12


def render(found: Sequence[Symbolic], view: View) -> str:
    """A section per network, and the sources that could not be counted."""
    parts: list[Part] = []
    for one in found:
        parts += [*_section(one, view), "\n"]
    return sections(parts, view)


def _section(found: Symbolic, view: View) -> Iterator[Part]:
    unit = view.rows.unit
    yield styled(terminal(words.headline(found)), "bold")
    for line in words.details(found):
        yield styled(terminal(line), "dim")
    yield "\n"
    if rows := words.totals(found, unit):
        yield table(words.total_columns(), rows, view.screen)
        yield "\n"
    rows = words.layers(found, unit)
    shown = rows[: view.most_drawn or None]
    if shown:
        yield table(words.layer_columns(unit), shown, view.screen)
    if len(shown) < len(rows):
        left = plural(len(rows) - len(shown), "more layer")
        yield styled(f"… {left}: --top 0 shows all", "dim")
    yield from _reasons("Not polynomials", words.refusals(found, unit))
    yield from _reasons("Not counted", words.uncounted(found))


def _reasons(heading: str, lines: Sequence[str]) -> Iterator[Part]:
    if lines:
        yield "\n"
        yield styled(f"{heading}:", "bold yellow")
        yield from (styled(f"  {terminal(shorten(line, WORDS))}") for line in lines[:MOST_REASONS])
    if len(lines) > MOST_REASONS:
        left = plural(len(lines) - MOST_REASONS, "more reason")
        yield styled(f"  … {left}: --format json lists all")
