"""What changed between two networks, layer by layer, and what that costs.

Structure and cost are compared. The values of weights are compared where their hashes are given; a
network that was only trained further shows no other change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from sepcost.cost.analysis import Analysis, LayerCost
from sepcost.cost.match import match
from sepcost.network import Shape

#: What a layer costs, as compared, and by the names of the JSON document.
COSTS = ("macs", "params", "weight_bytes", "elementwise_ops", "bytes_moved", "activation_bytes")
TOTALS = (
    "macs", "flops", "params", "elementwise_ops", "weight_bytes", "activation_bytes",
    "peak_activation_bytes", "separable_macs", "separable_params",
)  # fmt: skip

#: Hashes of contents by the names of constants.
Digests = Mapping[str, str]

Fact = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | None


class Kind(StrEnum):
    """What became of a layer."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that changed: ``kernel`` from (3, 3) to (5, 5). None where there was none."""

    what: str
    old: Fact
    new: Fact


@dataclass(frozen=True, slots=True)
class LayerChange:
    """One layer that is not what it was; ``old`` is None where it was added."""

    kind: Kind
    old: LayerCost | None
    new: LayerCost | None
    differences: tuple[Difference, ...] = ()

    @property
    def row(self) -> LayerCost:
        """The layer to name: the new one, or the removed."""
        row = self.new or self.old
        assert row is not None
        return row

    def delta(self, cost: str) -> int | None:
        """How much more the layer costs now, by a name in ``COSTS``; None where unknown.

        A row outside the totals costs nothing.
        """
        before, after = _cost(self.old, cost), _cost(self.new, cost)
        return None if before is None or after is None else after - before


@dataclass(frozen=True, slots=True)
class Diff:
    """Two networks side by side."""

    old: Analysis
    new: Analysis
    changes: tuple[LayerChange, ...]  # in execution order of the new network
    unchanged: int
    renamed: int  # of the unchanged
    weights: bool = False  # whether the values of weights were compared

    def total(self, name: str) -> tuple[int, int]:
        """A total of the old and of the new network, by a name in ``TOTALS``."""
        return getattr(self.old.totals, name), getattr(self.new.totals, name)

    @property
    def exact(self) -> bool:
        """Whether both networks were counted in full."""
        return self.old.coverage.complete and self.new.coverage.complete


def diff(old: Analysis, new: Analysis, values: tuple[Digests, Digests] | None = None) -> Diff:
    """Compare two analyses.

    Layers are matched by identity and structure, not by position alone; see ``match``.

    Parameters
    ----------
    old, new
        The sides.
    values
        The hashes of what the constants of each side hold, by name.
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
    """Whether what two layers have learned differs, whatever it is called."""
    if values is None:
        return
    before, after = (_held(row, side) for row, side in zip((old, new), values, strict=True))
    if before != after:
        yield Difference("weight values", before, after)


def _held(row: LayerCost, digests: Digests) -> str | None:
    """One short hash of all constants that a layer reads."""
    names = dict.fromkeys((*row.layer.parameters, *row.layer.reads))
    found = [digests[name] for name in names if name in digests]
    return sha256(" ".join(found).encode()).hexdigest()[:12] if found else None


def _removed(
    old: Analysis, pairs: dict[int, int]
) -> Iterator[tuple[tuple[int, int, int], LayerChange]]:
    """Removed layers, each placed before the successor of the layer that it stood behind."""
    heirs = {before: at for at, before in pairs.items()}
    place = 0
    for at, row in enumerate(old.rows):
        if at in heirs:
            place = heirs[at] + 1
        else:
            yield (place, 0, at), LayerChange(Kind.REMOVED, row, None)


def _cost(row: LayerCost | None, cost: str) -> int | None:
    if row is None or not row.counted:
        return 0
    found = getattr(row, cost)
    return found if found is None else int(found)


def _differences(old: LayerCost, new: LayerCost) -> Iterator[Difference]:
    """Properties that differ: those of the operator first, then what it costs."""
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
    found: dict[str, Fact] = {"op_type": layer.op_type}
    if conv is not None:
        found |= {
            "kernel": conv.kernel,
            "strides": conv.strides,
            "dilations": conv.dilations,
            "pads": conv.pads,
            "group": conv.group,
            "in_channels": conv.in_channels,
            "out_channels": conv.out_channels,
        }
    hidden = {"kernel_shape", "strides", "dilations", "pads", "group", "auto_pad"} if conv else ()
    found |= {key: value for key, value in layer.attributes.items() if key not in hidden}
    found |= _shapes("input", layer.inputs) | _shapes("output", layer.outputs)
    return found | {"trips": layer.trips}


def _shapes(side: str, shapes: tuple[Shape, ...]) -> dict[str, Fact]:
    return {f"{side} {at}" if at else side: shape for at, shape in enumerate(shapes)}
