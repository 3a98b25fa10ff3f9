"""A measurement in Markdown, for pull requests and notes."""

from __future__ import annotations

from collections.abc import Iterator

from sepcost.latency.results import Bench, Measurement
from sepcost.report import text
from sepcost.report.bench import (
    dearest,
    fallen,
    headline,
    legend,
    machine_line,
    notes,
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
from sepcost.report.columns import Style
from sepcost.report.markdown import table

NAME_LIMIT = 120


def render(bench: Bench, top: int = 0) -> str:
    """Verdicts first, then the tables, the layers where they were asked for, and the notes."""
    return "\n\n".join(part for part in _parts(bench, top) if part) + "\n"


def _parts(bench: Bench, top: int) -> Iterator[str]:
    place = ran_on(bench, text.markdown)
    if bench.comparisons:
        yield "\n".join(
            f"- **{_name(c.b)} {verdict(c).format(a=_name(c.a))}{place}**"
            for c in bench.comparisons
        )
    elif bench.models:
        model = bench.models[0]
        yield f"**{_name(model.name)}: {headline(model)}{place}**"
    if bench.models:
        yield table(model_columns(bench), bench.models)
    if bench.comparisons:
        yield table(comparison_columns(), bench.comparisons)
    facts = (machine_line(bench, text.markdown), peaks_line(bench.machine))
    yield "\n".join(f"- {line}" for line in facts if line)
    yield from _placement(bench)
    for model in bench.models:
        if model.layers:
            yield from _layers(model, top)
    if lines := list(notes(bench)):
        yield "\n".join(f"- {text.markdown(line)}" for line in lines)


def _placement(bench: Bench) -> Iterator[str]:
    """Which provider ran what, and what fell back, node by node."""
    if parts := list(scattered(bench)):
        yield table(placement_columns(), parts)
    for model, part in fallen(bench):
        if part.layers:
            nodes = ", ".join(map(_name, part.layers))
            yield f"{_name(model.name)} fell back to {text.markdown(part.provider)} with {nodes}"


def _layers(model: Measurement, top: int) -> Iterator[str]:
    rows, left = dearest(model.layers, top)
    yield f"{_name(model.name)}, layer by layer"
    yield table(layer_columns(model, Style()), rows)
    if left:
        yield f"… {left} more"
    if lines := list(legend(rows)):
        yield "\n".join(f"- {line}" for line in lines)


def _name(name: str) -> str:
    return text.code(text.shorten(name, NAME_LIMIT))
