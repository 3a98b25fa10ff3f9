"""Combine measured latency with counted cost: the share of the machine's peak per layer.

The roofline of Williams, Waterman and Patterson (2009): a layer with c MACs that moves b bytes
takes at least max(c / peak MACs per second, b / peak bytes per second).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sepcost.cost.analysis import Analysis
from sepcost.cost.memory import roofline_bound
from sepcost.cost.results import LayerCost
from sepcost.latency.results import Bench, LayerTime, Measurement, Peaks, Placement


def beside_cost(bench: Bench, analyses: Sequence[Analysis]) -> Bench:
    """Fill in the cost of each layer and each provider's share; one analysis per model."""
    models = tuple(
        _with_cost(model, analysis, bench.machine.peaks)
        for model, analysis in zip(bench.models, analyses, strict=True)
    )
    return replace(bench, models=models)


def _with_cost(model: Measurement, analysis: Analysis, peaks: Peaks | None) -> Measurement:
    rows = {row.layer.id: row for row in analysis.rows}
    return replace(
        model,
        layers=tuple(_layer(time, rows, peaks) for time in model.layers),
        placement=_shares(model.placement, rows),
    )


def _layer(time: LayerTime, rows: Mapping[str, LayerCost], peaks: Peaks | None) -> LayerTime:
    fused = [rows[node] for node in time.nodes if node in rows]
    macs = _sum(row.macs for row in fused)
    moved = _bytes(fused)
    bound, fraction = None, None
    if peaks and (macs or moved) and macs is not None and moved is not None and time.time_ns > 0:
        best = roofline_bound(
            macs, moved, peaks.macs_per_second * 1e-9, peaks.bytes_per_second * 1e-9
        )
        bound, fraction = best.limit, best.ns / time.time_ns
    name = _name(fused)
    return replace(time, name=name, macs=macs, bytes_moved=moved, bound=bound, fraction=fraction)


def _name(rows: Sequence[LayerCost]) -> str:
    """Name a kernel after its most expensive node, into which the others were fused."""
    if not rows:
        return ""
    main = max(rows, key=lambda row: row.macs or 0).layer
    return main.name or main.id


def _bytes(rows: Sequence[LayerCost]) -> int | None:
    """Bytes that a fused kernel moves; values between its own nodes stay in registers."""
    written = {name for row in rows for name in row.layer.writes if name}
    read = {name for row in rows for name in row.layer.reads if name}
    within = written & read if len(rows) > 1 else set()
    moved = _sum(row.bytes_moved for row in rows)
    inner = _sum(
        row.activation_bytes
        for row in rows
        if row.layer.writes and within.issuperset(filter(None, row.layer.writes))
    )
    if moved is None or inner is None:
        return None
    return max(0, moved - 2 * inner)


def _sum(values: Iterable[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _shares(parts: Sequence[Placement], rows: Mapping[str, LayerCost]) -> tuple[Placement, ...]:
    """Fill in each provider's share of the MACs of all placed nodes."""
    macs = [sum(rows[name].macs or 0 for name in part.layers if name in rows) for part in parts]
    total = sum(macs)
    if not total:
        return tuple(parts)
    return tuple(
        part if part.share is not None else replace(part, share=own / total)
        for part, own in zip(parts, macs, strict=True)
    )
