"""``report``: counting, measuring and, where asked, the plan of a conversion on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepcost.cost.analysis import Analysis
from sepcost.latency.results import Bench, Measurement
from sepcost.report.html import analyze as analyze_page
from sepcost.report.html import bench as bench_page
from sepcost.report.html import convert as convert_page
from sepcost.report.html.page import render as render_page
from sepcost.report.html.parts import Page, Part
from sepcost.report.text import shorten
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion

NAME_LIMIT = 120


def render(analysis: Analysis, bench: Bench, conversion: Conversion | None = None) -> str:
    """Cost, latency, layers and conversion, in this order, of one model."""
    name = shorten(analysis.network.name or analysis.source, NAME_LIMIT)
    times = by_layer(analysis, bench.models[0]) if bench.models else None
    cost = analyze_page.part(analysis, "cost", "Cost", View(), times)
    parts: list[Part] = [cost, bench_page.part(bench, "bench"), *bench_page.layer_parts(bench)]
    if conversion is not None:
        parts += [convert_page.part(conversion, "convert"), *convert_page.measured(conversion)]
    return render_page(Page(name, cost.lead, tuple(parts), "report"))


def by_layer(analysis: Analysis, model: Measurement) -> dict[str, float]:
    """Give each kernel's time to the dearest of its nodes: the others were fused into it."""
    macs = {row.layer.id: row.macs or 0 for row in analysis.rows}
    found: dict[str, float] = {}
    for kernel in model.layers:
        known = [node for node in kernel.nodes if node in macs]
        if known:
            dearest = max(known, key=macs.__getitem__)
            found[dearest] = found.get(dearest, 0.0) + kernel.time_ns
    return found
