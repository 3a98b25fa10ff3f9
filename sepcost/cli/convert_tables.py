"""What a conversion looks like in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sepcost.cli.drawing import Part, compose, styled, table
from sepcost.cli.screen import Screen
from sepcost.report.convert import (
    choice_columns,
    facts,
    fidelity_columns,
    frontier_columns,
    headline,
    kept,
    kept_columns,
)
from sepcost.report.text import shorten, terminal

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion

NAME_LIMIT = 60
WORDS = 200


def render(found: Conversion, screen: Screen) -> str:
    """The line to quote, promised against measured, then the layers and the outputs."""
    return compose(list(_parts(found, screen)), screen)


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
