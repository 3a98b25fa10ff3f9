"""The changes between two networks, per layer, and their cost.

Structure and cost are compared. The values of weights are compared if their hashes are given;
otherwise further training does not count as a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from sepcost.cost.analysis import Analysis
from sepcost.cost.match import match
from sepcost.cost.results import STORED, LayerCost
from sepcost.network import ABSENT, Shape

#: The costs that are compared, by their names in the JSON document.
COSTS = ("macs", "params", "weight_bytes", "elementwise_ops", "bytes_moved", "activation_bytes")
TOTALS = (
    "macs", "flops", "params", "elementwise_ops", "weight_bytes", "activation_bytes",
    "peak_activation_bytes", "separable_macs", "separable_params",
)  # fmt: skip

#: The property of a pair whose weights differ.
WEIGHT_VALUES = "weight values"

UNKNOWN = "unknown"  # in place of a shape

#: Hashes of contents by the names of constants.
Digests = Mapping[str, str]

Fact = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | None


class Kind(StrEnum):
    """The kind of a change."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that changed, such as ``kernel`` from (3, 3) to (5, 5); None if absent."""

    what: str
    old: Fact
    new: Fact


@dataclass(frozen=True, slots=True)
class LayerChange:
    """One layer that changed; ``old`` is None if it was added, ``new`` if it was removed."""

    kind: Kind
    old: LayerCost | None
    new: LayerCost | None
    differences: tuple[Difference, ...] = ()

    @property
    def row(self) -> LayerCost:
        """The layer to name: the new one, or the removed one."""
        row = self.new or self.old
        assert row is not None
        return row

    def delta(self, cost: str) -> int | None:
        """The increase of a cost in ``COSTS``; None if unknown.

        A row that is not in the total costs 0.
        """
        before, after = _cost(self.old, cost), _cost(self.new, cost)
        return None if before is None or after is None else after - before


@dataclass(frozen=True, slots=True)
class Diff:
    """The comparison of two networks."""

    old: Analysis
    new: Analysis
    changes: tuple[LayerChange, ...]  # in execution order of the new network
    unchanged: int
    renamed: int  # of the unchanged
    weights: bool = False  # whether the values of weights were compared

    def total(self, name: str) -> tuple[int, int]:
        """Return one of ``TOTALS`` for the old and for the new network."""
        return getattr(self.old.totals, name), getattr(self.new.totals, name)

    def is_exact(self, name: str) -> bool:
        """Whether a total is known for both networks; otherwise one is a lower bound."""
        return is_exact(self.old, name) and is_exact(self.new, name)

    @property
    def exact(self) -> bool:
        """Whether both networks were counted in full."""
        return self.old.coverage.complete and self.new.coverage.complete


def is_exact(side: Analysis, name: str) -> bool:
    """Whether a total is known; otherwise it is a lower bound."""
    return side.coverage.complete or name in STORED


def diff(old: Analysis, new: Analysis, values: tuple[Digests, Digests] | None = None) -> Diff:
    """Compare two analyses.

    Layers are matched by identity and structure; see ``match``. ``values`` are the hashes of the
    constants of each side, by name.
    """
    pairs = match([row.layer for row in old.rows], [row.layer for row in new.rows])
    changes: list[tuple[tuple[int, int, int], LayerChange]] = []
    renamed = 0
    for at, row in enumerate(new.rows):
        if at not in pairs:
            changes.append(((at, 1, 0), LayerChange(Kind.ADDED, None, row)))
            continue
        before = old.rows[pairs[at]]
        differences = (*_differences(before, row), *_retrained(before, row, values))
        if differences:
            changes.append(((at, 1, 0), LayerChange(Kind.CHANGED, before, row, differences)))
        else:
            renamed += (before.layer.name, before.layer.id) != (row.layer.name, row.layer.id)
    changes += _removed(old, pairs)
    ordered = tuple(change for _, change in sorted(changes, key=lambda item: item[0]))
    changed = sum(change.kind is Kind.CHANGED for change in ordered)
    return Diff(old, new, ordered, len(pairs) - changed, renamed, values is not None)


def _retrained(
    old: LayerCost, new: LayerCost, values: tuple[Digests, Digests] | None
) -> Iterator[Difference]:
    """Compare the values of the weights of a pair, whatever they are called."""
    if values is None:
        return
    before, after = (_digest(row, side) for row, side in zip((old, new), values, strict=True))
    if before != after:
        yield Difference(WEIGHT_VALUES, before, after)


def _digest(row: LayerCost, digests: Digests) -> str | None:
    """Combine the hashes of all constants that a layer reads into one short hash."""
    names = dict.fromkeys((*row.layer.parameters, *row.layer.reads))
    found = [digests[name] for name in names if name in digests]
    return sha256(" ".join(found).encode()).hexdigest()[:12] if found else None


def _removed(
    old: Analysis, pairs: dict[int, int]
) -> Iterator[tuple[tuple[int, int, int], LayerChange]]:
    """Yield removed layers, each placed after the layer that it followed."""
    heirs = {before: at for at, before in pairs.items()}
    place = 0
    for at, row in enumerate(old.rows):
        if at in heirs:
            place = heirs[at] + 1
        else:
            yield (place, 0, at), LayerChange(Kind.REMOVED, row, None)


def _cost(row: LayerCost | None, cost: str) -> int | None:
    if row is None or not row.in_total(cost):
        return 0
    amount = getattr(row, cost)
    return amount if amount is None else int(amount)


def _differences(old: LayerCost, new: LayerCost) -> Iterator[Difference]:
    """Yield the properties that differ: those of the operator, then its costs."""
    before, after = _properties(old), _properties(new)
    for what in [*before, *(key for key in after if key not in before)]:
        if before.get(what) != after.get(what):
            yield Difference(what, before.get(what), after.get(what))
    for cost in COSTS:
        was, now = getattr(old, cost), getattr(new, cost)
        if was != now:
            yield Difference(cost, was, now)
    if old.counted != new.counted:
        yield Difference("counted", int(old.counted), int(new.counted))


def _properties(row: LayerCost) -> dict[str, Fact]:
    layer, conv = row.layer, row.convolution
    facts: dict[str, Fact] = {"op_type": layer.op_type}
    if conv is not None:
        facts |= {
            "kernel": conv.kernel,
            "strides": conv.strides,
            "dilations": conv.dilations,
            "pads": conv.pads,
            "group": conv.group,
            "in_channels": conv.in_channels,
            "out_channels": conv.out_channels,
        }
    hidden = {"kernel_shape", "strides", "dilations", "pads", "group", "auto_pad"} if conv else ()
    facts |= {key: value for key, value in layer.attributes.items() if key not in hidden}
    facts |= _shapes("input", layer.inputs, layer.reads)
    facts |= _shapes("output", layer.outputs, layer.writes)
    return facts | {"trips": layer.trips}


def _shapes(side: str, shapes: Sequence[Shape], names: Sequence[str]) -> dict[str, Fact]:
    """Shapes by position; an unknown one says so, one that is left out is None."""
    facts: dict[str, Fact] = {}
    for at, shape in enumerate(shapes):
        absent = UNKNOWN if at < len(names) and names[at] else None
        facts[f"{side} {at}" if at else side] = absent if shape == ABSENT else shape
    return facts
