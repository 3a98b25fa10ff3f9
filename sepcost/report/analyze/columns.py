"""The columns of an analysis: layers, groups and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sepcost.cost.analysis import Analysis
from sepcost.cost.results import CountStatus, Group, LayerCost, Separable
from sepcost.report.columns import Column, Style, shares
from sepcost.report.labels import (
    bindings,
    geometry,
    label,
    operations,
    operator,
    output_shape,
    title,
)
from sepcost.report.units import human, times

if TYPE_CHECKING:
    from sepcost.budget.results import Fault


def saving(row: LayerCost) -> str:
    """``8.84× fewer`` if a convolution can be separated, otherwise the reason why not.

    A dense layer has no separable form: the ranks at which two dense layers have fewer MACs.
    """
    separable = row.separable
    if separable is None:
        saves = row.low_rank.largest_rank if row.low_rank else 0
        return f"rank ≤ {saves}: fewer" if saves else ""
    if not separable.eligible:
        return separable.reason or "not eligible"
    return f"{times(1 / separable.ratio)} fewer" if separable.ratio else ""


def _number(value: float | None) -> str:
    return "" if value is None else human(value)


def _bytes(value: int | None) -> str:
    return "" if value is None else human(value, "B")


def _marked(row: LayerCost, style: Style) -> str:
    """In brackets if the totals leave the row out; blank if the layer costs nothing."""
    if row.status is CountStatus.FREE and not row.macs:
        return ""
    text = operations(row.macs, style.unit)
    return text if row.counted else f"({text})"


def layer_columns(analysis: Analysis, style: Style) -> tuple[Column[LayerCost], ...]:
    """The columns of one row per layer, in the order in which they are shown."""
    unit = style.unit
    share = shares(analysis.totals.macs, (row.macs for row in analysis.rows if row.counted), style)

    def separable(row: LayerCost) -> Separable | None:
        return row.separable if row.separable and row.separable.eligible else None

    def part(row: LayerCost) -> str:
        return share.cell(row.macs if row.counted else None)

    def separable_macs(row: LayerCost) -> str:
        eligible = separable(row)
        return operations(eligible.macs, unit) if eligible else ""

    def break_even(row: LayerCost) -> str:
        counterpart = separable(row) or row.low_rank
        rank = counterpart.break_even_rank if counterpart else None
        return f"{rank:.2f}" if rank else ""

    def trips(row: LayerCost) -> str:
        count = row.layer.trips
        return "" if count == 1 else "?" if count is None else f"×{count}"

    return (
        Column("layer", lambda row: label(row.layer), 0, False, True, "name"),
        Column("op", lambda row: operator(row.layer), 0, False, True),
        Column("trips", trips, 1),
        Column("kernel", geometry, 5, False),
        Column("output", output_shape, 2, False),
        Column(title(unit), lambda row: _marked(row, style), 0),
        Column("share", part, 3, role="share"),
        Column("params", lambda row: _number(row.params or None), 6),
        Column("moved", lambda row: _bytes(row.bytes_moved), 9),
        Column("FLOPs/B", lambda row: f"{row.intensity:.1f}" if row.intensity else "", 8),
        Column(f"sep. {title(unit)}", separable_macs, 7),
        Column("separable", saving, 4, False, True, "saving"),
        Column("break-even", break_even, 10),
    )


def group_columns(
    analysis: Analysis, groups: Sequence[Group], by: str, style: Style
) -> tuple[Column[Group], ...]:
    """The columns of one row per group."""
    unit = style.unit
    share = shares(analysis.totals.macs, (group.macs for group in groups), style)

    def least(group: Group) -> str:
        return ("" if group.complete else "≥ ") + operations(group.macs, unit)

    def fewer(group: Group) -> str:
        changed = 0 < group.separable_macs < group.macs
        return f"{times(group.macs / group.separable_macs)} fewer" if changed else ""

    return (
        Column(by, lambda group: group.key, 0, False, True, "name"),
        Column("layers", lambda group: str(group.layers), 2),
        Column(title(unit), least, 0),
        Column("share", lambda group: share.cell(group.macs), 1, role="share"),
        Column("params", lambda group: _number(group.params or None), 3),
        Column("elementwise", lambda group: _number(group.elementwise_ops or None), 6),
        Column("moved", lambda group: _bytes(group.bytes_moved), 5),
        Column(f"sep. {title(unit)}", lambda g: operations(g.separable_macs, unit), 4),
        Column("separable", fewer, 2, False, False, "saving"),
    )


def _reduction(analysis: Analysis) -> str:
    worth = analysis.totals.reduction >= 1.005
    return f"{times(analysis.totals.reduction)} fewer" if worth else ""


def unread_columns() -> tuple[Column[Fault], ...]:
    """One row per source that could not be analyzed."""
    return (
        Column("not read", lambda fault: fault.model, 0, False, True, "name"),
        Column("reason", lambda fault: fault.message, 0, False, True, "words"),
    )


def model_columns(style: Style, named: Mapping[str, str]) -> tuple[Column[Analysis], ...]:
    """The columns of one row per model: several sources, or one at several bindings.

    ``named`` are the names to show, by source.
    """
    unit = style.unit

    def least(analysis: Analysis) -> str:
        prefix = "" if analysis.coverage.complete else "≥ "
        return prefix + operations(analysis.totals.macs, unit)

    def per_item(analysis: Analysis) -> str:
        batch = analysis.network.batch
        return operations(analysis.totals.macs // batch, unit) if batch and batch > 1 else ""

    return (
        Column("model", lambda a: named[a.source], 0, False, True, "name"),
        Column("sizes", bindings, 1, False, True),
        Column(title(unit), least, 0),
        Column("per item", per_item, 5),
        Column("params", lambda a: human(a.totals.params), 2),
        Column("weights", lambda a: human(a.totals.weight_bytes, "B"), 6),
        Column("peak act.", lambda a: human(a.totals.peak_activation_bytes, "B"), 4),
        Column(f"sep. {title(unit)}", lambda a: operations(a.totals.separable_macs, unit), 7),
        Column("separable", _reduction, 3, False, role="saving"),
    )
