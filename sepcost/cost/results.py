"""The parts of an analysis: conventions, the cost of a layer, totals, coverage, groups."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from sepcost.network import Layer, Shape


class CountStatus(StrEnum):
    """Whether the MACs of a layer are known."""

    COUNTED = "counted"
    FREE = "free"  # costs no MACs by definition
    UNKNOWN = "unknown"  # no formula for the operator
    UNRESOLVED = "unresolved"  # a formula, but a shape or a trip count is missing


@dataclass(frozen=True, slots=True)
class Conventions:
    """Conventions of counting that people disagree on; the README gives the reasons."""

    conv_transpose: str = "input"  # where a ConvTranspose is counted: input | output
    count_bias: bool = False  # one more MAC per output element if there is a bias
    if_branches: str = "max"  # max | sum | then | else


@dataclass(frozen=True, slots=True)
class Convolution:
    """The geometry of one convolution, the same for every operator that convolves."""

    kernel: Shape
    strides: Shape
    dilations: Shape
    pads: Shape  # at the begin of each axis, then at the end; auto_pad resolved
    group: int
    in_channels: int
    out_channels: int
    positions: int  # batch times output positions (times input positions when transposed)
    pointwise_positions: int  # batch times output positions
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Separable:
    """One convolution as depthwise + pointwise at rank 1."""

    eligible: bool
    reason: str | None  # why it is not eligible
    macs: int | None  # including trips, as LayerCost.macs
    params: int | None
    ratio: float | None  # separable macs / regular macs
    break_even_rank: float | None  # below this rank, fewer MACs than the regular convolution


@dataclass(frozen=True, slots=True)
class LowRank:
    """A dense layer as two of rank r: ``r·(M + N)`` instead of ``M·N`` MACs per position."""

    inputs: int  # M
    outputs: int  # N
    break_even_rank: float  # below this rank, fewer MACs and params than the dense layer

    @property
    def largest_rank(self) -> int:
        """The largest rank that saves MACs; 0 if none does."""
        return ceil(self.break_even_rank) - 1


#: Costs of what the file stores: they are in the totals whichever branch of an If counts.
STORED = frozenset({"params", "weight_bytes"})


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One row. MACs, element operations and bytes include the layer's trips."""

    layer: Layer
    status: CountStatus
    reason: str | None  # why unknown or unresolved
    macs: int | None
    params: int  # without parameters counted in an earlier row
    weight_bytes: int
    elementwise_ops: int | None
    bytes_moved: int | None
    activation_bytes: int | None  # written by the layer
    counted: bool = True  # False in a branch of an If of which only STORED is in the totals
    convolution: Convolution | None = None
    separable: Separable | None = None
    low_rank: LowRank | None = None  # of dense layers

    def in_total(self, cost: str) -> bool:
        """Whether the total of a cost includes this row."""
        return self.counted or cost in STORED

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte moved (Williams et al. 2009); None if either is unknown."""
        if self.macs is None or not self.bytes_moved:
            return None
        return 2 * self.macs / self.bytes_moved


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the counted rows; lower bounds unless the coverage is complete.

    Params and weight bytes are sums over all rows: a file stores both branches of an If.
    """

    macs: int
    params: int
    elementwise_ops: int
    weight_bytes: int
    activation_bytes: int
    peak_activation_bytes: int
    separable_macs: int
    separable_params: int
    bytes_moved: int  # by the layers, one after the other

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte moved; None if nothing is moved."""
        return self.flops / self.bytes_moved if self.bytes_moved else None

    @property
    def flops(self) -> int:
        """Two floating-point operations per MAC."""
        return 2 * self.macs

    @property
    def reduction(self) -> float:
        """MACs of the network over MACs of its separable counterpart; 1.0 for an empty network."""
        return self.macs / self.separable_macs if self.separable_macs else 1.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """The number of rows per status, among the rows that decide the totals.

    Rows in a branch that is known not to run, or that the conventions exclude, are left out. Where
    the most expensive branch counts, the rows of both do, because the choice depends on both.
    """

    counted: int
    free: int
    unknown: int
    unresolved: int

    @property
    def complete(self) -> bool:
        """Whether the totals are exact rather than lower bounds."""
        return not (self.unknown or self.unresolved)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that share an op_type, a scope or a kernel."""

    key: str
    layers: int  # counted rows only
    macs: int
    params: int
    elementwise_ops: int
    bytes_moved: int
    separable_macs: int
    complete: bool  # False if a row is unknown or unresolved
