"""How long a network takes at least on a machine whose peaks are known.

Two figures, neither of them a forecast:

* ``arithmetic_ns``: all MACs at the peak. No run on this machine, provider and number of threads is
  faster, as far as the peak is one.
* ``roofline_ns``: each layer at the slower of its arithmetic and its memory traffic (Williams,
  Waterman and Patterson 2009). Values that stay in the caches from one layer to the next cost less,
  so a small model can be faster than this.

Layers without MACs count as nothing in both: a runtime may fuse them into their neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

from sepcost.cost.analysis import Analysis
from sepcost.cost.memory import roofline_bound
from sepcost.cost.results import LayerCost

#: Operators that multiply 8-bit integers, and those around them in models that a runtime turns into
#: such operators.
INTEGER = frozenset(
    {"QLinearConv", "QLinearMatMul", "QGemm", "ConvInteger", "MatMulInteger", "QAttention"}
    | {"MatMulIntegerToFloat", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"}
)
QUANTIZED = frozenset({"QuantizeLinear", "DequantizeLinear"})


@dataclass(frozen=True, slots=True)
class MachinePeaks:
    """What a machine reached: one provider, one number of threads."""

    name: str
    macs_per_second: float
    bytes_per_second: float
    int8_macs_per_second: float | None = None
    provider: str = ""
    threads: int = 0


@dataclass(frozen=True, slots=True)
class LayerRoofline:
    """The shortest time of one layer by the roofline; ``limit`` is compute or memory."""

    row: LayerCost
    ns: float
    limit: str


@dataclass(frozen=True, slots=True)
class Roofline:
    """The shortest time of a network on a machine."""

    analysis: Analysis
    machine: MachinePeaks
    arithmetic_ns: float
    roofline_ns: float
    layers: tuple[LayerRoofline, ...]  # with MACs
    complete: bool  # False if a layer is not counted


def roofline(analysis: Analysis, machine: MachinePeaks) -> Roofline:
    """Compute the shortest time of each layer with MACs, and of all of them."""
    quantized = any(layer.op_type in QUANTIZED for layer in analysis.network.layers)
    layers, arithmetic_ns = [], 0.0
    for row in analysis.rows:
        if row.counted and row.macs:
            peak = _peak(machine, quantized or row.layer.op_type in INTEGER)
            best = roofline_bound(
                row.macs, row.bytes_moved or 0, peak, machine.bytes_per_second * 1e-9
            )
            layers.append(LayerRoofline(row, best.ns, best.limit))
            arithmetic_ns += row.macs / peak
    roofline_ns = sum(layer.ns for layer in layers)
    complete = analysis.coverage.complete
    return Roofline(analysis, machine, arithmetic_ns, roofline_ns, tuple(layers), complete)


def _peak(machine: MachinePeaks, integers: bool) -> float:
    """MACs per ns: the higher peak if the runtime may multiply in integers."""
    other = machine.int8_macs_per_second or 0.0 if integers else 0.0
    return max(machine.macs_per_second, other) * 1e-9
