"""Arenas as a page."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.analysis import Analysis
from sepcost.cost.arena import Buffer
from sepcost.report.analyze.words import titles
from sepcost.report.html.parts import Col, PagePart, Section, Tile, table
from sepcost.report.html.several import NAME_LIMIT, several, texts
from sepcost.report.memory.words import columns, details, headline
from sepcost.report.text import shorten
from sepcost.report.units import human
from sepcost.report.view import View


def render(analyses: Sequence[Analysis], view: View) -> str:
    """A part per analysis, and the sources that could not be counted."""
    names = [shorten(name, NAME_LIMIT) for name in titles(analyses)]
    parts = [
        PagePart(
            f"m{at}", name, headline(name, analysis.arena).removeprefix(f"{name}: "),
            tuple(details(analysis, analysis.arena)), _tiles(analysis),
            _buffers(analysis, f"m{at}", view),
        )
        for at, (analysis, name) in enumerate(zip(analyses, names, strict=True))
    ]  # fmt: skip
    return several(parts, view)


def _tiles(analysis: Analysis) -> tuple[Tile, ...]:
    found, peak = analysis.arena, analysis.totals.peak_activation_bytes
    least = found.least_bytes
    return (
        Tile("Arena", human(found.size_bytes, "B"), f"{len(found.buffers)} buffers",
             found.size_bytes),
        Tile("Least possible", human(least, "B"), "", least),
        Tile("Peak activations", human(peak, "B"), "without in-place operators", peak),
    )  # fmt: skip


def _buffers(analysis: Analysis, id_: str, view: View) -> tuple[Section, ...]:
    """The numbers exactly, as they are offsets."""
    numbers: tuple[Col[Buffer], ...] = (
        Col("offset", "whole", lambda buffer: buffer.offset),
        Col("bytes", "whole", lambda buffer: buffer.size),
    )
    words = texts(columns(analysis)[len(numbers) :])
    rows = analysis.arena.buffers[: view.most or None]
    return table(f"{id_}-buffers", "Buffers", (*numbers, *words), rows)
