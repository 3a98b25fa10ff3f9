"""The JSON document of ``check``; ``schemas/check-1.json`` describes it."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import Any

from sepcost.budget.results import Check, Verdict
from sepcost.report.json import dumps, headed
from sepcost.report.view import View


def render(check: Check, view: View) -> str:
    """Every verdict, in the order of models and budgets."""
    body = {
        "config": check.config,
        "host": check.host,
        "status": check.status.value,
        "ok": check.ok,
        "counts": {status.value: count for status, count in check.counts.items()},
        "verdicts": [entry(verdict) for verdict in check.verdicts],
        "notes": list(check.notes),
    }
    return dumps(headed("check", check.sources, body))


def entry(verdict: Verdict) -> dict[str, Any]:
    """One entry of ``verdicts``."""
    where = verdict.location
    low, high = verdict.interval or (None, None)
    return {
        "model": verdict.model,
        "metric": verdict.metric,
        "actual": _plain(verdict.actual),
        "limit": _plain(verdict.limit),
        "bound": verdict.bound.value,
        "unit": verdict.dimension.value,
        "baseline": _plain(verdict.baseline),
        "interval": None
        if verdict.interval is None
        else {"low": _bound(low), "high": _bound(high)},
        "status": verdict.status.value,
        "level": verdict.level.value,
        "breaks": verdict.breaks,
        "detail": verdict.detail,
        "causes": [
            {"layer": c.layer, "op_type": c.op_type, "amount": _plain(c.amount), "change": c.change}
            for c in verdict.causes
        ],
        "location": where and {"file": where.file, "line": where.line},
    }


def _bound(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _plain(value: Fraction | None) -> int | float | None:
    """A number as JSON has it; an integer if it is whole."""
    if value is None:
        return None
    return value.numerator if value.denominator == 1 else float(value)
