"""Inputs that control ONNX Runtime's own operators: scales, zero points, indices, states."""

from __future__ import annotations

from collections.abc import Mapping

#: After the data: scale and zero point of the input and of the output.
_QUANTIZED = (1, 2, 3, 4)

#: By op_type, as ``provenance.CONTROLS``, which has those with the name of a standard operator.
CONTRIB: Mapping[str, tuple[int, ...]] = {
    "Attention": (3, 4, 6), "CausalConvWithState": (3,), "ConvTransposeWithDynamicPads": (2,),
    "CropAndResize": (2, 3), "DecoderMaskedMultiHeadAttention": (3, 5, 6, 7),
    "DecoderMaskedSelfAttention": (3, 4, 6), "DequantizeBFP": (1,), "DequantizeWithOrder": (1,),
    "DynamicQuantizeLSTM": (4, 5, 6, 8, 9, 10, 11), "DynamicQuantizeMatMul": (2, 3),
    "EmbedLayerNormalization": (0, 1, 7, 8), "GatherBlockQuantized": (1, 2, 3),
    "GatherPacked": (1,), "GemmFloat8": (3, 4, 5), "GemmaRotaryEmbedding": (),
    "GroupQueryAttention": (3, 4, 5, 6, 9, 12, 13, 16), "LinearAttention": (3,),
    "MRotaryEmbedding": (1,), "MatMulBlockQuantizedFp4Weight": (2, 3, 4),
    "MatMulBlockQuantizedFp8Weight": (2, 3), "MatMulBnb4": (2,), "MatMulFpQ4": (2,),
    "MatMulIntegerToFloat": (2, 3, 4, 5), "MatMulNBits": (2, 3, 4), "MatMulNBitsMlp": (4, 7),
    "MatMulNBitsQLoRA": (2, 4, 6), "MatMulNBitsQkv": (4, 7, 10), "MatMulPacked": (2,),
    "MulInteger": (1, 3), "MultiHeadAttention": (4, 6, 7, 8), "PagedAttention": (5, 6, 7, 14, 15),
    "QAttention": (3, 4, 5, 6, 7, 8), "QEmbedLayerNormalization": (0, 1, 7, *range(8, 18)),
    "QGemm": (1, 2, 4, 5, 7, 8), "QLinearAdd": (1, 2, 4, 5, 6, 7),
    "QLinearAveragePool": _QUANTIZED,
    "QLinearConcat": tuple(k for k in range(512) if k < 2 or (k - 2) % 3),
    "QLinearConvTranspose": (1, 2, 4, 5, 6, 7), "QLinearGlobalAveragePool": _QUANTIZED,
    "QLinearLeakyRelu": _QUANTIZED, "QLinearMul": (1, 2, 4, 5, 6, 7),
    "QLinearReduceMean": _QUANTIZED, "QLinearSigmoid": _QUANTIZED, "QLinearSoftmax": _QUANTIZED,
    "QLinearWhere": (0, 2, 3, 5, 6, 7, 8), "QMoE": (3, 6, 9, 11, 12, 13, *range(15, 21)),
    "QOrderedAttention": (1, 2, 3, 4, 8, 9, 10, 14, 15, 16, 17, 18), "QOrderedGelu": (1, 2),
    "QOrderedLayerNormalization": (1, 4), "QOrderedLongformerAttention": (1, 3, 5, 6, 7, 9, 11, 13),
    "QOrderedMatMul": (1, 3, 4, 7), "QuantizeWithOrder": (1,), "RMSNormRotary": (2,),
    "RelativePositionBias": (1, 2), "RemovePadding": (1,), "RestorePadding": (1,),
    "RotaryEmbedding": (1,), "SparseAttention": (3, 4, 5, 6, 7, 8),
    "SparsePagedAttention": (5, 6, 7, 9, 10, 13, 19, 20), "TorchEmbedding": (1, 2, 3),
    "DynamicSparseAttention": (3, 4, 7, 8, 9, 10, 13, 17, 18, 19),
    "VarlenCausalConvWithState": (2, 4, 5, 7),
}  # fmt: skip
