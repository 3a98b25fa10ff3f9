"""A measurement in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sepcost.latency.results import Bench, Measurement
from sepcost.report.bench.columns import (
    comparison_columns,
    layer_columns,
    model_columns,
    placement_columns,
)
from sepcost.report.bench.words import (
    arena,
    fallen,
    headline,
    legend,
    machine_line,
    peaks_line,
    ran_on,
    scattered,
    slowest,
    verdict,
)
from sepcost.report.columns import Style
from sepcost.report.drawing import Part, compose, styled, table
from sepcost.report.screen import Screen
from sepcost.report.text import shorten, terminal
from sepcost.report.view import View

NAME_LIMIT = 60
#: Nodes that fell back, as listed in a terminal; a pipe gets all of them.
MOST_NODES = 30


def render(bench: Bench, view: View) -> str:
    """The verdicts, the models, the pairs, then each model's layers if they were timed."""
    return compose(_parts(bench, view), view.screen)


def _parts(bench: Bench, view: View) -> Iterator[Part]:
    place = ran_on(bench, terminal)
    for pair in bench.comparisons:
        yield styled(f"{_name(pair.b)} {verdict(pair).format(a=_name(pair.a))}{place}", "bold")
    if len(bench.models) == 1:
        yield styled(f"{_name(bench.models[0].name)}: {headline(bench.models[0])}{place}", "bold")
    yield styled(terminal(machine_line(bench)), "dim")
    if peaks := peaks_line(bench.machine):
        yield styled(peaks, "dim" if bench.models else "bold")
    if bench.models:
        yield "\n"
        yield table(model_columns(bench), bench.models, view.screen)
    if bench.comparisons:
        yield "\n"
        yield table(comparison_columns(), bench.comparisons, view.screen)
    yield from _placement(bench, view.screen)
    for model in bench.models:
        if model.layers:
            yield from _layers(model, view)


def _placement(bench: Bench, screen: Screen) -> Iterator[Part]:
    """Which provider ran what, and each node that fell back."""
    if parts := list(scattered(bench)):
        yield "\n"
        yield table(placement_columns(), parts, screen)
    for model, part in fallen(bench):
        if part.layers:
            most = MOST_NODES if screen.terminal else len(part.layers)
            nodes = ", ".join(map(_name, part.layers[:most]))
            left = len(part.layers) - most
            more = f", … {left} more: -f json lists all" if left > 0 else ""
            where = f"{_name(model.name)} fell back to {_name(part.provider)}"
            yield styled(f"{where} with {nodes}{more}")


def _layers(model: Measurement, view: View) -> Iterator[Part]:
    rows, left = slowest(model.layers, view.most_drawn)
    yield "\n"
    yield styled(f"{_name(model.name)}, layer by layer", "bold")
    yield table(layer_columns(model, Style(bars=view.screen.bars)), rows, view.screen)
    if left:
        yield styled(f"… {left} more: --top 0 shows all", "dim")
    for line in (*legend(rows), *arena(model)):
        yield styled(line, "dim")


def _name(name: str) -> str:
    return terminal(shorten(name, NAME_LIMIT))
