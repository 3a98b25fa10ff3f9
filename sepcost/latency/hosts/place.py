"""Where a measurement runs: here, or on another machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sepcost.latency.hosts.host import Host


@contextmanager
def place(host: str | None) -> Iterator[Mapping[str, Any]]:
    """The arguments of ``measure.bench`` that run it on ``host``; none for this machine."""
    if host is None:
        yield {}
        return
    with Host(host) as far:
        yield {"execute": far.execute, "facts_of": far.facts}
