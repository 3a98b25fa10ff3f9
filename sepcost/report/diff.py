"""What changed between two networks, as cells of a table: the same words everywhere, unescaped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from sepcost.cost.analysis import LayerCost
from sepcost.cost.diff import COSTS, TOTALS, Diff, Difference, Fact, Kind, LayerChange
from sepcost.report.columns import label, operator
from sepcost.report.units import dims, human

TITLES = {
    "macs": "MACs",
    "flops": "FLOPs",
    "params": "params",
    "elementwise_ops": "elementwise ops",
    "weight_bytes": "weights",
    "activation_bytes": "activations",
    "peak_activation_bytes": "peak activations",
    "separable_macs": "separable MACs",
    "separable_params": "separable params",
}
SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}
MOST_DIFFERENCES = 4
VALUES = "weight values"


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a total, or a layer. Names and operators come from the model."""

    sign: str
    name: str
    op: str
    macs: str
    params: str
    what: str = ""


def totals(diff: Diff) -> Iterator[tuple[str, str, str, str]]:
    """Each total as (title, old, new, by how much); those that are zero on both sides are left."""
    for name in TOTALS:
        old, new = diff.total(name)
        if old or new:
            unit = "B" if name.endswith("_bytes") else ""
            yield TITLES[name], human(old, unit), human(new, unit), change(old, new, unit)


def change(old: int, new: int, unit: str = "") -> str:
    """``+12.3 M (+2.1 %)``; ``=`` where nothing changed."""
    if old == new:
        return "="
    text = f"{'+' if new > old else '-'}{human(abs(new - old), unit)}"
    return f"{text} ({(new - old) / old:+.1%})" if old else text


def lines(diff: Diff, top: int = 0) -> Iterator[Line]:
    """One row for each layer that changed; the ``top`` that change most, 0 for all, in order."""
    chosen = sorted(range(len(diff.changes)), key=lambda at: _weight(diff.changes[at]))
    for at in sorted(chosen[:top] if top else chosen):
        found = diff.changes[at]
        row = found.row
        yield Line(
            SIGNS[found.kind],
            label(row.layer),
            operator(row.layer),
            _delta(found, "macs"),
            _delta(found, "params"),
            _what(found),
        )


def _weight(found: LayerChange) -> tuple[float, ...]:
    """By MACs, then by params, then by element operations; what is unknown comes first."""
    deltas = (found.delta(cost) for cost in ("macs", "params", "elementwise_ops"))
    return tuple(-inf if delta is None else -abs(delta) for delta in deltas)


def _delta(found: LayerChange, cost: str) -> str:
    delta = found.delta(cost)
    if delta is None:
        return "?"
    return f"{'+' if delta > 0 else '-'}{human(abs(delta))}" if delta else ""


def _what(found: LayerChange) -> str:
    if found.kind is not Kind.CHANGED:
        return geometry(found.row)
    own = [one for one in found.differences if one.what not in COSTS]
    shown = [difference(one) for one in (own or found.differences)[:MOST_DIFFERENCES]]
    left = len(own or found.differences) - len(shown)
    return ", ".join([*shown, f"{left} more"] if left else shown)


def geometry(row: LayerCost) -> str:
    """What an added or removed layer is: its output, and its kernel where it has one."""
    output = dims(row.layer.outputs[0]) if row.layer.outputs else ""
    if row.convolution is None:
        return f"to {output}" if output else ""
    group = f" in {row.convolution.group} groups" if row.convolution.group > 1 else ""
    return f"{dims(row.convolution.kernel)}{group}, to {output}"


def difference(one: Difference) -> str:
    """``kernel 3×3 → 5×5``."""
    return f"{one.what} {_fact(one.old)} → {_fact(one.new)}"


def _fact(fact: Fact) -> str:
    if fact is None:
        return "none"
    if isinstance(fact, tuple):
        return "×".join(map(str, fact)) or "scalar"
    return str(fact)


def headline(diff: Diff) -> str:
    """``3 layers added, 1 removed, 2 changed, 40 unchanged (12 renamed)``."""
    counts = {kind: sum(found.kind is kind for found in diff.changes) for kind in Kind}
    parts = [f"{count} {kind.value}" for kind, count in counts.items() if count]
    renamed = f" ({diff.renamed} renamed)" if diff.renamed else ""
    return ", ".join([*parts, f"{diff.unchanged} unchanged{renamed}"])


def values(diff: Diff) -> str:
    """What became of the values of weights, where they were compared."""
    if not diff.weights:
        return ""
    count = sum(any(d.what == VALUES for d in found.differences) for found in diff.changes)
    many = f"{count} layer{'s' if count > 1 else ''}"
    return f"weight values differ in {many}" if count else "no weight values differ"


def doubt(diff: Diff) -> str:
    """What the numbers do not say, where a side could not be counted in full."""
    sides = {"old": diff.old, "new": diff.new}
    partial = [name for name, side in sides.items() if not side.coverage.complete]
    return (
        f"totals are lower bounds: the {' and the '.join(partial)} model has uncounted layers"
        if (partial)
        else ""
    )
