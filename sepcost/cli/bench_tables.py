"""What a measurement looks like in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from sepcost.cli.drawing import Part, compose, styled, table
from sepcost.cli.screen import Screen
from sepcost.latency.results import Bench, Measurement
from sepcost.latency.survey import ProviderInfo
from sepcost.report.bench import (
    dearest,
    fallen,
    headline,
    legend,
    machine_line,
    peaks_line,
    ran_on,
    scattered,
    verdict,
)
from sepcost.report.bench_columns import (
    comparison_columns,
    layer_columns,
    model_columns,
    placement_columns,
)
from sepcost.report.columns import Column, Style
from sepcost.report.text import shorten, terminal

NAME_LIMIT = 60
#: Nodes that fell back, listed at a terminal; a pipe gets them all.
MOST_NODES = 30


def render(bench: Bench, screen: Screen, top: int = 0) -> str:
    """The verdicts, the models, the pairs, then each model's layers if they were asked for."""
    return compose(list(_parts(bench, screen, top)), screen)


def _parts(bench: Bench, screen: Screen, top: int) -> Iterator[Part]:
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
        yield table(model_columns(bench), bench.models, screen)
    if bench.comparisons:
        yield "\n"
        yield table(comparison_columns(), bench.comparisons, screen)
    yield from _placement(bench, screen)
    for model in bench.models:
        if model.layers:
            yield from _layers(model, screen, top)


def _placement(bench: Bench, screen: Screen) -> Iterator[Part]:
    """Which provider ran what, and what fell back, node by node."""
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


def _layers(model: Measurement, screen: Screen, top: int) -> Iterator[Part]:
    rows, left = dearest(model.layers, top)
    yield "\n"
    yield styled(f"{_name(model.name)}, layer by layer", "bold")
    yield table(layer_columns(model, Style(bars=screen.bars)), rows, screen)
    if left:
        yield styled(f"… {left} more: --top 0 shows all", "dim")
    for line in legend(rows):
        yield styled(line, "dim")


def providers(found: Sequence[ProviderInfo], screen: Screen) -> str:
    """The execution providers that can be used, then how to get the others."""
    usable = [one for one in found if one.usable]
    others = [one for one in found if not one.usable]
    columns: tuple[Column[ProviderInfo], ...] = (
        Column("usable here", lambda one: one.name, 0, False, True, "name"),
        Column("devices", lambda one: ", ".join(one.devices), 1, False, True),
    )
    parts: list[Part] = [table(columns, usable, screen)]
    if others:
        wide = max(len(one.name) for one in others)
        parts += ["\n", styled(f"{'other':{wide}}  needs", "bold")]
        parts += [_hanging(one.name.ljust(wide), one.get, screen.width) for one in others]
    return compose(parts, screen)


def _hanging(head: str, body: str, width: int) -> str:
    indent = " " * (len(head) + 2)
    lines = textwrap.wrap(body, max(20, width - len(indent)), break_on_hyphens=False)
    return f"{head}  " + f"\n{indent}".join(lines) + "\n"


def _name(name: str) -> str:
    return terminal(shorten(name, NAME_LIMIT))
