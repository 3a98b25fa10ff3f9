"""A measurement in CSV: one row per model, or per layer if layers were timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sepcost.cost.records import Cell
from sepcost.latency.results import Bench, Comparison, LayerTime, Measurement
from sepcost.report.csv import written
from sepcost.report.view import View

MODEL: Mapping[str, Callable[[Measurement], Cell]] = {
    "model": lambda m: m.name,
    "latency_ns": lambda m: m.latency.estimate,
    "low_ns": lambda m: m.latency.low,
    "high_ns": lambda m: m.latency.high,
    "statistic": lambda m: str(m.statistics[0]),
    "runs": lambda m: m.runs,
    "launches": lambda m: m.launches,
    "undisturbed": lambda m: m.undisturbed,
    "peak_memory_bytes": lambda m: m.memory.peak_bytes if m.memory else None,
    "create_ns": lambda m: m.create_ns,
    "first_run_ns": lambda m: m.first_run_ns,
    "placement": lambda m: " ".join(f"{part.provider}:{part.nodes}" for part in m.placement),
}
COMPARISON: Mapping[str, Callable[[Comparison], Cell]] = {
    "baseline": lambda c: c.a,
    "ratio": lambda c: c.ratio.estimate,
    "ratio_low": lambda c: c.ratio.low,
    "ratio_high": lambda c: c.ratio.high,
    "verdict": lambda c: c.words,
}
LAYER: Mapping[str, Callable[[LayerTime], Cell]] = {
    "layers": lambda row: " ".join(row.nodes),
    "kernel": lambda row: row.kernel,
    "provider": lambda row: row.provider,
    "time_ns": lambda row: row.time_ns,
    "share": lambda row: row.share,
    "macs": lambda row: row.macs,
    "macs_per_second": lambda row: row.macs_per_second,
    "bytes_moved": lambda row: row.bytes_moved,
    "bound": lambda row: row.bound,
    "fraction": lambda row: row.fraction,
}


def render(bench: Bench, view: View) -> str:
    """The layers if there are any, else the models with their comparisons."""
    if any(model.layers for model in bench.models):
        header = ["model", *LAYER]
        rows = [
            [model.name, *(read(row) for read in LAYER.values())]
            for model in bench.models
            for row in model.layers
        ]
        return written(header, rows)
    against = {comparison.b: comparison for comparison in bench.comparisons}
    percentiles = sorted({p for model in bench.models for p in model.percentiles})
    header = [*MODEL, *(f"p{p:g}_ns" for p in percentiles), *COMPARISON]
    return written(header, [_row(model, percentiles, against) for model in bench.models])


def _row(
    model: Measurement, percentiles: Sequence[float], against: Mapping[str, Comparison]
) -> list[Cell]:
    pair = against.get(model.name)
    return [
        *(read(model) for read in MODEL.values()),
        *(model.percentiles.get(p) for p in percentiles),
        *((read(pair) if pair else None) for read in COMPARISON.values()),
    ]
