"""A measurement in Markdown, for pull requests and notes."""

from __future__ import annotations

from collections.abc import Iterator

from sepcost.latency.results import Bench, Measurement
from sepcost.report import text
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
    notes,
    peaks_line,
    ran_on,
    scattered,
    slowest,
    verdict,
)
from sepcost.report.columns import Style
from sepcost.report.markdown import bullets, name, table
from sepcost.report.view import View


def render(bench: Bench, view: View) -> str:
    """Verdicts first, then the tables, the layers if they were timed, and the notes."""
    return "\n\n".join(part for part in _parts(bench, view) if part) + "\n"


def _parts(bench: Bench, view: View) -> Iterator[str]:
    place = ran_on(bench, text.markdown)
    if bench.comparisons:
        yield bullets(
            [f"**{name(c.b)} {verdict(c).format(a=name(c.a))}{place}**" for c in bench.comparisons]
        )
    elif bench.models:
        model = bench.models[0]
        yield f"**{name(model.name)}: {headline(model)}{place}**"
    if bench.models:
        yield table(model_columns(bench), bench.models)
    if bench.comparisons:
        yield table(comparison_columns(), bench.comparisons)
    facts = (machine_line(bench, text.markdown), peaks_line(bench.machine))
    yield bullets([line for line in facts if line])
    yield from _placement(bench)
    for model in bench.models:
        if model.layers:
            yield from _layers(model, view.most)
    yield bullets([text.markdown(line) for line in notes(bench)])


def _placement(bench: Bench) -> Iterator[str]:
    """Which provider ran what, and each node that fell back."""
    if parts := list(scattered(bench)):
        yield table(placement_columns(), parts)
    for model, part in fallen(bench):
        if part.layers:
            nodes = ", ".join(map(name, part.layers))
            yield f"{name(model.name)} fell back to {text.markdown(part.provider)} with {nodes}"


def _layers(model: Measurement, top: int) -> Iterator[str]:
    rows, left = slowest(model.layers, top)
    yield f"{name(model.name)}, layer by layer"
    yield table(layer_columns(model, Style()), rows)
    if left:
        yield f"… {left} more"
    yield bullets([*legend(rows), *arena(model)])
