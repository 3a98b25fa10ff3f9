"""The JSON document of ``host check``; ``schemas/host-1.json`` describes it."""

from __future__ import annotations

from sepcost.latency.host_setup import Checked
from sepcost.report.json import dumps, headed
from sepcost.report.view import View


def render(found: Checked, view: View) -> str:
    """The machine, its versions and its providers."""
    document = {
        "machine": found.machine.to_dict(),
        "versions": dict(found.versions),
        "here": dict(found.here),
        "providers": list(found.providers),
    }
    return dumps(headed("host", [], document))
