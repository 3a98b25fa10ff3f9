"""Models on several machines in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.latency.results import Bench
from sepcost.report.drawing import Part, compose, styled, table
from sepcost.report.hosts.words import columns, machines, rows, verdicts
from sepcost.report.text import shorten, terminal
from sepcost.report.view import View

NAME_LIMIT = 60


def render(benches: Sequence[Bench], view: View) -> str:
    """The verdicts, the machines, then one table."""
    parts: list[Part] = [styled(line, "bold") for line in verdicts(benches, _name, terminal)]
    parts += [styled(line, "dim") for line in machines(benches, terminal)]
    if models := rows(benches):
        parts += ["\n", table(columns(benches, terminal), models, view.screen)]
    return compose(parts, view.screen)


def _name(name: str) -> str:
    return terminal(shorten(name, NAME_LIMIT))
