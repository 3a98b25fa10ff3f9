"""Matrix products: every output element reduces over the shared dimension K."""

from __future__ import annotations

from math import prod

from sepcost.cost.geometry import given, integer
from sepcost.network import Layer


def matmul(layer: Layer) -> int:
    """``output size * K``, where K is the last axis of A; holds for 1-D operands and broadcasts."""
    return prod(layer.outputs[0]) * layer.inputs[0][-1]


def gemm(layer: Layer) -> int:
    """As matmul; ``transA`` puts K first."""
    a = layer.inputs[0]
    return prod(layer.outputs[0]) * (a[0] if integer(layer, "transA", 0) else a[1])


def fused_matmul(layer: Layer) -> int:
    """As matmul; ``transA`` swaps K and M, and with ``transBatchA`` K comes first."""
    a = layer.inputs[0]
    if len(a) == 1 or not integer(layer, "transA", 0):
        return matmul(layer)
    return prod(layer.outputs[0]) * (a[0] if integer(layer, "transBatchA", 0) else a[-2])


def gated_mlp(layer: Layer) -> int:
    """MatMulNBitsMlp: the gate and the up projection, two products of the same size."""
    return 2 * matmul(layer)


def query_key_value(layer: Layer) -> int:
    """MatMulNBitsQkv: one A times three weights."""
    k = layer.inputs[0][-1]
    return k * sum(prod(output) for output in layer.outputs[:3])


def low_rank_adapted(layer: Layer) -> int:
    """MatMulNBitsQLoRA: ``X W`` and ``(X A) B`` of rank R: rows * (K * N + K * R + R * N)."""
    *rows, k = layer.inputs[0]
    n = layer.outputs[0][-1]
    rank = layer.inputs[3][0] if given(layer.inputs, 3) else 0
    return prod(rows) * (k * n + rank * (k + n))
