"""Mixtures of experts: every token uses exactly k of them."""

from __future__ import annotations

from math import prod

from sepcost.cost.geometry import given, integer
from sepcost.network import Layer

#: Types with two elements per byte, along any axis.
_FP4 = frozenset({"fp4", "nvfp4", "wfp4afp8"})


def experts(layer: Layer) -> int:
    """MoE: tokens * k * weights of one expert: fc1, fc2, and fc3 if it is separate."""
    weights = [layer.inputs[k] for k in (2, 4, 6) if given(layer.inputs, k) or k < 6]
    return _routed(layer) * sum(prod(weight[1:]) for weight in weights)


def quantized_experts(layer: Layer) -> int:
    """QMoE: as MoE, with several weights per byte."""
    weights = [(k, n) for n, k in enumerate((2, 5, 8), start=1) if k < 8 or given(layer.inputs, k)]
    return _routed(layer) * sum(
        prod(layer.inputs[k][1:]) * 8 // expert_bits(layer, n) for k, n in weights
    )


def expert_bits(layer: Layer, projection: int) -> int:
    """Bits of one weight of fc1, fc2 or fc3 of a QMoE."""
    kind = str(layer.attributes.get("quant_type", "int"))
    if kind in _FP4:
        return 4
    if kind == "fp8":
        return 8
    shared = integer(layer, "expert_weight_bits", 4)
    return integer(layer, f"fc{projection}_expert_weight_bits", shared)


def packed_experts(layer: Layer) -> int:
    """MoEPacked: gate, up (optional) and down are hidden * inter each, in a packed format."""
    hidden, inter = layer.inputs[0][-1], layer.inputs[2][1]
    return _routed(layer) * (2 + given(layer.inputs, 3)) * hidden * inter


def group_router(layer: Layer) -> int:
    """MoEGroupRouter: the projection of each token to the experts, if it is part of the node."""
    if not given(layer.inputs, 2):
        return 0
    return prod(layer.inputs[0]) * layer.inputs[2][0]


def router_gate_up(layer: Layer) -> int:
    """RouterGateUpProj: one product for the router and both halves of the shared expert."""
    return prod(layer.inputs[0]) * layer.inputs[1][-1]


def gated_add(layer: Layer) -> int:
    """GatedAdd: with a weight, the gate is a product over K for each row; else it is an input."""
    return prod(layer.inputs[2]) if given(layer.inputs, 3) else 0


def _routed(layer: Layer) -> int:
    return prod(layer.inputs[0][:-1]) * integer(layer, "k", 1)
