"""The causes of a verdict: layers, or changes since the baseline."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from sepcost.budget.metrics import EXACT, STORED, LayerRead
from sepcost.budget.results import Cause
from sepcost.cost.analysis import Analysis
from sepcost.cost.diff import LayerChange, diff
from sepcost.cost.results import CountStatus, LayerCost

MOST_CAUSES = 3


def largest(analysis: Analysis, metric: str) -> tuple[Cause, ...]:
    """The layers that contribute most to a metric."""
    read = EXACT[metric].layer if metric in EXACT else None
    if read is None or metric == "layers":
        return ()
    rows = [(read(row) or 0, row) for row in analysis.rows if row.counted or metric in STORED]
    return _first((amount, cause(row, Fraction(amount))) for amount, row in rows if amount)


def growth(old: Analysis, new: Analysis, metric: str) -> tuple[Cause, ...]:
    """The changes that raise a metric most."""
    read = EXACT[metric].layer if metric in EXACT else None
    if read is None:
        return ()
    deltas = [(_delta(change, read, metric in STORED), change) for change in diff(old, new).changes]
    return _first(
        (delta, cause(change.row, Fraction(delta), change.kind.value))
        for delta, change in deltas
        if delta > 0
    )


def uncounted(analysis: Analysis) -> tuple[Cause, ...]:
    """The layers missing from a lower bound."""
    return tuple(map(cause, _uncounted(analysis)))[:MOST_CAUSES]


def remedy(analysis: Analysis | None, observed: bool) -> str:
    """What may help if layers are not counted.

    A run finds shapes and trip counts that depend on data, not a formula.
    """
    found = analysis is not None and all(
        row.status is CountStatus.UNRESOLVED and (row.layer.missing or row.layer.trips is None)
        for row in _uncounted(analysis)
    )
    run = "observe = true in sepcost.toml may help, " if found and not observed else ""
    return f"{run}--allow-unknown passes anyway"


def _uncounted(analysis: Analysis) -> list[LayerCost]:
    missing = {CountStatus.UNKNOWN, CountStatus.UNRESOLVED}
    return [row for row in analysis.rows if row.status in missing]


def cause(row: LayerCost, amount: Fraction | None = None, change: str = "") -> Cause:
    """One layer by its name, or by its id if it has no name."""
    layer = row.layer
    op = f"{layer.domain}::{layer.op_type}" if layer.domain else layer.op_type
    return Cause(layer.name or layer.id, op, amount, change)


def _delta(change: LayerChange, read: LayerRead, stored: bool) -> int:
    before = read(change.old) if change.old and (stored or change.old.counted) else 0
    after = read(change.new) if change.new and (stored or change.new.counted) else 0
    return (after or 0) - (before or 0)


def _first(found: Iterable[tuple[int, Cause]]) -> tuple[Cause, ...]:
    return tuple(cause for _, cause in sorted(found, key=lambda item: -item[0]))[:MOST_CAUSES]
