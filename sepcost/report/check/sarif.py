"""Verdicts as SARIF 2.1.0 (OASIS), for code scanning by GitHub and others.

Every result has a physical location: GitHub refuses a file in which one is missing.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from sepcost import __version__
from sepcost.budget.results import Check, Status, Verdict
from sepcost.report.check import verdicts
from sepcost.report.text import terminal
from sepcost.report.view import View

VERSION = "2.1.0"
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render(check: Check, view: View) -> str:
    """One run, one rule per metric, one result per verdict that is not ok."""
    found = [verdict for verdict in verdicts.ordered(check) if verdict.status is not Status.OK]
    metrics = sorted({verdict.metric for verdict in found})
    driver = {"name": "sepcost", "version": __version__, "rules": [_rule(m) for m in metrics]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "results": [_result(verdict, metrics.index(verdict.metric)) for verdict in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=1) + "\n"


def _rule(metric: str) -> dict[str, Any]:
    return {
        "id": f"sepcost/{metric}",
        "name": "".join(part.capitalize() for part in metric.replace(".", "-").split("-")),
        "shortDescription": {"text": f"Cost budget: {metric}"},
        "defaultConfiguration": {"level": "error"},
    }


def _result(verdict: Verdict, rule: int) -> dict[str, Any]:
    where = verdicts.place(verdict)
    return {
        "ruleId": f"sepcost/{verdict.metric}",
        "ruleIndex": rule,
        "level": "error" if verdict.breaks else "warning",
        "message": {"text": terminal(verdicts.full(verdict))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(where.file)},
                    "region": {"startLine": where.line},
                }
            }
        ],
        "partialFingerprints": {"sepcost/1": verdicts.fingerprint(verdict)},
    }


def _uri(path: str) -> str:
    """A relative reference; a colon in its first part would be read as a scheme."""
    return quote(path.replace("\\", "/"), safe="/", errors="replace") or "."
