"""A conversion in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sepcost.report.convert.columns import (
    choice_columns,
    fidelity_columns,
    frontier_columns,
    kept_columns,
)
from sepcost.report.convert.words import facts, headline, kept
from sepcost.report.drawing import Part, compose, styled, table
from sepcost.report.screen import Screen
from sepcost.report.text import shorten, terminal
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion

NAME_LIMIT = 60
WORDS = 200


def render(conversion: Conversion, view: View) -> str:
    """The line to quote, predicted and measured, then the layers and the outputs."""
    return compose(_parts(conversion, view.screen), view.screen)


def _parts(conversion: Conversion, screen: Screen) -> Iterator[Part]:
    name = terminal(shorten(conversion.before.network.name, NAME_LIMIT))
    yield styled(f"{name}: {headline(conversion)}", "bold")
    for line in facts(conversion):
        yield styled(terminal(shorten(line, WORDS)), "dim")
    if conversion.plan.choices:
        yield "\n"
        yield table(choice_columns(), conversion.plan.choices, screen)
    if conversion.plan.kept:
        yield "\n"
        yield table(kept_columns(), kept(conversion), screen)
    if conversion.fidelity is not None:
        yield "\n"
        yield table(fidelity_columns(), conversion.fidelity.outputs, screen)
    if conversion.frontier:
        yield "\n"
        yield table(frontier_columns(conversion), conversion.frontier, screen)
