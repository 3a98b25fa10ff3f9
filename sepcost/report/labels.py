"""Names of layers, operators and amounts, the same in every report. Nothing is escaped."""

from __future__ import annotations

from sepcost.cost.analysis import Analysis
from sepcost.cost.results import LayerCost
from sepcost.cost.symbolic import SymbolicLayer
from sepcost.network import Layer
from sepcost.report.units import dims, human, per_side, trivial


def operations(macs: int | None, unit: str) -> str:
    """MACs in the unit asked for, FLOPs = 2 * MACs; ``?`` if unknown."""
    if macs is None:
        return "?"
    return human(macs if unit == "macs" else 2 * macs)


def title(unit: str) -> str:
    """The heading of ``operations``."""
    return "MACs" if unit == "macs" else "FLOPs"


def label(layer: Layer) -> str:
    """The layer's name after the path of its graph; its id if it has no name."""
    path = layer.path or layer.scope
    name = layer.name or layer.id.removeprefix(f"{layer.scope}/")
    return name if not path or name.startswith(path) else f"{path}/{name}"


def operator(layer: Layer | SymbolicLayer) -> str:
    """The op_type, after its domain unless that is ONNX's own."""
    return f"{layer.domain}::{layer.op_type}" if layer.domain else layer.op_type


def geometry(row: LayerCost) -> str:
    """``3×3 /2 d2 g32``: a convolution's kernel, and stride, dilation, group that are not 1."""
    conv = row.convolution
    if conv is None:
        return ""
    parts = [dims(conv.kernel)]
    if not trivial(conv.strides):
        parts.append(f"/{per_side(conv.strides)}")
    if not trivial(conv.dilations):
        parts.append(f"d{per_side(conv.dilations)}")
    if conv.group != 1:
        parts.append(f"g{conv.group}")
    return " ".join(parts)


def output_shape(row: LayerCost) -> str:
    """The shape of the first output."""
    return dims(row.layer.outputs[0]) if row.layer.outputs else ""


def bindings(analysis: Analysis) -> str:
    """The bound symbols: ``N=8 H=224``."""
    return " ".join(f"{name}={size}" for name, size in analysis.network.bindings.items())
