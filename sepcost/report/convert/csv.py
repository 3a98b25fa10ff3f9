"""A conversion in CSV: one row per convolution, or per plan of the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepcost.report.csv import written
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion


def render(found: Conversion, view: View) -> str:
    """The frontier if there is one, else the layers."""
    document = found.to_dict()
    rows = document["frontier"] or document["layers"]
    header = list(rows[0]) if rows else ["id", "name", "op_type", "action", "reason"]
    return written(header, [[row[key] for key in header] for row in rows])
