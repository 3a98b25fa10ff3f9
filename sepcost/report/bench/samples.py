"""Every timed run of ``bench`` in JSON; ``schemas/samples-1.json`` describes it."""

from __future__ import annotations

from dataclasses import asdict

from sepcost.latency.results import Bench
from sepcost.report.json import dumps, headed
from sepcost.report.view import View


def render(bench: Bench, view: View) -> str:
    """All runs, launch by launch: wall time and CPU time in ns, context switches."""
    models = [
        {"name": model.name, "launches": [asdict(launch) for launch in model.samples]}
        for model in bench.models
    ]
    return dumps(headed("samples", bench.sources, {"models": models}))
