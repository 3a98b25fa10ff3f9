"""The shortest time on a machine as a page."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.roofline import LayerRoofline, Roofline
from sepcost.report.analyze.words import titles
from sepcost.report.html.parts import Col, PagePart, Section, Tile, table
from sepcost.report.html.several import NAME_LIMIT, several
from sepcost.report.labels import label, operator
from sepcost.report.roofline.words import details, headline
from sepcost.report.text import shorten
from sepcost.report.units import duration
from sepcost.report.view import View


def render(found: Sequence[Roofline], view: View) -> str:
    """A part per analysis, and the sources that could not be counted."""
    names = [shorten(name, NAME_LIMIT) for name in titles([each.analysis for each in found])]
    parts = [
        PagePart(
            f"m{at}", name, headline(name, one).removeprefix(f"{name} "), tuple(details(one)),
            (
                Tile("At least", duration(one.arithmetic_ns), "all MACs at the peak",
                     one.arithmetic_ns),
                Tile("Roofline", duration(one.roofline_ns), "compute or memory",
                     one.roofline_ns),
            ),
            _layers(one, f"m{at}", view),
        )
        for at, (one, name) in enumerate(zip(found, names, strict=True))
    ]  # fmt: skip
    return several(parts, view)


def _layers(found: Roofline, id_: str, view: View) -> tuple[Section, ...]:
    whole = found.roofline_ns
    columns: tuple[Col[LayerRoofline], ...] = (
        Col("layer", "code", lambda each: label(each.row.layer)),
        Col("op", "text", lambda each: operator(each.row.layer), group=True),
        Col("MACs", "count", lambda each: each.row.macs, total=True),
        Col("moved", "bytes", lambda each: each.row.bytes_moved, total=True),
        Col("roofline", "ns", lambda each: each.ns, total=True),
        Col("share", "percent", lambda each: each.ns / whole if whole else None, total=True),
        Col("bound", "text", lambda each: each.limit, group=True),
    )
    return table(f"{id_}-layers", "Layers with MACs", columns, found.layers[: view.most or None])
