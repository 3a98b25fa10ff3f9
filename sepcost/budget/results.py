"""Budgets and verdicts: the frozen results of reading a configuration and judging by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from sepcost.budget.units import Change, Dimension
from sepcost.cost.analysis import Analysis
from sepcost.cost.ranges import Extent


class Level(StrEnum):
    """The effect of an exceeded budget."""

    ERROR = "error"
    WARN = "warn"


class Bound(StrEnum):
    """Side of the limit on which a value must stay."""

    MAX = "max"
    MIN = "min"


class Status(StrEnum):
    """Result of one budget, or of the whole check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"  # not judged: the model, its baseline or its measurement failed


@dataclass(frozen=True, slots=True)
class Location:
    """Place of a budget in a file; ``line`` counts from 1."""

    file: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit on one metric of one model.

    ``limit`` is an amount, a change against the baseline, or, for ``forbid-ops``, patterns.
    ``part`` is the metric of a layer for ``per-layer``, and empty otherwise.
    """

    metric: str  # as written: "macs", "macs-vs-baseline", "per-layer", "forbid-ops"
    limit: Fraction | Change | tuple[str, ...]
    bound: Bound = Bound.MAX
    level: Level = Level.ERROR
    location: Location | None = None  # None for a budget from the command line
    part: str = ""
    relative: bool = False  # per-layer: a share of the total, not an amount

    @property
    def name(self) -> str:
        """The metric in verdicts: ``per-layer.macs``."""
        return f"{self.metric}.{self.part}" if self.part else self.metric


@dataclass(frozen=True, slots=True)
class Facts:
    """The exact numbers of one model, by metric; unrounded, in base units.

    ``least`` names the metrics whose value is only a lower bound, or not even that.
    """

    model: str
    values: Mapping[str, Fraction]
    least: frozenset[str] = frozenset()
    analysis: Analysis | None = None  # None if the numbers come from a baseline file
    uncounted: int = 0  # layers without a count
    missing: tuple[str, ...] = ()  # files of external data that are missing or truncated
    extents: Mapping[str, Extent] = field(default_factory=dict)  # if a dimension has a range

    def value(self, metric: str, bound: Bound) -> Fraction | None:
        """The value that a limit on this side has to hold: over a range of sizes, the worst."""
        extent = self.extents.get(metric)
        if extent is None:
            return self.values.get(metric)
        return Fraction(extent.most if bound is Bound.MAX else extent.least)

    def place(self, metric: str, bound: Bound) -> Mapping[str, int]:
        """The sizes of that value; empty without a range, or if it is the same at every size."""
        extent = self.extents.get(metric)
        if extent is None or extent.least == extent.most:
            return {}
        return extent.most_at if bound is Bound.MAX else extent.least_at


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a model was not judged, or only in part."""

    model: str
    message: str
    exit_code: int = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value and its interval, whose bounds are equal for an exact value."""

    value: float
    low: float
    high: float


#: Measured metrics of one model by name: ``latency``, ``latency-vs-baseline``, ...
Measured = Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class Cause:
    """One layer that contributes to a verdict. Its texts come from the model: untrusted."""

    layer: str
    op_type: str
    amount: Fraction | None = None  # in the unit of the verdict
    change: str = ""  # "added", "removed", "changed", or "" without a comparison


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of one budget on one model."""

    model: str
    metric: str
    actual: Fraction | None
    limit: Fraction | None
    status: Status
    breaks: bool  # whether it fails the whole check
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
    """New text of a baseline file, for the caller to write."""

    path: str
    text: str
    kept: tuple[str, ...]  # values that would have been looser: "models/a.onnx: macs"


@dataclass(frozen=True, slots=True)
class Check:
    """All verdicts of one run, in the order of models and budgets."""

    verdicts: tuple[Verdict, ...]
    sources: tuple[str, ...]
    config: str | None = None  # the file with the budgets
    notes: tuple[str, ...] = ()
    baseline: Rewrite | None = None
    faults: tuple[Fault, ...] = ()
    host: str | None = None  # the machine that measured, if it is another one
    counts: Mapping[Status, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Count the verdicts."""
        found = {s: sum(v.status is s for v in self.verdicts) for s in Status}
        object.__setattr__(self, "counts", found)

    @property
    def ok(self) -> bool:
        """Whether no verdict fails the check."""
        return not any(verdict.breaks for verdict in self.verdicts)

    @property
    def exit_code(self) -> int:
        """0 within budget, 1 over budget or unknown, 2 unreadable model, 3 measurement failed."""
        codes = [fault.exit_code for fault in self.faults]
        return min(codes) if codes else int(not self.ok)

    @property
    def status(self) -> Status:
        """The worst status: error, then fail, then warn, then ok."""
        if self.counts[Status.ERROR]:
            return Status.ERROR
        if not self.ok:
            return Status.FAIL
        return Status.WARN if any(v.status is not Status.OK for v in self.verdicts) else Status.OK
