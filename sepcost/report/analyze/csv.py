"""An analysis in CSV: one row per layer, group or model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from sepcost.cost.analysis import Analysis
from sepcost.cost.results import Convolution, Group, LayerCost, Separable
from sepcost.network import ABSENT, Shape
from sepcost.report.analyze import select
from sepcost.report.csv import Cell, written
from sepcost.report.labels import bindings
from sepcost.report.view import View

Row = TypeVar("Row")


def _shape(shape: Shape) -> str:
    return "" if shape == ABSENT else "x".join(map(str, shape))


def _of_conv(read: Callable[[Convolution], Cell]) -> Callable[[LayerCost], Cell]:
    return lambda row: read(row.convolution) if row.convolution else None


def _of_separable(read: Callable[[Separable], Cell]) -> Callable[[LayerCost], Cell]:
    return lambda row: read(row.separable) if row.separable else None


LAYER: Mapping[str, Callable[[LayerCost], Cell]] = {
    "id": lambda row: row.layer.id,
    "name": lambda row: row.layer.name,
    "op_type": lambda row: row.layer.op_type,
    "domain": lambda row: row.layer.domain,
    "scope": lambda row: row.layer.scope,
    "trips": lambda row: row.layer.trips,
    "status": lambda row: row.status.value,
    "reason": lambda row: row.reason,
    "counted": lambda row: row.counted,
    "output": lambda row: _shape(row.layer.outputs[0]) if row.layer.outputs else None,
    "macs": lambda row: row.macs,
    "flops": lambda row: None if row.macs is None else 2 * row.macs,
    "params": lambda row: row.params,
    "elementwise_ops": lambda row: row.elementwise_ops,
    "bytes_moved": lambda row: row.bytes_moved,
    "intensity": lambda row: row.intensity,
    "kernel": _of_conv(lambda conv: _shape(conv.kernel)),
    "strides": _of_conv(lambda conv: _shape(conv.strides)),
    "dilations": _of_conv(lambda conv: _shape(conv.dilations)),
    "pads": _of_conv(lambda conv: _shape(conv.pads)),
    "group": _of_conv(lambda conv: conv.group),
    "in_channels": _of_conv(lambda conv: conv.in_channels),
    "out_channels": _of_conv(lambda conv: conv.out_channels),
    "separable_eligible": _of_separable(lambda found: found.eligible),
    "separable_reason": _of_separable(lambda found: found.reason),
    "separable_macs": _of_separable(lambda found: found.macs),
    "separable_params": _of_separable(lambda found: found.params),
    "separable_ratio": _of_separable(lambda found: found.ratio),
    "break_even_rank": _of_separable(lambda found: found.break_even_rank),
}
GROUP: Mapping[str, Callable[[Group], Cell]] = {
    "key": lambda group: group.key,
    "layers": lambda group: group.layers,
    "macs": lambda group: group.macs,
    "flops": lambda group: 2 * group.macs,
    "params": lambda group: group.params,
    "elementwise_ops": lambda group: group.elementwise_ops,
    "bytes_moved": lambda group: group.bytes_moved,
    "separable_macs": lambda group: group.separable_macs,
    "complete": lambda group: group.complete,
}
MODEL: Mapping[str, Callable[[Analysis], Cell]] = {
    "source": lambda analysis: analysis.source,
    "macs": lambda analysis: analysis.totals.macs,
    "flops": lambda analysis: analysis.totals.flops,
    "macs_per_item": lambda analysis: (
        analysis.totals.macs // analysis.network.batch if analysis.network.batch else None
    ),
    "params": lambda analysis: analysis.totals.params,
    "elementwise_ops": lambda analysis: analysis.totals.elementwise_ops,
    "weight_bytes": lambda analysis: analysis.totals.weight_bytes,
    "activation_bytes": lambda analysis: analysis.totals.activation_bytes,
    "peak_activation_bytes": lambda analysis: analysis.totals.peak_activation_bytes,
    "separable_macs": lambda analysis: analysis.totals.separable_macs,
    "separable_params": lambda analysis: analysis.totals.separable_params,
    "reduction": lambda analysis: analysis.totals.reduction,
    "complete": lambda analysis: analysis.coverage.complete,
}


def render(analyses: Sequence[Analysis], view: View) -> str:
    """One table for all analyses; the columns ``model`` and ``bindings`` tell them apart."""
    if view.rows.by == "model":
        return _models(analyses, view)
    if view.rows.by == "layer":
        return _table(LAYER, ((analysis, select.layers(analysis, view)) for analysis in analyses))
    return _table(GROUP, ((analysis, select.groups(analysis, view)) for analysis in analyses))


def _models(analyses: Sequence[Analysis], view: View) -> str:
    """One row per model, and one with its error per source that could not be analyzed."""
    blank = ("",) * (len(MODEL) - 1)
    return written(
        ("model", "bindings", *MODEL, "error"),
        (
            *(
                (a.network.name, bindings(a), *(read(a) for read in MODEL.values()), "")
                for a in analyses
            ),
            *((each.model, "", each.model, *blank, each.message) for each in view.unread),
        ),
    )


def _table(
    columns: Mapping[str, Callable[[Row], Cell]], parts: Iterable[tuple[Analysis, Iterable[Row]]]
) -> str:
    return written(
        ("model", "bindings", *columns),
        (
            (analysis.network.name, bindings(analysis), *(read(row) for read in columns.values()))
            for analysis, rows in parts
            for row in rows
        ),
    )
