"""A measurement as a page: the latency of each model and of its layers."""

from __future__ import annotations

from functools import partial

from sepcost.latency.results import Bench, Comparison, LayerTime, Measurement, Placement
from sepcost.report.bench.words import (
    arena,
    headline,
    legend,
    machine_line,
    notes,
    peaks_line,
    ran_on,
    scattered,
    verdict,
)
from sepcost.report.html import charts
from sepcost.report.html.page import render as render_page
from sepcost.report.html.parts import Col, Page, PagePart, Section, Tile, listing, table
from sepcost.report.units import human
from sepcost.report.view import View

INTERVAL = "The latency of each model with its 95% interval."
RUNS = (
    "The share of all timed runs, including disturbed ones, that finished within a given time. "
    "The slowest may be beyond the right edge."
)
ROOF = (
    "Each kernel by its FLOPs per byte and per second. On the line it reaches the limit of this "
    "machine; far below, the kernel is inefficient."
)


def render(bench: Bench, view: View) -> str:
    """One part for all models, then one for the layers of each."""
    parts = (part(bench, "bench"), *layer_parts(bench))
    names = [model.name for model in bench.models]
    title = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    lead = "; ".join(f"{m.name}: {headline(m)}" for m in bench.models[:4]) + ran_on(bench)
    return render_page(Page(title or bench.machine.name, lead, parts, "bench"))


def part(bench: Bench, id_: str) -> PagePart:
    """The latencies of all models."""
    return PagePart(
        id_,
        "Latency",
        "",
        tuple(filter(None, (machine_line(bench), peaks_line(bench.machine)))),
        tuple(tiles(bench)),
        (
            *charts.intervals(f"{id_}-intervals", "Intervals", bench.models, [INTERVAL]),
            *_compared(bench, id_),
            *charts.distribution(f"{id_}-runs", "Distribution of runs", bench.models, [RUNS]),
            *_models(bench, id_),
            *_placed(bench, id_),
            *listing(f"{id_}-notes", "Notes", notes(bench)),
        ),
    )


def tiles(bench: Bench) -> list[Tile]:
    """One tile per model, at most four, with its runs."""
    shown = [
        Tile(
            f"Latency of {model.name}" if len(bench.models) > 1 else "Latency", headline(model),
            f"{model.runs:,} runs in {model.launches} process{'es' * (model.launches != 1)}",
            model.latency.estimate,
        )
        for model in bench.models[:4]
    ]  # fmt: skip
    if len(bench.models) == 1 and bench.models[0].memory:
        peak = bench.models[0].memory.peak_bytes
        shown.append(Tile("Peak memory", human(peak, "B"), "of the session", peak))
    return shown


def layer_parts(bench: Bench) -> list[PagePart]:
    """The kernels of each model that has them."""
    return [
        PagePart(
            f"k{at}",
            f"Layers of {model.name}",
            facts=tuple(arena(model)),
            sections=layers(bench, model, f"k{at}"),
        )
        for at, model in enumerate(bench.models)
        if model.layers
    ]


def layers(bench: Bench, model: Measurement, id_: str) -> tuple[Section, ...]:
    """The roofline and the time of each kernel."""
    peaks = bench.machine.peaks
    columns: tuple[Col[LayerTime], ...] = (
        Col("layer", "code", lambda r: r.name or ", ".join(r.nodes)),
        Col("kernel", "text", lambda r: r.kernel or "(optimised away)", group=True),
        Col("provider", "text", lambda r: r.provider, group=True),
        Col("scope", "code", lambda r: r.scope, group=True),
        Col("time", "ns", lambda r: r.time_ns, total=True),
        Col("share", "percent", lambda r: r.share, total=True, hint="of the latency"),
        Col("MACs", "count", lambda r: r.macs, total=True),
        Col("MACs/s", "count", lambda r: r.macs_per_second),
        Col("bytes moved", "bytes", lambda r: r.bytes_moved, total=True),
        Col("bound", "text", lambda r: r.bound, group=True, hint="what limits the layer"),
        Col("reached", "percent", lambda r: r.fraction, hint="of that limit"),
        Col("nodes", "code", lambda r: ", ".join(r.nodes)),
    )
    note = "One row per kernel, with the nodes that are fused into it."
    return (
        *charts.roofline(f"{id_}-roofline", "Roofline", model, peaks, [ROOF]),
        *table(f"{id_}-times", "Time by kernel", columns, model.layers, note),
        *listing(f"{id_}-legend", "How to read the bounds", legend(model.layers)),
    )


def _compared(bench: Bench, id_: str) -> tuple[Section, ...]:
    columns: tuple[Col[Comparison], ...] = (
        Col("model", "code", lambda c: c.b),
        Col("against", "code", lambda c: c.a),
        Col("time ratio", "number", lambda c: c.ratio.estimate),
        Col("low", "number", lambda c: c.ratio.low),
        Col("high", "number", lambda c: c.ratio.high),
        Col("verdict", "text", lambda c: c.words),
        Col("summary", "text", lambda c: verdict(c).replace("{a}", c.a)),
    )
    note = "Ratios of interleaved runs with their 95% intervals; below 1 is faster."
    return table(f"{id_}-compared", "Comparison", columns, bench.comparisons, note)


def _models(bench: Bench, id_: str) -> tuple[Section, ...]:
    asked = dict.fromkeys(p for model in bench.models for p in model.percentiles)
    columns: tuple[Col[Measurement], ...] = (
        Col("model", "code", lambda m: m.name),
        Col("latency", "ns", lambda m: m.latency.estimate),
        Col("low", "ns", lambda m: m.latency.low),
        Col("high", "ns", lambda m: m.latency.high),
        *(Col(f"p{p:g}", "ns", partial(_percentile, p)) for p in asked),
        Col("runs", "whole", lambda m: m.runs),
        Col("processes", "whole", lambda m: m.launches),
        Col("undisturbed", "percent", lambda m: m.undisturbed),
        Col("loading", "ns", lambda m: m.create_ns),
        Col("first run", "ns", lambda m: m.first_run_ns),
        Col("peak memory", "bytes", lambda m: m.memory.peak_bytes if m.memory else None),
        Col("statistic", "text", lambda m: str(m.statistics[0])),
    )
    return table(f"{id_}-models", "Measurements", columns, bench.models)


def _percentile(p: float, model: Measurement) -> float | None:
    return model.percentiles.get(p)


def _placed(bench: Bench, id_: str) -> tuple[Section, ...]:
    columns: tuple[Col[tuple[Measurement, Placement]], ...] = (
        Col("model", "code", lambda r: r[0].name),
        Col("provider", "text", lambda r: r[1].provider, group=True),
        Col("nodes", "whole", lambda r: r[1].nodes, total=True),
        Col("share of MACs", "percent", lambda r: r[1].share),
    )
    return table(f"{id_}-placed", "Nodes by provider", columns, list(scattered(bench)))
