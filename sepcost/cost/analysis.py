"""What a network costs: the frozen results that every report reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sepcost.network import Layer, Network, Shape


class Status(StrEnum):
    """How far a layer's MACs are known."""

    COUNTED = "counted"
    FREE = "free"  # costs no MACs by definition
    UNKNOWN = "unknown"  # no formula for the operator
    UNRESOLVED = "unresolved"  # a formula, but a shape or a trip count is missing


@dataclass(frozen=True, slots=True)
class Conventions:
    """What people disagree on; the defaults are those of the README."""

    conv_transpose: str = "input"  # positions that a ConvTranspose is counted at: input | output
    count_bias: bool = False  # one more MAC for each output element of an operator with a bias
    if_branches: str = "max"  # max | sum | then | else


@dataclass(frozen=True, slots=True)
class Convolution:
    """The geometry of one convolution, the same for every operator that convolves."""

    kernel: Shape
    strides: Shape
    dilations: Shape
    pads: Shape  # begins, then ends, auto_pad resolved
    group: int
    in_channels: int
    out_channels: int
    positions: int  # batch times output positions (times input positions when transposed)
    pointwise_positions: int  # batch times output positions, where the pointwise part runs
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Separable:
    """One convolution as depthwise + pointwise at rank 1."""

    eligible: bool
    reason: str | None  # why not, where not eligible
    macs: int | None  # times the trips of the layer, as LayerCost.macs
    params: int | None
    ratio: float | None  # separable macs / regular macs
    break_even_rank: float | None  # below it, rank R costs fewer MACs than the regular convolution


#: What the file stores, and so is in the totals whichever branch of an If counts.
STORED = frozenset({"params", "weight_bytes"})


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One row. MACs, element operations and bytes include the layer's trips."""

    layer: Layer
    status: Status
    reason: str | None  # why unknown or unresolved
    macs: int | None
    params: int  # parameters that no earlier row has counted
    weight_bytes: int
    elementwise_ops: int | None
    bytes_moved: int | None
    activation_bytes: int | None  # written by the layer
    counted: bool = True  # False in a branch of an If of which only STORED is in the totals
    convolution: Convolution | None = None
    separable: Separable | None = None

    def adds(self, cost: str) -> bool:
        """Whether the total of a cost holds this row."""
        return self.counted or cost in STORED

    @property
    def intensity(self) -> float | None:
        """FLOPs for each byte moved (Williams et al. 2009); None where either is unknown."""
        if self.macs is None or not self.bytes_moved:
            return None
        return 2 * self.macs / self.bytes_moved


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the counted rows; lower bounds where the coverage is not complete.

    Params and bytes of weights are those of all rows: a file stores both branches of an If.
    """

    macs: int
    params: int
    elementwise_ops: int
    weight_bytes: int
    activation_bytes: int
    peak_activation_bytes: int
    separable_macs: int
    separable_params: int

    @property
    def flops(self) -> int:
        """Two floating point operations for each multiply-accumulate."""
        return 2 * self.macs

    @property
    def reduction(self) -> float:
        """How many times fewer MACs the separable network takes; 1.0 for an empty network."""
        return self.macs / self.separable_macs if self.separable_macs else 1.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many rows fall in each status, of those that the totals rest on.

    Rows in a branch of an If that is known not to run, or that the conventions leave out, are in
    none; where the dearest branch counts, the rows of both are, since both were weighed.
    """

    counted: int
    free: int
    unknown: int
    unresolved: int

    @property
    def complete(self) -> bool:
        """Whether the totals are exact, not just lower bounds."""
        return not (self.unknown or self.unresolved)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that share an op_type, a scope or a kernel."""

    key: str
    layers: int  # that count
    macs: int
    params: int
    elementwise_ops: int
    bytes_moved: int
    separable_macs: int
    complete: bool  # False where a row of the group is unknown or unresolved


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one network costs, row by row and in total."""

    source: str  # what the user named
    network: Network
    rows: tuple[LayerCost, ...]
    totals: Totals
    coverage: Coverage
    conventions: Conventions
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document ``sepcost/analyze/1`` with this one model in it."""
        from sepcost.cost.document import document  # noqa: PLC0415  (it reads this module)

        return document([self], [self.source])
