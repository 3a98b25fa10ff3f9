"""Budgets and evidence -> verdicts. Values are compared unrounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction

from sepcost.budget import causes
from sepcost.budget.metrics import (
    EXACT,
    METRICS,
    OUTPUTS,
    PER_LAYER,
    STORED,
    VS_BASELINE,
    base,
    measured,
)
from sepcost.budget.results import (
    Bound,
    Budget,
    Cause,
    Facts,
    Fault,
    Level,
    Measured,
    Reading,
    Status,
    Verdict,
)
from sepcost.budget.units import Change, Dimension
from sepcost.cost.analysis import Analysis
from sepcost.cost.results import LayerCost
from sepcost.cost.words import plural

#: The metric in the verdict on a model that cannot be judged.
MODEL = "model"

NO_BASELINE = "not in the baseline, so not compared"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about one model when it is judged."""

    facts: Facts
    baseline: Facts | None = None
    measured: Measured | None = None
    no_baseline: str = NO_BASELINE  # why there is no baseline
    new_is_fine: bool = False  # whether a model without a baseline passes with a warning
    observed: bool = False  # whether the model was run to count it
    unmeasured: Fault | None = None  # why the measurement failed
    uncompared: Fault | None = None  # why the baseline cannot be used


@dataclass(frozen=True, slots=True)
class Leniency:
    """Results that do not count as failures."""

    allow_unknown: bool = False
    inconclusive: str = "warn"  # warn | fail | ok


def judge(
    budgets: Sequence[Budget],
    evidence: Evidence,
    leniency: Leniency = Leniency(),
) -> tuple[Verdict, ...]:
    """Judge one model by its budgets.

    A lower bound never passes a budget: it fails if it already exceeds the limit, and is unknown
    otherwise; unknown fails the check unless ``leniency`` allows it. A measured value fails only if
    its whole interval is beyond the limit.
    """
    verdicts = (_verdict(budget, evidence, leniency) for budget in budgets)
    return tuple(_settled(verdict, evidence, leniency) for verdict in verdicts)


def _verdict(budget: Budget, evidence: Evidence, leniency: Leniency) -> Verdict:
    if budget.metric == "forbid-ops":
        return _forbidden(budget, evidence.facts)
    if budget.metric == "per-layer":
        return _per_layer(budget, evidence.facts)
    if measured(budget.metric):
        return _measured(budget, evidence, leniency)
    return _exact(budget, evidence)


def _settled(verdict: Verdict, evidence: Evidence, leniency: Leniency) -> Verdict:
    """Turn failures of level "warn" into warnings, and decide whether the check fails."""
    if verdict.level is Level.WARN and verdict.status is Status.FAIL:
        verdict = replace(verdict, status=Status.WARN)
    unknown = verdict.status is Status.UNKNOWN
    strict = unknown and not leniency.allow_unknown and verdict.level is Level.ERROR
    if strict and verdict.causes:  # layers that could not be counted
        remedy = causes.remedy(evidence.facts.analysis, evidence.observed)
        verdict = replace(verdict, detail=f"{verdict.detail}; {remedy}")
    failed = verdict.status in {Status.FAIL, Status.ERROR}
    return replace(verdict, breaks=failed or strict)


def failed(fault: Fault) -> Verdict:
    """One verdict for all budgets of a model that could not be read."""
    return Verdict(fault.model, MODEL, None, None, Status.ERROR, breaks=True, detail=fault.message)


def _blank(budget: Budget, facts: Facts, dimension: Dimension) -> Verdict:
    limit = budget.limit if isinstance(budget.limit, Fraction) else None
    return Verdict(
        facts.model, budget.name, None, limit, Status.OK, breaks=False, level=budget.level,
        bound=budget.bound, dimension=dimension, location=budget.location,
    )  # fmt: skip


