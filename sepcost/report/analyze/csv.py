"""An analysis in CSV: one row per layer, group or model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from sepcost.cost.analysis import Analysis
from sepcost.cost.records import LAYER, Cell
from sepcost.cost.results import Group
from sepcost.report.analyze import select
from sepcost.report.csv import written
from sepcost.report.labels import bindings
from sepcost.report.view import View

Row = TypeVar("Row")


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
    "bytes_moved": lambda analysis: analysis.totals.bytes_moved,
    "intensity": lambda analysis: analysis.totals.intensity,
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
