"""The JSON document of ``bench``; ``schemas/bench-1.json`` describes it."""

from __future__ import annotations

from typing import Any

from sepcost.latency.results import Bench
from sepcost.report.json import dumps, headed
from sepcost.report.view import View


def render(bench: Bench, view: View) -> str:
    """Write the document."""
    return dumps(document(bench))


def document(bench: Bench) -> dict[str, Any]:
    """Return the document as plain data."""
    return headed("bench", bench.sources, bench.to_dict())
