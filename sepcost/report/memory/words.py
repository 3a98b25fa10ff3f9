"""An arena in words and columns. Nothing is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from sepcost.cost import branches
from sepcost.cost.analysis import Analysis
from sepcost.cost.arena import Arena, Buffer
from sepcost.cost.words import plural
from sepcost.report.columns import Column
from sepcost.report.labels import label
from sepcost.report.text import shorten
from sepcost.report.units import human

NAMED = 3  # values named per buffer


def headline(name: str, found: Arena) -> str:
    """``net: 5.71 MB for all activations in one arena``."""
    return f"{name}: {human(found.size_bytes, 'B')} for all activations in one arena"


def details(analysis: Analysis, found: Arena) -> Iterator[str]:
    """The exact size, what no placement can beat, and the peak without in-place operators."""
    peak = analysis.totals.peak_activation_bytes
    least = (
        "the minimum possible"
        if found.size_bytes == found.least_bytes
        else f"at least {found.least_bytes:,} are needed"
    )
    yield f"{found.size_bytes:,} bytes in {plural(len(found.buffers), 'buffer')}, {least}"
    yield f"peak activations without in-place operators: {peak:,} bytes"
    if found.unplaced:
        shown = ", ".join(shorten(name, 40) for name in found.unplaced[:NAMED])
        more = ", …" if len(found.unplaced) > NAMED else ""
        yield f"not placed, of unknown size: {plural(len(found.unplaced), 'value')} ({shown}{more})"


def columns(analysis: Analysis) -> tuple[Column[Buffer], ...]:
    """The columns of one row per buffer."""
    choices = analysis.network.choices
    rows = [each for each in analysis.network.layers if branches.may_run(each, choices)]

    def row(number: int) -> str:
        return label(rows[number - 1]) if number else "input"

    def values(buffer: Buffer) -> str:
        more = len(buffer.values) - NAMED
        shown = ", ".join(buffer.values[:NAMED])
        return f"{shown}, {more} more" if more > 0 else shown

    return (
        Column("offset", lambda buffer: f"{buffer.offset:,}"),
        Column("bytes", lambda buffer: f"{buffer.size:,}"),
        Column("from", lambda buffer: row(buffer.first), 1, False, True),
        Column("until", lambda buffer: row(buffer.last), 2, False, True),
        Column("values", values, 0, False, True, "name"),
    )
