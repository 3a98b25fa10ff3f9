"""Arenas as JSON; ``schemas/memory-1.json`` describes the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sepcost.cost.analysis import Analysis
from sepcost.report.json import per_model
from sepcost.report.view import View


def render(analyses: Sequence[Analysis], view: View) -> str:
    """One document for all analyses, with every buffer."""
    return per_model("memory", map(_entry, analyses), view)


def _entry(analysis: Analysis) -> dict[str, Any]:
    found = analysis.arena
    return {
        "name": analysis.network.name,
        "source": analysis.source,
        "bindings": dict(analysis.network.bindings),
        "size_bytes": found.size_bytes,
        "least_bytes": found.least_bytes,
        "peak_activation_bytes": analysis.totals.peak_activation_bytes,
        "buffers": [asdict(buffer) | {"values": list(buffer.values)} for buffer in found.buffers],
        "unplaced": list(found.unplaced),
    }
