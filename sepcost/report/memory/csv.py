"""Arenas as CSV: one row per value; values of one buffer have one offset."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.analysis import Analysis
from sepcost.report.csv import written
from sepcost.report.labels import bindings
from sepcost.report.view import View

HEADER = ("source", "model", "bindings", "value", "offset", "bytes", "first_row", "last_row")


def render(analyses: Sequence[Analysis], view: View) -> str:
    """One table for all analyses, then a row with its error per source that was not counted."""
    return written(
        (*HEADER, "error"),
        (
            *(
                (
                    each.source, each.network.name, bindings(each), value, buffer.offset,
                    buffer.size, buffer.first, buffer.last, "",
                )
                for each in analyses
                for buffer in each.arena.buffers
                for value in buffer.values
            ),
            *((fault.model, *[""] * (len(HEADER) - 1), fault.message) for fault in view.unread),
        ),
    )  # fmt: skip
