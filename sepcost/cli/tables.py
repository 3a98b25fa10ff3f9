"""What an analysis looks like in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.cli.drawing import Part, bare, compose, styled, table
from sepcost.cli.screen import Screen
from sepcost.cost.analysis import Analysis
from sepcost.report.columns import (
    Style,
    group_columns,
    layer_columns,
    model_columns,
    operations,
    title,
)
from sepcost.report.prose import details, headline, inputs, uncounted
from sepcost.report.text import shorten, terminal
from sepcost.report.units import dims, human, times
from sepcost.report.view import View, titles

#: Layers shown at a terminal where nobody asked for more.
BRIEF = 30
#: Reasons and names are cut at this many characters, in lines of words.
WORDS = 120
MOST_REASONS = 12


def render(analyses: Sequence[Analysis], view: View, screen: Screen, brief: bool = False) -> str:
    """A section for each analysis, then a comparison where there are several."""
    style = Style(view.unit, screen.bars)
    parts: list[Part] = []
    if view.by != "model":
        for analysis, name in zip(analyses, titles(analyses), strict=True):
            parts += [*_section(analysis, name, view, screen, brief), "\n"]
    if len(analyses) > 1 or view.by == "model":
        parts += [table(model_columns(style), analyses, screen), "\n"]
    return compose(parts[:-1], screen)


def _section(
    analysis: Analysis, name: str, view: View, screen: Screen, brief: bool
) -> Iterator[Part]:
    style = Style(view.unit, screen.bars)
    yield styled(headline(analysis, style, _words(name)), "bold")
    for line in details(analysis, style):
        yield styled(line, "dim")
    if analysis.network.inputs:
        yield styled(f"inputs: {_words(inputs(analysis))}", "dim")
    yield "\n"
    if view.by == "layer":
        yield from _layers(analysis, view, screen, brief)
    else:
        groups = view.groups(analysis)
        yield table(group_columns(analysis, groups, view.by, style), groups, screen)
    yield from _uncounted(analysis)


def _layers(analysis: Analysis, view: View, screen: Screen, brief: bool) -> Iterator[Part]:
    rows = view.layers(analysis)
    if brief:
        costly = [row for row in rows if row.macs != 0]
        dearest = sorted(costly, key=lambda row: -(row.macs or 0))[:BRIEF]
        shown = set(map(id, dearest))
        rows, left = tuple(row for row in rows if id(row) in shown), len(rows) - len(dearest)
    else:
        left = len(analysis.rows) - len(rows) if view.only is None else 0
    if rows:
        yield table(layer_columns(analysis, Style(view.unit, screen.bars)), rows, screen)
    if left:
        yield styled(f"… {left} more layers: --top 0 shows all", "dim")


def _uncounted(analysis: Analysis) -> Iterator[Part]:
    missing = uncounted(analysis)
    if not missing:
        return
    yield "\n"
    total = sum(count for *_, count in missing)
    yield styled(f"Not counted: {total} layer{'s' if total > 1 else ''}", "bold yellow")
    for op, reason, names, count in missing[:MOST_REASONS]:
        more = ", …" if count > len(names) else ""
        where = ", ".join(shorten(name, WORDS // 3) for name in names)
        yield styled(_words(f"  {count} × {op}: {reason}") + f" ({terminal(where)}{more})")
    if len(missing) > MOST_REASONS:
        yield styled(f"  … {len(missing) - MOST_REASONS} more reasons: --only unknown lists all")


def _words(words: str) -> str:
    return terminal(shorten(words, WORDS))


def convolutions(analyses: Sequence[Analysis], view: View, screen: Screen) -> str:
    """The paper's table 3 for each --conv: regular, separable, then thinner and smaller."""
    parts: list[Part] = []
    for source in dict.fromkeys(analysis.source for analysis in analyses):
        parts += [*_convolution([a for a in analyses if a.source == source], view), "\n"]
    return compose(parts[:-1], screen)


def _convolution(analyses: Sequence[Analysis], view: View) -> Iterator[Part]:
    first = analyses[0].rows[0]
    found = first.separable
    yield styled(_sentence(analyses[0]), "bold")
    yield "\n"
    rows = bare("", f"{title(view.unit)}>", "params>", "regular / this>")
    rows.add_row("regular", operations(first.macs, view.unit), human(first.params), "")
    if found is None or not found.eligible:
        yield rows
        yield styled(f"not separable: {found.reason if found else 'no convolution'}", "dim")
        return
    for name, analysis in zip(_steps(analyses), analyses, strict=True):
        part = analysis.rows[0].separable
        macs, params = (part.macs, part.params) if part else (None, None)
        gain = styled(times((first.macs or 0) / macs) if macs else "", "green")
        rows.add_row(name, operations(macs, view.unit), human(params or 0), gain)
    yield rows
    if found.ratio and found.break_even_rank:
        yield styled(
            f"separable / regular = {found.ratio:.4f}; "
            f"worth it up to rank {found.break_even_rank:.2f}", "dim",
        )  # fmt: skip


def _steps(analyses: Sequence[Analysis]) -> Iterator[str]:
    """The first as it is, then by the multipliers that the network's name ends in."""
    yield "separable"
    for analysis in analyses[1:]:
        steps = analysis.network.name.removeprefix(analysis.source).strip(", ")
        yield terminal(f"  at {steps or 'the same size'}")


def _sentence(analysis: Analysis) -> str:
    row = analysis.rows[0]
    conv = row.convolution
    if conv is None:
        return terminal(analysis.source)
    groups = f" in {conv.group} groups" if conv.group > 1 else ""
    return (
        f"{dims(conv.kernel)} convolution of {conv.in_channels} to {conv.out_channels} channels"
        f"{groups}, {dims(row.layer.inputs[0][2:])} to {dims(row.layer.outputs[0][2:])}"
    )


def shipped(networks: Sequence[tuple[str, Analysis]], screen: Screen) -> str:
    """The networks that ship: name, MACs, params, and what they are."""
    rows = bare("network", "MACs>", "params>", "what it is")
    for about, analysis in networks:
        macs, params = operations(analysis.totals.macs, "macs"), human(analysis.totals.params)
        rows.add_row(terminal(analysis.source), macs, params, styled(terminal(about), "dim"))
    return compose([rows], screen)
