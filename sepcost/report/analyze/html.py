"""An analysis as a page: the cost of each network, regular and separable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sepcost.cost import branches, memory
from sepcost.cost.analysis import Analysis
from sepcost.cost.results import LayerCost
from sepcost.cost.words import plural
from sepcost.report.analyze import select
from sepcost.report.analyze.words import contents, headline, inputs, outputs, titles, uncounted
from sepcost.report.columns import Style
from sepcost.report.html import charts
from sepcost.report.html.page import render as render_page
from sepcost.report.html.parts import Col, Page, PagePart, Section, Tile, listing, table
from sepcost.report.labels import geometry, label, operator, output_shape
from sepcost.report.text import shorten
from sepcost.report.units import human, times
from sepcost.report.view import View

NAME_LIMIT = 120
STYLE = Style()


def render(analyses: Sequence[Analysis], view: View) -> str:
    """One part per model; if there are several, a comparison first."""
    names = [shorten(name, NAME_LIMIT) for name in titles(analyses)]
    parts = [
        part(analysis, f"m{at}", name, view)
        for at, (analysis, name) in enumerate(zip(analyses, names, strict=True))
    ]
    if len(parts) == 1 and not view.unread:
        return render_page(Page(names[0], parts[0].lead, tuple(parts), "analyze"))
    lines = [f"{each.model}: {each.message}" for each in view.unread]
    unread = listing("models-unread", "Not read", lines)
    together = PagePart("models", "Side by side", sections=(*_together(analyses, names), *unread))
    return render_page(
        Page(plural(len(parts), "network"), ", ".join(names), (together, *parts), "analyze")
    )


def part(analysis: Analysis, id_: str, name: str, view: View, times_ns: Times = None) -> PagePart:
    """All sections about one model; ``times_ns`` are measured times by layer id."""
    rows = select.layers(analysis, view)
    return PagePart(
        id_,
        name,
        headline(analysis, STYLE, name).removeprefix(f"{name}: "),
        tuple(_read(analysis)),
        tuple(tiles(analysis)),
        (
            *_separable(analysis, id_),
            *layers(analysis, rows, id_, times_ns),
            *_memory(analysis, id_),
            *_uncounted(analysis, id_),
        ),
    )


def _read(analysis: Analysis) -> Iterator[str]:
    """What was read: inputs, outputs, versions, operators."""
    if analysis.network.inputs:
        yield f"inputs: {shorten(inputs(analysis), 400)}"
    if analysis.network.outputs:
        yield f"outputs: {shorten(outputs(analysis), 400)}"
        yield shorten(contents(analysis), 400)


def tiles(analysis: Analysis) -> list[Tile]:
    """The totals, regular and separable."""
    totals, covered = analysis.totals, analysis.coverage
    least = "" if covered.complete else "at least "
    open_ = covered.unknown + covered.unresolved
    shown = [
        Tile("MACs", f"{least}{human(totals.macs)}", f"{human(totals.flops)} FLOPs", totals.macs),
        Tile("Params", human(totals.params), f"{human(totals.weight_bytes, 'B')}", totals.params),
        Tile(
            "Peak activations", least + human(totals.peak_activation_bytes, "B"), "",
            totals.peak_activation_bytes,
        ),
        Tile(
            "Bytes moved", least + human(totals.bytes_moved, "B"),
            f"{totals.intensity:.1f} FLOPs per byte" if totals.intensity and not least else "",
            totals.bytes_moved,
        ),
        Tile(
            "Layers", f"{len(analysis.rows):,}",
            f"{open_} not counted" if open_ else "all counted", len(analysis.rows),
            "bad" if open_ else "",
        ),
    ]  # fmt: skip
    if totals.separable_macs < totals.macs:
        fewer = f"{times(totals.reduction)} fewer"
        smaller = totals.params / totals.separable_params if totals.separable_params else 1.0
        params = f"{times(smaller)} fewer"
        shown[1:1] = [
            Tile("MACs, separable", least + human(totals.separable_macs), fewer,
                 totals.separable_macs, "good"),
        ]  # fmt: skip
        shown[3:3] = [
            Tile("Params, separable", human(totals.separable_params), params,
                 totals.separable_params, "good"),
        ]  # fmt: skip
    return shown


def _separable(analysis: Analysis, id_: str) -> tuple[Section, ...]:
    rows = [
        (label(row.layer), row.macs, row.separable.macs)
        for row in analysis.rows
        if row.counted and row.macs and row.separable and row.separable.macs is not None
    ]
    notes = ["MACs of each convolution that can be separated: regular, and separable at rank 1."]
    return charts.compared(f"{id_}-separable", "Regular and separable", rows, notes)


def layers(
    analysis: Analysis, rows: Sequence[LayerCost], id_: str, times_ns: Times = None
) -> tuple[Section, ...]:
    """Every layer with its cost."""
    whole = analysis.totals.macs
    measured = times_ns or {}

    def share(row: LayerCost) -> float | None:
        return row.macs / whole if row.macs and whole and row.counted else None

    columns: tuple[Col[LayerCost], ...] = (
        Col("layer", "code", lambda r: label(r.layer)),
        Col("op", "text", lambda r: operator(r.layer), group=True),
        Col("scope", "code", lambda r: r.layer.scope, group=True),
        Col("kernel", "text", geometry, group=True),
        Col("output", "text", output_shape),
        Col("MACs", "count", lambda r: r.macs, total=True),
        Col("share", "percent", share, total=True, hint="of the MACs of the model"),
        Col(
            "separable MACs",
            "count",
            lambda r: r.separable.macs if r.separable else None,
            total=True,
        ),
        Col("fewer", "times", _fewer, hint="regular MACs / separable MACs"),
        Col("break-even", "number", _break_even, hint="cheaper below this rank"),
        Col("params", "count", lambda r: r.params, total=True),
        Col("bytes moved", "bytes", lambda r: r.bytes_moved, total=True),
        Col("FLOPs per byte", "number", lambda r: r.intensity),
        Col("elementwise", "count", lambda r: r.elementwise_ops, total=True),
        Col("time", "ns", lambda r: measured.get(r.layer.id), total=True),
        Col("status", "text", _status, group=True),
        Col("why not separable", "text", _reason, group=True),
    )
    cut = "" if len(rows) == len(analysis.rows) else f"{len(rows)} of {len(analysis.rows)}. "
    note = f"{cut}In order of execution; click a heading to sort, hover for exact numbers."
    return table(f"{id_}-layers", "Layers", columns, rows, note)


Times = dict[str, float] | None


def _fewer(row: LayerCost) -> float | None:
    found = row.separable
    return row.macs / found.macs if found and found.macs and row.macs else None


def _break_even(row: LayerCost) -> float | None:
    found = row.separable if row.separable and row.separable.eligible else row.low_rank
    return found.break_even_rank if found else None


def _status(row: LayerCost) -> str:
    if not row.counted:
        return "only its params count" if row.params else "not in the totals"
    return row.status.value if row.reason is None else f"{row.status.value}: {row.reason}"


def _reason(row: LayerCost) -> str:
    return (row.separable.reason or "") if row.separable else ""


def _memory(analysis: Analysis, id_: str) -> tuple[Section, ...]:
    network = analysis.network
    order = [layer for layer in network.layers if branches.may_run(layer, network.choices)]
    names = ["start", *map(label, order)]
    rows = list(zip(names, memory.live_bytes(network, order), strict=True))
    note = "Bytes of live activations while each layer runs, in order of execution."
    return charts.steps(f"{id_}-memory", "Memory during the run", rows, [note])


def _uncounted(analysis: Analysis, id_: str) -> tuple[Section, ...]:
    lines = [
        f"{count} × {op}: {reason} ({', '.join(shorten(name, 60) for name in names)}"
        f"{', …' if count > len(names) else ''})"
        for op, reason, names, count in uncounted(analysis)
    ]
    stays = Counter(
        row.separable.reason
        for row in analysis.rows
        if row.separable and not row.separable.eligible and row.separable.reason
    )
    kept = [f"{count} × {reason}" for reason, count in stays.most_common()]
    return (
        *listing(f"{id_}-uncounted", "Not counted", lines, "The totals are lower bounds."),
        *listing(f"{id_}-kept", "Not separable", kept, "Convolutions that would stay regular."),
        *listing(f"{id_}-warnings", "Notes", (*analysis.warnings, *analysis.advice)),
    )


def _together(analyses: Sequence[Analysis], names: Sequence[str]) -> tuple[Section, ...]:
    rows = list(zip(names, analyses, strict=True))
    columns: tuple[Col[tuple[str, Analysis]], ...] = (
        Col("model", "code", lambda r: r[0]),
        Col("MACs", "count", lambda r: r[1].totals.macs),
        Col("separable MACs", "count", lambda r: r[1].totals.separable_macs),
        Col("fewer", "times", lambda r: r[1].totals.reduction),
        Col("params", "count", lambda r: r[1].totals.params),
        Col("separable params", "count", lambda r: r[1].totals.separable_params),
        Col("peak activations", "bytes", lambda r: r[1].totals.peak_activation_bytes),
        Col("layers", "whole", lambda r: len(r[1].rows)),
        Col("complete", "text", lambda r: "yes" if r[1].coverage.complete else "no"),
    )
    bars = [(name, a.totals.macs, a.totals.separable_macs) for name, a in rows]
    note = "MACs of each network: regular, and with separable convolutions wherever they save MACs."
    return (
        *charts.compared("models-macs", "Regular and separable", bars, [note]),
        *table("models-table", "Totals", columns, rows),
    )
