"""A measurement in Markdown, for pull requests and notes."""

from __future__ import annotations

from collections.abc import Iterator

from sepcost.latency.results import Bench
from sepcost.report import text
from sepcost.report.bench import (
    comparison_columns,
    dearest,
    headline,
    layer_columns,
    machine_line,
    model_columns,
    notes,
    peaks_line,
    verdict,
)
from sepcost.report.columns import Style
from sepcost.report.markdown import table


def render(bench: Bench, top: int = 0) -> str:
    """Verdicts first, then the tables, the layers where they were asked for, and the notes."""
    return "\n\n".join(part for part in _parts(bench, top) if part) + "\n"


def _parts(bench: Bench, top: int) -> Iterator[str]:
    if bench.comparisons:
        yield "\n".join(
            f"- **{text.code(c.b)} {verdict(c).format(a=text.code(c.a))}**"
            for c in bench.comparisons
        )
    elif bench.models:
        model = bench.models[0]
        yield f"**{text.code(model.name)}: {headline(model)}**"
    if bench.models:
        yield table(model_columns(bench), bench.models)
    if bench.comparisons:
        yield table(comparison_columns(), bench.comparisons)
    facts = (machine_line(bench), peaks_line(bench.machine))
    yield "\n".join(f"- {text.markdown(line)}" for line in facts if line)
    for model in bench.models:
        if model.layers:
            rows, left = dearest(model.layers, top)
            more = f"\n\n… {left} more" if left else ""
            yield f"{text.code(model.name)}\n\n{table(layer_columns(model, Style()), rows)}{more}"
    if lines := list(notes(bench)):
        yield "\n".join(f"- {text.markdown(line)}" for line in lines)
