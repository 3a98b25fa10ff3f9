"""The JSON document of ``providers``; ``schemas/providers-1.json`` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sepcost.latency.survey import ProviderInfo
from sepcost.report.json import dumps, headed
from sepcost.report.view import View


def render(providers: Sequence[ProviderInfo], view: View) -> str:
    """All execution providers, usable or not."""
    return dumps(headed("providers", [], {"providers": [asdict(each) for each in providers]}))
