"""Verdicts as GitLab's Code Quality report."""

from __future__ import annotations

import json
from posixpath import normpath

from sepcost.budget.results import Check, Status
from sepcost.report.check import verdicts
from sepcost.report.text import terminal
from sepcost.report.view import View


def render(check: Check, view: View) -> str:
    """One entry per verdict that is not ok."""
    entries = [
        {
            "description": terminal(verdicts.full(verdict)),
            "check_name": f"sepcost/{verdict.metric}",
            "fingerprint": verdicts.fingerprint(verdict),
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
    """GitLab identifies files by their path in the repository, without ``./``."""
    return normpath(path.lstrip("/"))
