"""An analysis in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.cost.analysis import Analysis
from sepcost.cost.words import plural
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
from sepcost.report.drawing import Part, compose, styled, table
from sepcost.report.text import shorten, terminal
from sepcost.report.view import SCREENFUL, View

#: Sentences are cut at this many characters.
WORDS = 120
MOST_REASONS = 12


def render(analyses: Sequence[Analysis], view: View) -> str:
    """A section per analysis, then a comparison if there are several."""
    if view.rows.variants:
        from sepcost.report.analyze import variants  # noqa: PLC0415 - only for --conv

        return compose(variants.parts(analyses, view), view.screen)
    parts: list[Part] = []
    if view.rows.by != "model":
        for analysis, name in zip(analyses, titles(analyses), strict=True):
            parts += [*_section(analysis, name, view), "\n"]
    if len(analyses) > 1 or (analyses and view.rows.by == "model"):
        columns = model_columns(_style(view), model_names(analyses))
        parts += [table(columns, analyses, view.screen), "\n"]
    if view.unread:
        parts += [table(unread_columns(), view.unread, view.screen), "\n"]
    return compose(parts[:-1], view.screen)


def _style(view: View) -> Style:
    return Style(view.rows.unit, view.screen.bars)


def _section(analysis: Analysis, name: str, view: View) -> Iterator[Part]:
    style = _style(view)
    yield styled(headline(analysis, style, _words(name)), "bold")
    for line in details(analysis, style):
        yield styled(line, "dim")
    if analysis.network.inputs:
        yield styled(f"inputs: {_words(inputs(analysis))}", "dim")
    if analysis.network.outputs:
        yield styled(f"outputs: {_words(outputs(analysis))}", "dim")
        yield styled(_words(contents(analysis)), "dim")
    yield "\n"
    if view.rows.by == "layer":
        yield from _layers(analysis, view)
    else:
        groups = select.groups(analysis, view)
        yield table(group_columns(analysis, groups, view.rows.by, style), groups, view.screen)
    yield from _uncounted(analysis)


def _layers(analysis: Analysis, view: View) -> Iterator[Part]:
    """One row per layer; in a terminal the most expensive ones, unless --top is given."""
    rows = select.layers(analysis, view)
    if view.top is None and view.screen.terminal:
        costly = [row for row in rows if row.macs != 0]
        first = sorted(costly, key=lambda row: -(row.macs or 0))[:SCREENFUL]
        shown = set(map(id, first))
        rows, left = tuple(row for row in rows if id(row) in shown), len(rows) - len(first)
    else:
        left = len(analysis.rows) - len(rows) if not view.rows.only else 0
    if rows:
        yield table(layer_columns(analysis, _style(view)), rows, view.screen)
    if left:
        yield styled(f"… {plural(left, 'more layer')}: --top 0 shows all", "dim")


def _uncounted(analysis: Analysis) -> Iterator[Part]:
    missing = uncounted(analysis)
    if not missing:
        return
    yield "\n"
    total = sum(count for *_, count in missing)
    yield styled(f"Not counted: {plural(total, 'layer')}", "bold yellow")
    for op, reason, names, count in missing[:MOST_REASONS]:
        more = ", …" if count > len(names) else ""
        where = ", ".join(shorten(name, WORDS // 3) for name in names)
        yield styled(_words(f"  {count} × {op}: {reason}") + f" ({terminal(where)}{more})")
    if len(missing) > MOST_REASONS:
        left = plural(len(missing) - MOST_REASONS, "more reason")
        yield styled(f"  … {left}: --only unknown lists all")


def _words(words: str) -> str:
    return terminal(shorten(words, WORDS))
