"""Verdicts as GitLab's Code Quality report."""

from __future__ import annotations

import json
from posixpath import normpath

from sepcost.budget.results import Check, Status
from sepcost.report import verdicts
from sepcost.report.sarif import fingerprint
from sepcost.report.text import terminal


def render(check: Check) -> str:
    """One entry for each verdict that is not ok."""
    entries = [
        {
            "description": terminal(verdicts.full(verdict)),
            "check_name": f"sepcost/{verdict.metric}",
            "fingerprint": fingerprint(verdict),
            "severity": "major" if verdict.breaks else "minor",
            "location": {
                "path": _relative(terminal(verdicts.place(verdict).file)),
                "lines": {"begin": verdicts.place(verdict).line},
            },
        }
        for verdict in verdicts.ordered(check)
        if verdict.status is not Status.OK
    ]
    return json.dumps(entries, indent=1) + "\n"


def _relative(path: str) -> str:
    """GitLab knows files by their path in the repository, without a ``./`` before it."""
    return normpath(path.lstrip("/"))
