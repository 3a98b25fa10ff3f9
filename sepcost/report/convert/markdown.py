"""A conversion in Markdown, for pull requests and notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sepcost.report import text
from sepcost.report.convert.columns import (
    choice_columns,
    fidelity_columns,
    frontier_columns,
    kept_columns,
)
from sepcost.report.convert.words import facts, headline, kept, notes
from sepcost.report.markdown import bullets, table
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion


def render(found: Conversion, view: View) -> str:
    """The line to quote, predicted and measured, the layers, the outputs and the notes."""
    return "\n\n".join(part for part in _parts(found) if part) + "\n"


def _parts(found: Conversion) -> Iterator[str]:
    yield f"**{text.code(found.before.network.name)}: {headline(found)}**"
    yield bullets([text.markdown(line) for line in facts(found)])
    if found.plan.choices:
        yield table(choice_columns(), found.plan.choices)
    if found.plan.kept:
        yield table(kept_columns(), kept(found))
    if found.fidelity is not None:
        yield table(fidelity_columns(), found.fidelity.outputs)
    if found.frontier:
        yield table(frontier_columns(), found.frontier)
    yield bullets([text.markdown(line) for line in notes(found)])