def _exact(budget: Budget, evidence: Evidence) -> Verdict:
    facts, metric = evidence.facts, base(budget.metric)
    verdict = _blank(budget, facts, EXACT[metric].dimension)
    actual = facts.value(metric, budget.bound)
    if actual is None:
        return replace(
            verdict,
            status=Status.UNKNOWN,
            detail="the model is not a file, so it has no size on disk",
        )
    place = facts.place(metric, budget.bound)
    verdict = replace(verdict, actual=actual, detail=_at(place))
    if isinstance(budget.limit, Change):
        before = _before(metric, budget.bound, evidence)
        if before is None:
            return _uncompared(verdict, evidence)
        verdict = replace(verdict, limit=budget.limit.limit(before), baseline=before)
    return _compared(verdict, evidence, metric)


def _at(sizes: Mapping[str, int]) -> str:
    return f"at {' '.join(f'{name}={size}' for name, size in sizes.items())}" if sizes else ""


def _before(metric: str, bound: Bound, evidence: Evidence) -> Fraction | None:
    """The value of the baseline; None for a lower bound, which cannot be compared."""
    known = evidence.baseline
    return None if known is None or metric in known.least else known.value(metric, bound)


def _uncompared(verdict: Verdict, evidence: Evidence) -> Verdict:
    if evidence.uncompared:
        return _error(verdict, evidence.uncompared)
    fresh = evidence.new_is_fine and evidence.baseline is None
    why = "the baseline's value is only a lower bound" if evidence.baseline else ""
    status = Status.WARN if fresh else Status.UNKNOWN
    return replace(verdict, status=status, detail=why or evidence.no_baseline)


def _error(verdict: Verdict, fault: Fault) -> Verdict:
    return replace(verdict, status=Status.ERROR, detail=fault.message)


def _compared(verdict: Verdict, evidence: Evidence, metric: str) -> Verdict:
    """Compare an exact value, or a lower bound, with the limit."""
    facts, actual, limit = evidence.facts, verdict.actual, verdict.limit
    assert actual is not None
    assert limit is not None
    if metric in facts.least:
        surely = verdict.bound is Bound.MAX and actual > limit and metric != "separable-headroom"
        if not surely:
            return _unknown(verdict, facts, metric)
        verdict = replace(verdict, detail="at least")
    if _beyond(actual, limit, verdict.bound):
        return replace(verdict, status=Status.FAIL, causes=_causes(verdict, evidence, metric))
    return verdict


def _beyond(value: Fraction, limit: Fraction, bound: Bound) -> bool:
    return value > limit if bound is Bound.MAX else value < limit


def _unknown(verdict: Verdict, facts: Facts, metric: str) -> Verdict:
    if metric == "file-size":
        why = f"external data missing or truncated: {', '.join(facts.missing)}"
        return replace(verdict, status=Status.UNKNOWN, detail=why)
    found = causes.uncounted(facts.analysis) if facts.analysis else ()
    many = plural(facts.uncounted, "layer")
    why = f"{many} could not be counted" if facts.uncounted else "some sizes are unknown"
    return replace(verdict, status=Status.UNKNOWN, detail=why, causes=found)


def _causes(verdict: Verdict, evidence: Evidence, metric: str) -> tuple[Cause, ...]:
    """The changes that raised the metric, if the baseline is a model, else the top layers."""
    new = evidence.facts.analysis
    old = evidence.baseline.analysis if evidence.baseline else None
    if new is None or verdict.bound is Bound.MIN:
        return ()
    place = evidence.facts.place(metric, verdict.bound)
    if any(new.network.bindings.get(name) != size for name, size in place.items()):
        return ()  # the analysis is of the sizes with the most MACs
    if old is not None and (found := causes.growth(old, new, metric)):
        return found
    return () if VS_BASELINE in verdict.metric else causes.largest(new, metric)


