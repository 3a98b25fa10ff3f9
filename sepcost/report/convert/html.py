"""A conversion as a page: fewer MACs, measured speed-up, and the gap between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sepcost.report.bench import html as bench_page
from sepcost.report.convert.words import change, error, facts, headline, judged, name, scores, unit
from sepcost.report.html import charts
from sepcost.report.html.page import render as render_page
from sepcost.report.html.parts import Col, Page, PagePart, Section, Tile, listing, table
from sepcost.report.text import shorten
from sepcost.report.units import human, times
from sepcost.report.view import View
from sepcost.separable.find.candidates import Skip
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.frontier import FrontierPoint
from sepcost.separable.quality.judge import COMPARED_ON

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.verify import OutputFidelity

NAME_LIMIT = 120
GAP = (
    "For each converted layer: the factor by which its MACs fell, and its measured speed-up. The "
    "line between them is what the MACs did not predict. Below 1×, the layer became slower."
)
FEWER, FASTER = "MACs before / after", "time before / after, of this layer alone"


def render(conversion: Conversion, view: View) -> str:
    """One part for the plan, one for the final measurement."""
    title = shorten(conversion.before.network.name or conversion.source, NAME_LIMIT)
    own = part(conversion, "convert")
    parts = (own, *measured(conversion))
    return render_page(Page(title, headline(conversion), parts, "convert"))


def measured(conversion: Conversion) -> list[PagePart]:
    """The latency of the original and of the result, if they were measured."""
    if conversion.latency is None:
        return []
    return [
        replace(
            bench_page.part(conversion.latency, "after"), title="Latency, original and converted"
        )
    ]


def part(conversion: Conversion, id_: str) -> PagePart:
    """The plan and its result."""
    return PagePart(
        id_,
        "Conversion",
        headline(conversion),
        tuple(facts(conversion)),
        tuple(tiles(conversion)),
        (
            *_gap(conversion, id_),
            *_macs(conversion, id_),
            *_frontier(conversion, id_),
            *_layers(conversion, id_),
            *_outputs(conversion, id_),
            *_kept(conversion, id_),
            *listing(f"{id_}-notes", "Notes", conversion.notes),
        ),
    )


def tiles(conversion: Conversion) -> list[Tile]:
    """Predicted and measured totals."""
    before, after, plan = conversion.before.totals, conversion.after.totals, conversion.plan
    tiles = [
        Tile("MACs", human(after.macs), f"from {human(before.macs)}", after.macs),
        Tile("Params", human(after.params), f"from {human(before.params)}", after.params),
    ]
    if plan.choices:
        fewer = before.macs / after.macs if after.macs else None
        tiles.append(Tile("MAC reduction", times(fewer) if fewer else "", "fewer MACs", fewer))
    if conversion.speedup is not None:
        forecast = plan.predicted.speedup
        detail = f"{times(forecast)} predicted" if forecast else "as fast"
        tone = "good" if conversion.speedup > 1 else "bad"
        tiles.append(
            Tile("Measured speed-up", times(conversion.speedup), detail, conversion.speedup, tone)
        )
    effect = conversion.effect
    if effect.samples:
        share, on = effect.relative_error, f"on {COMPARED_ON[conversion.inputs]}s"
        tiles.append(Tile("Output error", error(share), on, share))
    for quality in judged(conversion):
        score, detail = quality.converted.mean, change(quality, conversion.inputs)
        tiles.append(Tile(name(quality), scores(quality), detail, score))
    return tiles


def _name(choice: Choice) -> str:
    return choice.candidate.name or choice.candidate.id


def _gap(conversion: Conversion, id_: str) -> tuple[Section, ...]:
    rows = [
        (_name(c), c.macs_before / c.macs_after, c.ns_before / c.ns_after)
        for c in conversion.plan.choices
        if c.macs_after and c.ns_before and c.ns_after
    ]
    return charts.promised(f"{id_}-gap", "MAC reduction and measured speed-up", rows, [GAP])


def _macs(conversion: Conversion, id_: str) -> tuple[Section, ...]:
    rows = [(_name(c), c.macs_before, c.macs_after) for c in conversion.plan.choices]
    note = "MACs of each converted layer, before and after."
    return charts.compared(f"{id_}-macs", "MACs before and after", rows, [note])


def _frontier(conversion: Conversion, id_: str) -> tuple[Section, ...]:
    """The frontier and the plan, over time and over MACs."""
    points, effect = conversion.frontier, conversion.effect.relative_error
    chosen = bool(conversion.plan.choices and conversion.effect.samples)
    done = len(conversion.plan.choices)
    base = points[0].ns * points[0].speedup if points else None
    speedup = conversion.speedup or conversion.plan.predicted.speedup
    ns = base / speedup if base and speedup else None
    if not points:
        return ()
    return (
        *charts.frontier(
            f"{id_}-by-time", "Error against latency", "ns",
            [(p.ns, p.relative_error, p.converted) for p in points],
            (ns, effect, done) if chosen and ns else None,
        ),
        *charts.frontier(
            f"{id_}-by-macs", "Error against MACs", "macs",
            [(p.macs, p.relative_error, p.converted) for p in points],
            (conversion.after.totals.macs, effect, done) if chosen else None,
        ),
        *table(f"{id_}-plans", "Plans on the frontier", _plan_columns(conversion), points),
    )  # fmt: skip


def _plan_columns(conversion: Conversion) -> tuple[Col[FrontierPoint], ...]:
    return (
        Col("converted", "whole", lambda p: p.converted),
        Col("MACs", "count", lambda p: p.macs),
        Col("time", "ns", lambda p: p.ns),
        Col("speed-up", "times", lambda p: p.speedup),
        Col("output error", "error", lambda p: p.relative_error),
        Col(f"{unit(conversion)} lost", "number", lambda p: _of_100(p.drop)),
        Col("loss", "number", lambda p: p.loss),
        Col("predicted loss", "number", lambda p: p.predicted_loss),
    )


def _of_100(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _layers(conversion: Conversion, id_: str) -> tuple[Section, ...]:
    columns: tuple[Col[Choice], ...] = (
        Col("layer", "code", _name),
        Col("form", "text", lambda c: str(c.factors.form), group=True),
        Col("rank", "whole", lambda c: c.factors.rank, group=True),
        Col("full rank", "whole", lambda c: c.factors.full_rank or None, hint="exact at this rank"),
        Col("fewer MACs", "times", lambda c: _ratio(c.macs_before, c.macs_after), hint=FEWER),
        Col("faster", "times", lambda c: _ratio(c.ns_before, c.ns_after), hint=FASTER),
        Col("written as", "text", lambda c: c.form_emitted, group=True),
        Col("weight error", "error", lambda c: c.weight_error),
        Col("output error", "error", lambda c: c.output_error),
        Col(
            "effect on output",
            "number",
            lambda c: c.effect,
            hint="effect of this layer alone on the output of the network",
        ),
        Col("MACs before", "count", lambda c: c.macs_before, total=True),
        Col("MACs after", "count", lambda c: c.macs_after, total=True),
        Col("time before", "ns", lambda c: c.ns_before, total=True),
        Col("time after", "ns", lambda c: c.ns_after, total=True),
    )
    return table(f"{id_}-layers", "Converted layers", columns, conversion.plan.choices)


def _ratio(before: float | None, after: float | None) -> float | None:
    return before / after if before and after else None


def _outputs(conversion: Conversion, id_: str) -> tuple[Section, ...]:
    columns: tuple[Col[OutputFidelity], ...] = (
        Col("output", "code", lambda o: o.name),
        Col("error / norm", "error", lambda o: o.relative_error),
        Col("SNR in dB", "number", lambda o: o.sqnr_db),
        Col("largest error", "number", lambda o: o.max_abs),
        Col("cosine", "number", lambda o: o.cosine),
        Col("agreement", "percent", lambda o: o.top1_agreement),
    )
    outputs = conversion.fidelity.outputs if conversion.fidelity else ()
    note = f"The converted model against the original, on {COMPARED_ON[conversion.inputs]}s."
    return table(f"{id_}-outputs", "Outputs", columns, outputs, note)


def _kept(conversion: Conversion, id_: str) -> tuple[Section, ...]:
    columns: tuple[Col[Skip], ...] = (
        Col("layer", "code", lambda s: s.name or s.id),
        Col("op", "text", lambda s: s.op_type, group=True),
        Col("reason", "text", lambda s: s.reason, group=True),
    )
    note = "Layers that stay as they are."
    return table(f"{id_}-kept", "Not converted", columns, conversion.plan.kept, note)
