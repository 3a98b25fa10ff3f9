"""What a measurement looks like in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.cli.drawing import Part, compose, styled, table
from sepcost.cli.screen import Screen
from sepcost.latency.results import Bench, Measurement
from sepcost.latency.route import ProviderInfo
from sepcost.report.bench import (
    comparison_columns,
    dearest,
    headline,
    layer_columns,
    machine_line,
    model_columns,
    peaks_line,
    verdict,
)
from sepcost.report.columns import Column, Style
from sepcost.report.text import shorten, terminal

NAME_LIMIT = 60


def render(bench: Bench, screen: Screen, top: int = 0) -> str:
    """The verdicts, the models, the pairs, then each model's layers if they were asked for."""
    return compose(list(_parts(bench, screen, top)), screen)


def _parts(bench: Bench, screen: Screen, top: int) -> Iterator[Part]:
    for pair in bench.comparisons:
        yield styled(f"{_name(pair.b)} {verdict(pair).format(a=_name(pair.a))}", "bold")
    if len(bench.models) == 1:
        yield styled(f"{_name(bench.models[0].name)}: {headline(bench.models[0])}", "bold")
    yield styled(machine_line(bench), "dim")
    if peaks := peaks_line(bench.machine):
        yield styled(peaks, "dim")
    if bench.models:
        yield "\n"
        yield table(model_columns(bench), bench.models, screen)
    if bench.comparisons:
        yield "\n"
        yield table(comparison_columns(), bench.comparisons, screen)
    for model in bench.models:
        if model.layers:
            yield from _layers(model, screen, top)


def _layers(model: Measurement, screen: Screen, top: int) -> Iterator[Part]:
    rows, left = dearest(model.layers, top)
    yield "\n"
    yield styled(f"{_name(model.name)}, layer by layer", "bold")
    yield table(layer_columns(model, Style(bars=screen.bars)), rows, screen)
    if left:
        yield styled(f"… {left} more: --top 0 shows all", "dim")


def providers(found: Sequence[ProviderInfo], screen: Screen) -> str:
    """The execution providers and how to get those that are not here."""
    columns: tuple[Column[ProviderInfo], ...] = (
        Column("provider", lambda one: one.name, 0, False, True, "name"),
        Column("usable", lambda one: "yes" if one.usable else "no", 0, False),
        Column("devices", lambda one: ", ".join(one.devices), 2, False, True),
        Column("how to get it", lambda one: one.get, 1, False),
    )
    return compose([table(columns, found, screen)], screen)


def _name(name: str) -> str:
    return terminal(shorten(name, NAME_LIMIT))
