"""The columns of a measurement: models, pairs, providers and layers."""

from __future__ import annotations

from sepcost.latency.results import Bench, Comparison, LayerTime, Measurement, Placement
from sepcost.report.bench.words import factor, plus_minus, share_of, span
from sepcost.report.columns import Column, Share, Style
from sepcost.report.units import duration, human, percent, times

Placed = tuple[Measurement, Placement]

#: A fraction of the roofline beyond this is shown as ``>1000%``.
MOST = 10


def model_columns(bench: Bench) -> tuple[Column[Measurement], ...]:
    """One row per model."""
    percentiles = sorted({p for model in bench.models for p in model.percentiles})

    def undisturbed(model: Measurement) -> str:
        return "" if model.undisturbed is None else percent(model.undisturbed)

    return (
        Column("model", lambda m: m.name, 0, False, True, "name"),
        Column("latency", lambda m: duration(m.latency.estimate), 0),
        Column("±", lambda m: plus_minus(m.latency).removeprefix("± "), 0),
        *(_percentile(p, 3 + k) for k, p in enumerate(percentiles)),
        Column("memory", lambda m: human(m.memory.peak_bytes, "B") if m.memory else "", 1),
        Column("first run", lambda m: duration(m.first_run_ns), 8),
        Column("loading", lambda m: duration(m.create_ns), 9),
        Column("processes", lambda m: str(m.launches), 6),
        Column("runs", lambda m: f"{m.runs:,}", 7),
        Column("undisturbed", undisturbed, 2),
    )


def _percentile(percent_: float, rank: int) -> Column[Measurement]:
    return Column(f"p{percent_:g}", lambda m: duration(m.percentiles.get(percent_)), rank)


def comparison_columns() -> tuple[Column[Comparison], ...]:
    """One row per pair."""
    return (
        Column("model", lambda c: c.b, 0, False, True, "name"),
        Column("against", lambda c: c.a, 2, False, True),
        Column("time ratio", lambda c: factor(c.ratio.estimate), 0),
        Column("95% interval", lambda c: span(c.ratio.low, c.ratio.high), 1),
        Column("speed-up", lambda c: times(1 / c.ratio.estimate), 3),
        Column("verdict", lambda c: c.words, 0, False),
        Column("smallest detectable difference", lambda c: _change(c.smallest_change), 4),
    )


def _change(change: float) -> str:
    return f"{change:.1%}" if change < MOST else "?"


def placement_columns() -> tuple[Column[Placed], ...]:
    """One row per model and provider."""
    return (
        Column("model", lambda part: part[0].name, 0, False, True, "name"),
        Column("provider", lambda part: part[1].provider, 0, False, True),
        Column("nodes", lambda part: str(part[1].nodes), 0),
        Column("share of MACs", lambda part: share_of(part[1]), 0),
    )


def layer_columns(model: Measurement, style: Style) -> tuple[Column[LayerTime], ...]:
    """One row per kernel: its nodes, its time, and how close to the peak it comes."""
    largest = max((row.time_ns for row in model.layers), default=0.0)
    share = Share(round(model.latency.estimate) or 1, round(largest) or 1, style.bars)
    several = len({row.provider for row in model.layers if row.provider}) > 1

    def rate(row: LayerTime) -> str:
        return f"{human(row.macs_per_second)}MAC/s" if row.macs_per_second else ""

    def moved(row: LayerTime) -> str:
        return human(row.bytes_moved, "B") if row.bytes_moved and row.kernel else ""

    return (
        Column("layer", layer_name, 0, False, True, "name"),
        Column("fused", fused, 2),
        Column("kernel", lambda row: row.kernel, 6, False, True),
        Column("time", lambda row: duration(row.time_ns), 0),
        Column("share", lambda row: share.cell(round(row.time_ns)), 0, role="share"),
        Column("MACs", lambda row: human(row.macs) if row.macs else "", 4),
        Column("reached", rate, 3),
        Column("moved", moved, 5),
        Column("bound", bound, 1, False),
        Column("provider", lambda row: row.provider, 1 if several else 9, False, True),
    )


def layer_name(row: LayerTime) -> str:
    """The most expensive node; in brackets work that belongs to no node."""
    if not row.nodes:
        return f"({row.kernel}: layout)"
    if not row.kernel:
        count = len(row.nodes)
        return f"({count} node{'s' if count > 1 else ''} optimised away)"
    return row.name or row.nodes[0]


def fused(row: LayerTime) -> str:
    """How many other nodes are fused into the kernel."""
    return f"+{len(row.nodes) - 1}" if row.kernel and len(row.nodes) > 1 else ""


def bound(row: LayerTime) -> str:
    """``memory 68%``: what limits the layer, and how much of that limit it reaches."""
    if row.bound is None or row.fraction is None or not row.nodes:
        return ""
    return f"{row.bound} {row.fraction:.0%}" if row.fraction < MOST else f"{row.bound} >{MOST:.0%}"
