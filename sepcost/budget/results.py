"""Budgets and verdicts: the frozen results of reading configuration and of judging by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from sepcost.budget.units import Change, Dimension
from sepcost.cost.analysis import Analysis


class Level(StrEnum):
    """What a budget does when it is broken."""

    ERROR = "error"
    WARN = "warn"


class Bound(StrEnum):
    """On which side of the limit a value has to stay."""

    MAX = "max"
    MIN = "min"


class Status(StrEnum):
    """What became of one budget."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a budget is written; ``line`` counts from 1."""

    file: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit on one metric of one model.

    ``limit`` is an amount, a change against the baseline, or, for ``forbid-ops``, patterns.
    ``part`` names the metric of a layer for ``per-layer``, and is empty elsewhere.
    """

    metric: str  # as it is written: "macs", "macs-vs-baseline", "per-layer", "forbid-ops"
    limit: Fraction | Change | tuple[str, ...]
    bound: Bound = Bound.MAX
    level: Level = Level.ERROR
    location: Location | None = None  # None for a budget from the command line
    part: str = ""
    relative: bool = False  # per-layer: a share of the whole, not an amount

    @property
    def name(self) -> str:
        """The metric as verdicts call it: ``per-layer.macs``."""
        return f"{self.metric}.{self.part}" if self.part else self.metric


@dataclass(frozen=True, slots=True)
class Facts:
    """The exact numbers of one model, by metric; unrounded, in base units.

    ``least`` names the metrics whose value is only a lower bound, or no bound at all.
    """

    model: str
    values: Mapping[str, Fraction]
    least: frozenset[str] = frozenset()
    analysis: Analysis | None = None  # None where the numbers come from a baseline file
    uncounted: int = 0  # layers without a count
    missing: tuple[str, ...] = ()  # files of external data that are not here, or cut short


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value between the bounds of its interval; equal where it is exact."""

    value: float
    low: float
    high: float


#: Measured metrics of one model by their keys: ``latency``, ``latency-vs-baseline``, ...
Measured = Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class Cause:
    """One layer that has to do with a verdict. Its texts come from the model: untrusted."""

    layer: str
    op_type: str
    amount: Fraction | None = None  # in the unit of the verdict
    change: str = ""  # "added", "removed", "changed", or "" where nothing was compared


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one budget on one model."""

    model: str
    metric: str
    actual: Fraction | None
    limit: Fraction | None
    status: Status
    breaks: bool  # whether it makes the whole check fail
    level: Level = Level.ERROR
    bound: Bound = Bound.MAX
    dimension: Dimension = Dimension.COUNT
    baseline: Fraction | None = None
    interval: tuple[float, float] | None = None
    detail: str = ""
    causes: tuple[Cause, ...] = ()
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A baseline file as ``--update`` asks for it; whoever asked writes it."""

    path: str
    text: str
    kept: tuple[str, ...]  # values that would have been looser: "models/a.onnx: macs"


@dataclass(frozen=True, slots=True)
class Check:
    """Every verdict of one run, in the order of models and budgets."""

    verdicts: tuple[Verdict, ...]
    sources: tuple[str, ...]
    config: str | None = None  # the file that the budgets come from
    notes: tuple[str, ...] = ()
    baseline: Rewrite | None = None
    counts: Mapping[Status, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Count the verdicts."""
        found = {s: sum(v.status is s for v in self.verdicts) for s in Status}
        object.__setattr__(self, "counts", found)

    @property
    def ok(self) -> bool:
        """Whether nothing breaks the check."""
        return not any(verdict.breaks for verdict in self.verdicts)

    @property
    def status(self) -> Status:
        """The worst that happened: fail, then warn, then ok."""
        if not self.ok:
            return Status.FAIL
        return Status.WARN if any(v.status is not Status.OK for v in self.verdicts) else Status.OK
