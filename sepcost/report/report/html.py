"""Cost, latency and, if planned, a conversion of one model on one page."""

from __future__ import annotations

from sepcost.cost.analysis import Analysis
from sepcost.latency.results import Measurement
from sepcost.report.analyze import html as analyze_page
from sepcost.report.bench import html as bench_page
from sepcost.report.convert import html as convert_page
from sepcost.report.html.page import render as render_page
from sepcost.report.html.parts import Page, PagePart
from sepcost.report.report.overview import Overview
from sepcost.report.text import shorten
from sepcost.report.view import View

NAME_LIMIT = 120


def render(overview: Overview, view: View) -> str:
    """Cost, latency, layers and conversion, in this order."""
    analysis, bench, conversion = overview.analysis, overview.bench, overview.conversion
    name = shorten(analysis.network.name or analysis.source, NAME_LIMIT)
    times = by_layer(analysis, bench.models[0]) if bench.models else None
    cost = analyze_page.part(analysis, "cost", "Cost", view, times)
    parts: list[PagePart] = [cost, bench_page.part(bench, "bench"), *bench_page.layer_parts(bench)]
    if conversion is not None:
        parts += [convert_page.part(conversion, "convert"), *convert_page.measured(conversion)]
    return render_page(Page(name, cost.lead, tuple(parts), "report"))


def by_layer(analysis: Analysis, model: Measurement) -> dict[str, float]:
    """The time of each kernel, at the most expensive of the nodes fused into it."""
    macs = {row.layer.id: row.macs or 0 for row in analysis.rows}
    times: dict[str, float] = {}
    for kernel in model.layers:
        known = [node for node in kernel.nodes if node in macs]
        if known:
            layer = max(known, key=macs.__getitem__)
            times[layer] = times.get(layer, 0.0) + kernel.time_ns
    return times
