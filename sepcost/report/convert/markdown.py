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


def render(conversion: Conversion, view: View) -> str:
    """The line to quote, predicted and measured, the layers, the outputs and the notes."""
    return "\n\n".join(part for part in _parts(conversion) if part) + "\n"


def _parts(conversion: Conversion) -> Iterator[str]:
    yield f"**{text.code(conversion.before.network.name)}: {headline(conversion)}**"
    yield bullets([text.markdown(line) for line in facts(conversion)])
    if conversion.plan.choices:
        yield table(choice_columns(), conversion.plan.choices)
    if conversion.plan.kept:
        yield table(kept_columns(), kept(conversion))
    if conversion.fidelity is not None:
        yield table(fidelity_columns(), conversion.fidelity.outputs)
    if conversion.frontier:
        yield table(frontier_columns(conversion), conversion.frontier)
    yield bullets([text.markdown(line) for line in notes(conversion)])
