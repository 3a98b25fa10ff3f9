"""Analyze many sources at the same sizes; one that cannot be read does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sepcost.budget.results import Fault
from sepcost.cost.analysis import Analysis
from sepcost.errors import BindingError, UnknownNameError
from sepcost.evidence.count import KILLED, each, fault

Sizes = Mapping[str, Any]
#: ``sepcost.sweep`` of one source, as other processes can call it.
Sweep = Callable[..., tuple[Analysis, ...]]


@dataclass(frozen=True, slots=True)
class NamedSizes:
    """Sizes by name; each applies to the sources that have the name."""

    binds: Sequence[Mapping[str, int | range]] = ({},)
    shape: Sizes | None = None
    trips: Sizes | None = None

    def without(self, name: str) -> NamedSizes:
        """The sizes without this name; sizes that become equal are counted once."""
        binds = [{k: v for k, v in bind.items() if k != name} for bind in self.binds]
        unique = [bind for at, bind in enumerate(binds) if bind not in binds[:at]]
        shape, trips = (
            {k: v for k, v in (sizes or {}).items() if k != name}
            for sizes in (self.shape, self.trips)
        )
        return replace(self, binds=unique, shape=shape, trips=trips)


@dataclass(frozen=True, slots=True)
class Swept:
    """The outcome of one source."""

    source: str
    analyses: tuple[Analysis, ...] = ()
    fault: Fault | None = None
    bound: bool = False  # whether it was read, up to its sizes
    unknown: Mapping[str, Fault] = field(default_factory=dict)  # by the name that it does not have


def swept(
    sources: Sequence[str], sweep: Sweep, sizes: NamedSizes, jobs: int | None
) -> Iterator[Swept]:
    """Analyze every source, in the order given, as soon as each is done.

    Parameters
    ----------
    sources
        Files, specs and shipped networks.
    sweep
        ``sepcost.sweep``, or a partial of it.
    sizes
        Sizes by name.
    jobs
        Processes; None: chosen automatically.
    """
    yield from each(partial(_attempt, sweep, sizes), sources, jobs, _killed)


def settled(done: Iterable[Swept]) -> tuple[list[Analysis], list[Fault]]:
    """Collect analyses and faults; a name that no source has is a fault of every source."""
    done = list(done)
    bound = [set(one.unknown) for one in done if one.bound]
    nowhere = set.intersection(*bound) if bound else set()
    analyses: list[Analysis] = []
    faults: list[Fault] = []
    for one in done:
        wrong = [why for name, why in one.unknown.items() if name in nowhere]
        if found := [*wrong, *filter(None, [one.fault])]:
            faults.append(found[0])
        else:
            analyses += one.analyses
    return analyses, faults


def _killed(source: str) -> Swept:
    return Swept(source, fault=Fault(source, KILLED))


def _attempt(sweep: Sweep, sizes: NamedSizes, source: str) -> Swept:
    unknown: dict[str, Fault] = {}
    while True:
        try:
            analyses = sweep(source, binds=sizes.binds, shape=sizes.shape, trips=sizes.trips)
        except UnknownNameError as error:
            unknown[error.name] = fault(source, source, error)
            sizes = sizes.without(error.name)
        except Exception as error:
            wrong = fault(source, source, error)
            return Swept(source, (), wrong, isinstance(error, BindingError), unknown)
        else:
            return Swept(source, analyses, None, True, unknown)
