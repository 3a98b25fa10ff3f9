"""How CSV is written: a stable header and plain numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from sepcost.cost.records import Cell
from sepcost.report import text


def written(header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> str:
    """Write a table; text that a spreadsheet would run as a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(map(_cell, row) for row in rows)
    return out.getvalue()


def _cell(value: Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return text.csv(value) if isinstance(value, str) else value
