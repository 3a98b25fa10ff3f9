"""Combine measured latency with counted cost: the share of the machine's peak per layer.

The roofline of Williams, Waterman and Patterson (2009): a layer with c MACs that moves b bytes
takes at least max(c / peak MACs per second, b / peak bytes per second). 8-bit integers have a peak
of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sepcost.cost.analysis import Analysis
from sepcost.cost.blocked import outside
from sepcost.cost.memory import roofline_bound
from sepcost.cost.results import LayerCost
from sepcost.cost.roofline import INTEGER
from sepcost.latency.advice import of_layout
from sepcost.latency.results import Bench, LayerTime, Machine, Measurement, Peaks, Placement
from sepcost.network import Network


def beside_cost(bench: Bench, analyses: Sequence[Analysis]) -> Bench:
    """Fill in the cost of each layer and each provider's share; one analysis per model."""
    pairs = zip(bench.models, analyses, strict=True)
    models = tuple(_with_cost(model, analysis, bench.machine.peaks) for model, analysis in pairs)
    if bench.settings.get("optimization_level") == "all":
        pairs = zip(models, analyses, strict=True)
        models = tuple(_with_advice(model, analysis, bench.machine) for model, analysis in pairs)
    return replace(bench, models=models)


def _with_advice(model: Measurement, analysis: Analysis, machine: Machine) -> Measurement:
    """Name the timed layers that are slow only because of their form, with their share of time."""
    lines = tuple(of_layout(model.layers, outside(analysis.network, analysis.rows), machine))
    return replace(model, warnings=(*model.warnings, *lines))


def _with_cost(model: Measurement, analysis: Analysis, peaks: Peaks | None) -> Measurement:
    rows = {row.layer.id: row for row in analysis.rows}
    return replace(
        model,
        layers=tuple(_layer(time, rows, analysis.network, peaks) for time in model.layers),
        placement=_shares(model.placement, rows),
        arena=model.arena and replace(model.arena, placed_bytes=analysis.arena.size_bytes),
    )


def _layer(
    time: LayerTime, rows: Mapping[str, LayerCost], network: Network, peaks: Peaks | None
) -> LayerTime:
    fused = [rows[node] for node in time.nodes if node in rows]
    macs = _sum(row.macs for row in fused)
    moved = _bytes(fused, network)
    bound, fraction = None, None
    peak = _peak(time, fused, peaks) if peaks else None
    bandwidth = peaks.bytes_per_second if peaks else 0.0
    if macs is not None and moved is not None and (macs or moved) and peak and time.time_ns > 0:
        best = roofline_bound(macs, moved, peak * 1e-9, bandwidth * 1e-9)
        bound, fraction = best.limit, best.ns / time.time_ns
    name = _name(fused)
    return replace(time, name=name, macs=macs, bytes_moved=moved, bound=bound, fraction=fraction)


def _name(rows: Sequence[LayerCost]) -> str:
    """Name a kernel after its most expensive node, into which the others were fused."""
    if not rows:
        return ""
    main = max(rows, key=lambda row: row.macs or 0).layer
    return main.name or main.id


def _peak(time: LayerTime, rows: Sequence[LayerCost], peaks: Peaks) -> float | None:
    """The peak of the arithmetic that a kernel does; None for integers if theirs is unknown."""
    quantised = any(row.layer.op_type == "QuantizeLinear" for row in rows)
    integers = time.kernel in INTEGER or (quantised and any(row.macs for row in rows))
    return peaks.int8_macs_per_second if integers else peaks.macs_per_second


def _bytes(rows: Sequence[LayerCost], network: Network) -> int | None:
    """Bytes that a fused kernel moves; values between its own nodes stay in registers."""
    written = {name for row in rows for name in row.layer.writes if name}
    read = {name for row in rows for name in row.layer.reads if name}
    within = written & read if len(rows) > 1 else set()
    moved = _sum(row.bytes_moved for row in rows)
    inner = _sum(
        _written(row, network)
        for row in rows
        if row.layer.writes and within.issuperset(filter(None, row.layer.writes))
    )
    if moved is None or inner is None:
        return None
    return max(0, moved - 2 * inner)


def _written(row: LayerCost, network: Network) -> int | None:
    """Bytes that a layer writes, dequantised weights included; a view writes none."""
    sizes = [network.values[name].size_bytes for name in row.layer.writes if name in network.values]
    if not row.bytes_moved or not sizes:
        return row.activation_bytes
    once = _sum(sizes)
    return None if once is None or row.layer.trips is None else once * row.layer.trips


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
