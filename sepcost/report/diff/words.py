"""A comparison of two networks in words, the same in every format. Nothing is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from sepcost.cost.analysis import Analysis
from sepcost.cost.diff import (
    COSTS,
    TOTALS,
    WEIGHT_VALUES,
    Diff,
    Difference,
    Fact,
    Kind,
    LayerChange,
    is_exact,
)
from sepcost.cost.results import LayerCost
from sepcost.report.units import dims, human, times

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
MOST_DIFFERENCES = 4
MANY = 10  # a larger increase is shown as a factor


@dataclass(frozen=True, slots=True)
class Total:
    """One total of both sides, written out."""

    title: str
    old: str
    new: str
    change: str


def totals(diff: Diff) -> Iterator[Total]:
    """Each total, except those that are zero on both sides."""
    for name in TOTALS:
        old, new = diff.total(name)
        if old or new or not diff.is_exact(name):
            unit = "B" if name.endswith("_bytes") else ""
            moved = change(old, new, unit) if diff.is_exact(name) else "?"
            yield Total(TITLES[name], total(diff.old, name), total(diff.new, name), moved)


def total(side: Analysis, name: str) -> str:
    """``16.6 M``, or ``at least 16.6 M`` if layers are not counted."""
    value = human(getattr(side.totals, name), "B" if name.endswith("_bytes") else "")
    return value if is_exact(side, name) else f"at least {value}"


def change(old: int, new: int, unit: str = "") -> str:
    """``+12.3 M (+2.1%)``, or ``+12.3 M (14.0×)`` from ten times on; ``=`` if nothing changed."""
    if old == new:
        return "="
    text = f"{'+' if new > old else '−'}{human(abs(new - old), unit)}"
    if not old:
        return text
    ratio = new / old
    share = f"{ratio - 1:+.1%}".replace("-", "−")
    return f"{text} ({times(ratio) if ratio >= MANY else share})"


def largest(diff: Diff, top: int = 0) -> tuple[LayerChange, ...]:
    """The ``top`` layers that change most (0: all), in execution order."""
    ranked = sorted(range(len(diff.changes)), key=lambda at: _weight(diff.changes[at]))
    return tuple(diff.changes[at] for at in sorted(ranked[:top] if top else ranked))


def _weight(layer: LayerChange) -> tuple[float, ...]:
    """By MACs, then params, then element operations; an unknown change comes first."""
    deltas = (layer.delta(cost) for cost in ("macs", "params", "elementwise_ops"))
    return tuple(-inf if delta is None else -abs(delta) for delta in deltas)


def delta(layer: LayerChange, cost: str) -> str:
    """``+12.3 M``; ``?`` if unknown, empty if nothing changed."""
    amount = layer.delta(cost)
    if amount is None:
        return "?"
    return f"{'+' if amount > 0 else '−'}{human(abs(amount))}" if amount else ""


def details(layer: LayerChange, most: int = MOST_DIFFERENCES) -> str:
    """What differs, or what was added or removed."""
    if layer.kind is not Kind.CHANGED:
        return geometry(layer.row)
    own = [each for each in layer.differences if each.what not in COSTS]
    shown = [difference(each) for each in (own or layer.differences)[:most]]
    left = len(own or layer.differences) - len(shown)
    return ", ".join([*shown, f"{left} more"] if left else shown)


def geometry(row: LayerCost) -> str:
    """The kernel, if the layer has one, and the output: ``3×3 in 2 groups, output 1×8×14×14``."""
    output = dims(row.layer.outputs[0]) if row.layer.outputs else ""
    if row.convolution is None:
        return f"output {output}" if output else ""
    group = f" in {row.convolution.group} groups" if row.convolution.group > 1 else ""
    return f"{dims(row.convolution.kernel)}{group}, output {output}"


def difference(found: Difference) -> str:
    """``kernel 3×3 → 5×5``, ``input[1] 64 → 16``."""
    side, _, at = found.what.partition(" ")
    what = f"{side}[{at or 0}]" if side in {"input", "output"} else found.what
    return f"{what} {_fact(found.old)} → {_fact(found.new)}"


def _fact(fact: Fact) -> str:
    if fact is None:
        return "none"
    if isinstance(fact, tuple):
        return "×".join(map(str, fact)) or "scalar"
    return str(fact)


def headline(diff: Diff) -> str:
    """``3 added, 1 removed, 2 changed, 40 unchanged (12 renamed)``."""
    counts = {kind: sum(layer.kind is kind for layer in diff.changes) for kind in Kind}
    parts = [f"{count} {kind.value}" for kind, count in counts.items() if count]
    renamed = f" ({diff.renamed} renamed)" if diff.renamed else ""
    return ", ".join([*parts, f"{diff.unchanged} unchanged{renamed}"])


def values(diff: Diff) -> str:
    """Whether weight values differ; empty if they were not compared."""
    if not diff.weights:
        return ""
    count = sum(
        any(each.what == WEIGHT_VALUES for each in layer.differences) for layer in diff.changes
    )
    many = f"{count} layer{'s' if count > 1 else ''}"
    return f"weight values differ in {many}" if count else "no weight values differ"


def doubt(diff: Diff) -> str:
    """A warning if a side could not be counted in full, else empty."""
    sides = {"old": diff.old, "new": diff.new}
    partial = [name for name, side in sides.items() if not side.coverage.complete]
    if not partial:
        return ""
    if len(partial) == 1:
        return f"the {partial[0]} model's totals are lower bounds: it has uncounted layers"
    return "the totals of both models are lower bounds: they have uncounted layers"
