"""A conversion in CSV: one row a convolution, or one row a plan of the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepcost.report.csv import written

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion


def render(found: Conversion) -> str:
    """Write the frontier if it was asked for, else the layers."""
    document = found.to_dict()
    rows = document["frontier"] or document["layers"]
    header = list(rows[0]) if rows else ["id", "name", "op_type", "action", "reason"]
    return written(header, [[row[key] for key in header] for row in rows])
