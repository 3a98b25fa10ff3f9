"""A comparison of two models as a page, layer by layer."""

from __future__ import annotations

from sepcost.cost.diff import COSTS, TOTALS, Diff, LayerChange
from sepcost.report.diff.words import (
    TITLES,
    change,
    difference,
    doubt,
    geometry,
    headline,
    total,
    values,
)
from sepcost.report.html import charts
from sepcost.report.html.page import render as render_page
from sepcost.report.html.parts import Col, Page, PagePart, Section, Tile, listing, table
from sepcost.report.labels import label, operator
from sepcost.report.text import shorten
from sepcost.report.view import View

NAME_LIMIT = 80
MOST_DIFFERENCES = 12


def render(diff: Diff, view: View) -> str:
    """Totals, then every layer that changed."""
    old, new = (shorten(side.source, NAME_LIMIT) for side in (diff.old, diff.new))
    lead = headline(diff)
    part = PagePart(
        "diff", "Changes", lead, tuple(filter(None, [values(diff), doubt(diff)])),
        tuple(tiles(diff)),
        (
            *_macs(diff),
            *_layers(diff),
            *_totals(diff),
            *listing("diff-warnings", "Notes", [*diff.old.warnings, *diff.new.warnings]),
        ),
    )  # fmt: skip
    return render_page(Page(f"{old} → {new}", lead, (part,), "diff"))


def tiles(diff: Diff) -> list[Tile]:
    """The main totals: the new value and its change."""
    shown = []
    for name in ("macs", "params", "weight_bytes", "peak_activation_bytes"):
        old, new = diff.total(name)
        unit = "B" if name.endswith("_bytes") else ""
        moved = change(old, new, unit) if diff.is_exact(name) else "unknown change"
        tone = "" if old == new or not diff.is_exact(name) else "bad" if new > old else "good"
        detail = "unchanged" if moved == "=" else moved
        title = TITLES[name]
        shown.append(Tile(title[0].upper() + title[1:], total(diff.new, name), detail, new, tone))
    return shown


def _macs(diff: Diff) -> tuple[Section, ...]:
    rows = [(label(found.row.layer), found.delta("macs") or 0) for found in diff.changes]
    note = "How many more or fewer MACs each changed layer takes."
    return charts.changes("diff-macs", "Change in MACs", rows, [note])


def _layers(diff: Diff) -> tuple[Section, ...]:
    columns: tuple[Col[LayerChange], ...] = (
        Col("change", "text", lambda c: c.kind.value, group=True),
        Col("layer", "code", lambda c: label(c.row.layer)),
        Col("op", "text", lambda c: operator(c.row.layer), group=True),
        Col("MACs", "change", lambda c: c.delta("macs"), total=True),
        Col("params", "change", lambda c: c.delta("params"), total=True),
        Col("bytes moved", "change", lambda c: c.delta("bytes_moved"), total=True),
        Col("elementwise", "change", lambda c: c.delta("elementwise_ops"), total=True),
        Col("difference", "code", _difference),
    )
    note = "In order of execution of the new model. The values of weights are not compared."
    return table("diff-layers", "Layers that changed", columns, diff.changes, note)


def _difference(layer: LayerChange) -> str:
    own = [each for each in layer.differences if each.what not in COSTS]
    shown = [difference(each) for each in own[:MOST_DIFFERENCES]]
    return ", ".join(shown) or geometry(layer.row)


def _totals(diff: Diff) -> tuple[Section, ...]:
    columns: tuple[Col[str], ...] = (
        Col("total", "text", TITLES.__getitem__),
        Col("old", "count", lambda name: diff.total(name)[0]),
        Col("new", "count", lambda name: diff.total(name)[1]),
        Col("change", "change", lambda name: _change(diff, name)),
    )
    return table("diff-totals", "Totals", columns, TOTALS, doubt(diff))


def _change(diff: Diff, name: str) -> int | None:
    old, new = diff.total(name)
    return new - old if diff.is_exact(name) else None