def _forbidden(budget: Budget, facts: Facts) -> Verdict:
    """Operators by name, by ``domain::name``, or by a glob of either."""
    verdict = replace(_blank(budget, facts, Dimension.COUNT), limit=Fraction(0))
    if facts.analysis is None or not isinstance(budget.limit, tuple):
        return replace(verdict, status=Status.UNKNOWN)
    patterns = budget.limit
    matches = [row for row in facts.analysis.rows if _listed(row, patterns)]
    verdict = replace(verdict, actual=Fraction(len(matches)))
    if not matches:
        return verdict
    named = tuple(causes.cause(row) for row in matches[: causes.MOST_CAUSES])
    return replace(verdict, status=Status.FAIL, causes=named)


def _listed(row: LayerCost, patterns: Sequence[str]) -> bool:
    layer = row.layer
    names = (layer.op_type, f"{layer.domain}::{layer.op_type}")
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _per_layer(budget: Budget, facts: Facts) -> Verdict:
    """The most expensive layer, as an amount or as a share of the total."""
    relative = budget.relative
    dimension = Dimension.SHARE if relative else EXACT[budget.part].dimension
    verdict = _blank(budget, facts, dimension)
    if facts.analysis is None or not isinstance(budget.limit, Fraction):
        return replace(verdict, status=Status.UNKNOWN)
    if facts.extents:
        why = "layers are not judged over a range of sizes; bind every dimension to one size"
        return replace(verdict, status=Status.UNKNOWN, detail=why)
    amounts = sorted(_amounts(facts.analysis, budget), key=lambda item: -item[0])
    actual = amounts[0][0] if amounts else Fraction(0)
    verdict = replace(verdict, actual=actual)
    over = [causes.cause(row, amount) for amount, row in amounts if amount > budget.limit]
    if budget.part in facts.least and (relative or not over):
        return _unknown(verdict, facts, budget.part)
    if over:
        return replace(verdict, status=Status.FAIL, causes=tuple(over[: causes.MOST_CAUSES]))
    return verdict


def _amounts(analysis: Analysis, budget: Budget) -> Iterator[tuple[Fraction, LayerCost]]:
    read = PER_LAYER[budget.part].layer
    assert read is not None
    rows = [(read(row) or 0, row) for row in analysis.rows if row.counted or budget.part in STORED]
    total = sum(amount for amount, _ in rows) if budget.relative else 1
    for amount, row in rows:
        yield Fraction(amount, total) if total else Fraction(0), row


def _measured(budget: Budget, evidence: Evidence, leniency: Leniency) -> Verdict:
    """Judge a change by the measured ratio, never by two separate latencies."""
    change = budget.limit if isinstance(budget.limit, Change) else None
    dimension = METRICS[base(budget.metric)].dimension
    verdict = _blank(budget, evidence.facts, Dimension.FACTOR if change else dimension)
    reading = (evidence.measured or {}).get(budget.metric)
    if change:
        verdict = replace(verdict, limit=change.factor, baseline=Fraction(1))
    if reading is None and evidence.unmeasured:
        return _error(verdict, evidence.unmeasured)
    if reading is None:
        if not evidence.baseline and (change or budget.metric in OUTPUTS):
            return _uncompared(verdict, evidence)
        return replace(verdict, status=Status.UNKNOWN, detail="not measured")
    verdict = replace(
        verdict, actual=Fraction(str(reading.value)), interval=(reading.low, reading.high)
    )
    return _held(verdict, reading, leniency)


def _held(verdict: Verdict, reading: Reading, leniency: Leniency) -> Verdict:
    """Fail if the whole interval is beyond the limit, pass if none of it is."""
    limit = float(verdict.limit or 0)
    low, high = reading.low, reading.high
    least, most = (low, high) if verdict.bound is Bound.MAX else (-high, -low)
    edge = limit if verdict.bound is Bound.MAX else -limit
    if least > edge:
        return replace(verdict, status=Status.FAIL)
    if most <= edge:
        return verdict
    status = Status(leniency.inconclusive)
    return replace(verdict, status=status, detail="inconclusive: the interval contains the limit")
