"""Where a measurement runs: here, or on another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sepcost.latency import child, machine
from sepcost.latency.hosts.host import Host
from sepcost.latency.results import Machine

#: Runs a job with a time-out, and tells each step if a function for that is given.
Execute = Callable[..., child.Message]


@dataclass(frozen=True, slots=True)
class Place:
    """A machine that runs jobs."""

    execute: Execute
    facts: Callable[[], Machine]


@contextmanager
def place(host: str | None) -> Iterator[Place]:
    """Open this machine, or another one, whose connection closes at the end."""
    if host is None:
        yield Place(child.execute, machine.facts)
        return
    with Host(host) as far:
        yield Place(far.execute, far.facts)


def require_ready(hosts: Sequence[str | None]) -> None:
    """Refuse machines that cannot measure, before minutes are spent on other work.

    Raises
    ------
    HostError
        One cannot be reached, or was not set up.
    """
    for host in filter(None, hosts):
        with Host(host) as far:
            far.require_ready()
