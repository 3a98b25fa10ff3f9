"""Markdown for pull requests and notes: the line to quote, then a table (GitHub's flavour)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from sepcost.cost.analysis import Analysis
from sepcost.report import text
from sepcost.report.columns import (
    Column,
    Style,
    filled,
    group_columns,
    layer_columns,
    model_columns,
)
from sepcost.report.prose import details, headline, inputs, uncounted
from sepcost.report.view import View, titles

Row = TypeVar("Row")

#: Longer names are cut in the middle.
NAME_LIMIT = 120


def render(analyses: Sequence[Analysis], view: View) -> str:
    """A section for each analysis, and a comparison where there are several."""
    style = Style(view.unit)
    sections: list[str] = []
    if view.by != "model":
        for analysis, name in zip(analyses, titles(analyses), strict=True):
            sections.extend(_section(analysis, name, view))
    if len(analyses) > 1 or view.by == "model":
        sections.append(table(model_columns(style), analyses))
    return "\n\n".join(sections) + "\n"


def _section(analysis: Analysis, name: str, view: View) -> Iterator[str]:
    style = Style(view.unit)
    yield f"**{headline(analysis, style, _name(name))}**"
    facts = [*details(analysis, style)]
    if analysis.network.inputs:
        facts.append(f"inputs: {_name(inputs(analysis))}")
    yield "\n".join(f"- {fact}" for fact in facts)
    if view.by == "layer":
        yield table(layer_columns(analysis, style), view.layers(analysis))
    else:
        groups = view.groups(analysis)
        yield table(group_columns(analysis, groups, view.by, style), groups)
    if missing := uncounted(analysis):
        yield "Not counted:"
        yield "\n".join(
            f"- {count} × {_words(op)}: {_words(reason)} ({', '.join(map(_name, names))})"
            for op, reason, names, count in missing
        )
    if analysis.warnings:
        yield "\n".join(f"- {_words(warning)}" for warning in analysis.warnings)


def table(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> str:
    """A table with the columns that have something to say."""
    shown = filled(columns, rows)
    lines = [
        [column.header for column in shown],
        ["---:" if column.right else "---" for column in shown],
        *([_cell(column, row) for column in shown] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(column: Column[Row], row: Row) -> str:
    cell = column.cell(row)
    if column.role == "name":
        return _name(cell)
    return _words(cell) if column.untrusted else cell.strip()


def _name(name: str) -> str:
    return text.code(text.shorten(name, NAME_LIMIT))


def _words(words: str) -> str:
    return text.markdown(text.shorten(words, NAME_LIMIT))
