"""The shortest time on a machine as JSON; ``schemas/roofline-1.json`` describes the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sepcost.cost.roofline import Roofline
from sepcost.report.json import per_model
from sepcost.report.view import View


def render(found: Sequence[Roofline], view: View) -> str:
    """One document for all analyses, with every layer that has MACs."""
    return per_model("roofline", map(_entry, found), view)


def _entry(one: Roofline) -> dict[str, Any]:
    return {
        "name": one.analysis.network.name,
        "source": one.analysis.source,
        "bindings": dict(one.analysis.network.bindings),
        "machine": asdict(one.machine),
        "arithmetic_ns": one.arithmetic_ns,
        "roofline_ns": one.roofline_ns,
        "complete": one.complete,
        "layers": [
            {
                "id": each.row.layer.id,
                "macs": each.row.macs,
                "bytes_moved": each.row.bytes_moved,
                "roofline_ns": each.ns,
                "limit": each.limit,
            }
            for each in one.layers
        ],
    }
