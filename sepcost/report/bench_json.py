"""The JSON documents of ``bench`` and ``providers``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sepcost import __version__
from sepcost.latency.results import Bench
from sepcost.latency.survey import ProviderInfo
from sepcost.report.json import dumps


def render(bench: Bench) -> str:
    """Write the bench document: ``schemas/bench-1.json`` describes it."""
    return dumps(document(bench))


def document(bench: Bench) -> dict[str, Any]:
    """Return the bench document as plain data."""
    return _headed("bench", list(bench.sources), bench.to_dict())


def samples(bench: Bench) -> str:
    """Write every timed run, launch by launch: wall and CPU time in ns, context switches."""
    models = [
        {"name": model.name, "launches": [asdict(launch) for launch in model.samples]}
        for model in bench.models
    ]
    return dumps(_headed("samples", list(bench.sources), {"models": models}))


def providers(found: Sequence[ProviderInfo]) -> str:
    """Write which execution providers there are."""
    return dumps(_headed("providers", [], {"providers": [asdict(one) for one in found]}))


def _headed(command: str, sources: list[str], body: dict[str, Any]) -> dict[str, Any]:
    heading = {"schema": f"sepcost/{command}/1", "version": __version__, "sources": sources}
    return heading | body
