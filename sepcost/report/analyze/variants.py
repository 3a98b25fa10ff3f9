"""One convolution (--conv) in the terminal, regular and separable: table 3 of the paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sepcost.cost.analysis import Analysis
from sepcost.report.columns import Column
from sepcost.report.drawing import Part, styled, table
from sepcost.report.labels import operations, title
from sepcost.report.text import terminal
from sepcost.report.units import dims, human, times
from sepcost.report.view import View


@dataclass(frozen=True, slots=True)
class Variant:
    """One row: the convolution as it is, separable, or separable with α or ρ applied."""

    name: str
    macs: int | None
    params: int
    gain: str = ""


def parts(analyses: Sequence[Analysis], view: View) -> Iterator[Part]:
    """For each --conv: regular, separable, then with --alpha and --rho."""
    for at, source in enumerate(dict.fromkeys(analysis.source for analysis in analyses)):
        if at:
            yield "\n"
        yield from _convolution([a for a in analyses if a.source == source], view)


def _convolution(analyses: Sequence[Analysis], view: View) -> Iterator[Part]:
    first = analyses[0].rows[0]
    separable = first.separable
    unit = view.rows.unit
    columns: tuple[Column[Variant], ...] = (
        Column("", lambda v: v.name, 0, False, True, "name"),
        Column(title(unit), lambda v: operations(v.macs, unit)),
        Column("params", lambda v: human(v.params)),
        Column("fewer MACs", lambda v: v.gain, role="gain"),
    )
    yield styled(_sentence(analyses[0]), "bold")
    yield "\n"
    yield table(columns, list(_rows(analyses)), view.screen)
    if separable is None or not separable.eligible:
        reason = separable.reason if separable else "not a convolution"
        yield styled(f"not separable: {reason}", "dim")
    elif separable.ratio and separable.break_even_rank:
        yield styled(
            f"separable / regular = {separable.ratio:.4f}; "
            f"saves MACs up to rank {separable.break_even_rank:.2f}", "dim",
        )  # fmt: skip


def _rows(analyses: Sequence[Analysis]) -> Iterator[Variant]:
    first = analyses[0].rows[0]
    yield Variant("regular", first.macs, first.params)
    if first.separable is None or not first.separable.eligible:
        return
    for name, analysis in zip(_names(analyses), analyses, strict=True):
        part = analysis.rows[0].separable
        macs, params = (part.macs, part.params) if part else (None, None)
        gain = times((first.macs or 0) / macs) if macs else ""
        yield Variant(name, macs, params or 0, gain)


def _names(analyses: Sequence[Analysis]) -> Iterator[str]:
    """``separable``, then the multipliers that each network's name ends in."""
    yield "separable"
    for analysis in analyses[1:]:
        steps = analysis.network.name.removeprefix(analysis.source).strip(", ")
        yield f"  at {steps or 'the same size'}"


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
