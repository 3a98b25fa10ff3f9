"""Arenas as JSON; ``schemas/memory-1.json`` describes the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sepcost.cost.analysis import Analysis
from sepcost.report.json import dumps, headed
from sepcost.report.view import View


def render(analyses: Sequence[Analysis], view: View) -> str:
    """One document for all analyses, with every buffer."""
    errors = [{"source": each.model, "message": each.message} for each in view.unread]
    body = {"models": list(map(_entry, analyses)), "errors": errors}
    return dumps(headed("memory", list(dict.fromkeys(each.source for each in analyses)), body))


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
