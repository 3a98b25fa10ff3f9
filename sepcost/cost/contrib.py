"""The operators of ONNX Runtime that are matrix products, attention or mixtures of experts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sepcost.cost import attention, experts, matrix
from sepcost.network import Layer

_FORMULAS: Mapping[str, Callable[[Layer], int]] = {
    "Attention": attention.projected,
    "DecoderMaskedMultiHeadAttention": attention.decoder_masked_multi_head,
    "DecoderMaskedSelfAttention": attention.projected,
    "DynamicQuantizeMatMul": matrix.matmul,
    "FusedGemm": matrix.gemm,
    "FusedMatMul": matrix.fused_matmul,
    "FusedMatMulActivation": matrix.fused_matmul,
    "GatedAdd": experts.gated_add,
    "GemmFastGelu": matrix.matmul,
    "GemmFloat8": matrix.gemm,
    "GroupQueryAttention": attention.grouped_query,
    "LinearAttention": attention.linear_attention,
    "MatMulBlockQuantizedFp4Weight": matrix.matmul,
    "MatMulBlockQuantizedFp8Weight": matrix.matmul,
    "MatMulBnb4": matrix.matmul,
    "MatMulFpQ4": matrix.matmul,
    "MatMulInteger16": matrix.matmul,
    "MatMulIntegerToFloat": matrix.matmul,
    "MatMulNBits": matrix.packed_matmul,
    "MatMulNBitsMlp": matrix.gated_mlp,
    "MatMulNBitsQLoRA": matrix.low_rank_adapted,
    "MatMulNBitsQkv": matrix.query_key_value,
    "MatMulPacked": matrix.matmul,
    "MoE": experts.experts,
    "MoEGroupRouter": experts.group_router,
    "MoEPacked": experts.packed_experts,
    "MultiHeadAttention": attention.multi_head,
    "QAttention": attention.projected,
    "QGemm": matrix.gemm,
    "QMoE": experts.quantized_experts,
    "QOrderedMatMul": matrix.matmul,
    "RouterGateUpProj": experts.router_gate_up,
    "TransposeMatMul": matrix.fused_matmul,
}

#: By domain and op_type, as ``operators.OPERATORS``.
CONTRIB: Final[Mapping[tuple[str, str], Callable[[Layer], int]]] = {
    ("com.microsoft", op_type): formula for op_type, formula in _FORMULAS.items()
}
