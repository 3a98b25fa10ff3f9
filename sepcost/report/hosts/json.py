"""Models on several machines as JSON; ``schemas/hosts-1.json`` describes the document."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.latency.results import Bench
from sepcost.report.bench.json import document
from sepcost.report.json import dumps, headed
from sepcost.report.view import View


def render(benches: Sequence[Bench], view: View) -> str:
    """One document of ``bench`` per machine."""
    body = {"hosts": [document(bench) for bench in benches]}
    return dumps(headed("hosts", benches[0].sources, body))
