"""An analysis in Markdown: a line that sums it up, then a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.cost.analysis import Analysis
from sepcost.report.analyze import select
from sepcost.report.analyze.columns import (
    group_columns,
    layer_columns,
    model_columns,
    unread_columns,
)
from sepcost.report.analyze.words import (
    contents,
    details,
    headline,
    inputs,
    model_names,
    outputs,
    titles,
    uncounted,
)
from sepcost.report.columns import Style
from sepcost.report.markdown import bullets, name, table, words
from sepcost.report.view import View


def render(analyses: Sequence[Analysis], view: View) -> str:
    """A section per analysis, and a comparison if there are several."""
    sections: list[str] = []
    if view.rows.by != "model":
        for analysis, title in zip(analyses, titles(analyses), strict=True):
            sections.extend(_section(analysis, title, view))
    if len(analyses) > 1 or (analyses and view.rows.by == "model"):
        sections.append(
            table(model_columns(Style(view.rows.unit), model_names(analyses)), analyses)
        )
    if view.unread:
        sections.append(table(unread_columns(), view.unread))
    return "\n\n".join(sections) + "\n"


def _section(analysis: Analysis, title: str, view: View) -> Iterator[str]:
    style = Style(view.rows.unit)
    yield f"**{headline(analysis, style, name(title))}**"
    facts = [*details(analysis, style)]
    if analysis.network.inputs:
        facts.append(f"inputs: {name(inputs(analysis))}")
    if analysis.network.outputs:
        facts.append(f"outputs: {name(outputs(analysis))}")
        facts.append(words(contents(analysis)))
    yield bullets(facts)
    if view.rows.by == "layer":
        yield table(layer_columns(analysis, style), select.layers(analysis, view))
    else:
        groups = select.groups(analysis, view)
        yield table(group_columns(analysis, groups, view.rows.by, style), groups)
    if missing := uncounted(analysis):
        yield "Not counted:"
        yield bullets(
            [
                f"{count} × {words(op)}: {words(reason)} ({', '.join(map(name, names))})"
                for op, reason, names, count in missing
            ]
        )
    if notes := (*analysis.warnings, *analysis.advice):
        yield bullets([words(line) for line in notes])
