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


def render(found: Conversion, view: View) -> str:
    """The line to quote, predicted and measured, then the layers and the outputs."""
    return compose(_parts(found, view.screen), view.screen)


def _parts(found: Conversion, screen: Screen) -> Iterator[Part]:
    name = terminal(shorten(found.before.network.name, NAME_LIMIT))
    yield styled(f"{name}: {headline(found)}", "bold")
    for line in facts(found):
        yield styled(terminal(shorten(line, WORDS)), "dim")
    if found.plan.choices:
        yield "\n"
        yield table(choice_columns(), found.plan.choices, screen)
    if found.plan.kept:
        yield "\n"
        yield table(kept_columns(), kept(found), screen)
    if found.fidelity is not None:
        yield "\n"
        yield table(fidelity_columns(), found.fidelity.outputs, screen)
    if found.frontier:
        yield "\n"
        yield table(frontier_columns(), found.frontier, screen)
