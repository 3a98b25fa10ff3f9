"""Polynomials as JSON; ``schemas/symbolic-1.json`` describes the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sepcost.cost.polynomial import Polynomial
from sepcost.cost.symbolic import Fitted, Symbolic
from sepcost.report.json import per_model
from sepcost.report.symbolic.words import spelled
from sepcost.report.view import View


def render(found: Sequence[Symbolic], view: View) -> str:
    """One document for all networks, with every layer."""
    return per_model("symbolic", map(_entry, found), view)


def _entry(one: Symbolic) -> dict[str, Any]:
    return {
        "name": one.name,
        "source": one.source,
        "bindings": dict(one.bindings),
        "classes": [asdict(each) for each in one.classes],
        "fitted": one.fitted,
        "verified": one.verified,
        "complete": one.complete,
        "totals": _costs(one.totals),
        "layers": [
            {
                "id": layer.id,
                "name": layer.name,
                "op_type": layer.op_type,
                "costs": _costs(layer.costs),
            }
            for layer in one.layers
        ],
        "warnings": list(one.warnings),
    }


def _costs(costs: Mapping[str, Fitted]) -> dict[str, Any]:
    return {
        name: {
            "text": fitted.polynomial and spelled(fitted.polynomial),
            "terms": fitted.polynomial and _terms(fitted.polynomial),
            "reason": fitted.reason or None,
        }
        for name, fitted in costs.items()
    }


def _terms(polynomial: Polynomial) -> list[dict[str, Any]]:
    return [
        {
            "numerator": value.numerator,
            "denominator": value.denominator,
            "powers": {s: p for s, p in zip(polynomial.symbols, powers, strict=True) if p},
        }
        for powers, value in polynomial.terms.items()
    ]
