"""The JSON document of ``check``; ``schemas/check-1.json`` describes it."""

from __future__ import annotations

from sepcost import __version__
from sepcost.budget.results import Check
from sepcost.report.json import dumps
from sepcost.report.verdicts import document

SCHEMA = "sepcost/check/1"


def render(check: Check) -> str:
    """Every verdict, in the order of models and budgets."""
    return dumps(
        {
            "schema": SCHEMA,
            "version": __version__,
            "sources": list(check.sources),
            "config": check.config,
            "status": check.status.value,
            "ok": check.ok,
            "counts": {status.value: count for status, count in check.counts.items()},
            "verdicts": [document(verdict) for verdict in check.verdicts],
            "notes": list(check.notes),
        }
    )
