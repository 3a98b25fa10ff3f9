"""The JSON document of ``analyze``; ``schemas/analyze-1.json`` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sepcost.cost.analysis import Analysis
from sepcost.cost.document import group_entries, headed
from sepcost.report.analyze import select
from sepcost.report.json import dumps
from sepcost.report.view import View

GROUPED = frozenset({"op", "scope", "kernel"})


def render(analyses: Sequence[Analysis], view: View) -> str:
    """One document for all analyses.

    ``layers`` has the selected rows in their order; totals and coverage are those of the whole
    model. If rows are grouped, ``groups`` has one entry per group.
    """
    sources = list(dict.fromkeys(analysis.source for analysis in analyses))
    document = headed([_entry(analysis, view) for analysis in analyses], sources)
    document["errors"] = [{"source": each.model, "message": each.message} for each in view.unread]
    return dumps(document)


def _entry(analysis: Analysis, view: View) -> dict[str, Any]:
    entry = analysis.entry()
    layers = {layer["id"]: layer for layer in entry["layers"]}
    entry["layers"] = [layers[row.layer.id] for row in select.layers(analysis, view)]
    if view.rows.by in GROUPED:
        entry["groups"] = group_entries(select.groups(analysis, view))
    return entry
