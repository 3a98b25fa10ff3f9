"""Shapes of the operators that ONNX does not infer.

ONNX Runtime's contrib operators, what older exporters wrote, the quantisers of Brevitas and QONNX.
"""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TensorProto, TypeProto

from sepcost.model.layouts import LAYOUTS, MICROSOFT
from sepcost.model.rules import (
    Attributes,
    Inputs,
    Rule,
    as_type,
    ask_relative,
    at,
    broadcast,
    elem_type,
    like,
    matmul,
    namesake,
    relative,
    shapes,
    typed,
)
from sepcost.model.values import static_shape, tensor_type
from sepcost.network import Shape


def _packed_matmul(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """MatMulNBits: A [..., K] against packed weights whose width is the attribute N."""
    found = shapes(inputs, 0)
    return typed(inputs, (*found[0][:-1], attrs["N"]) if found and "N" in attrs else None)


def _gemm_8_bit(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """QGemm: A at 0, B at 3; float where no scale of the output is given."""
    product = ask_relative("Gemm", [at(inputs, 0), at(inputs, 3)], attrs)
    kind = elem_type(inputs, 0) if at(inputs, 7) else TensorProto.FLOAT
    return [tensor_type(kind, static_shape(type_)) for type_ in product]


def _attention(past: int, elem: int) -> Rule:
    """[B, S, I] against merged weights [I, H + H + H_v]; ``present`` is [2, B, N, T, H / N]."""

    def rule(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
        found = shapes(inputs, 0, 1)
        if found is None:
            return []
        (batch, length, _), weight = found
        sizes = attrs.get("qkv_hidden_sizes") or [weight[-1] // 3] * 3
        before = shapes(inputs, past)
        heads = attrs.get("num_heads", 1)
        total = length + (before[0][3] if before else 0)
        present: Shape = (2, batch, heads, total, sizes[0] // heads)
        if before and attrs.get("past_present_share_buffer"):
            present = before[0]
        kind = elem_type(inputs, elem)
        return [tensor_type(kind, shape) for shape in ((batch, length, sizes[2]), present)]

    return rule


def _multi_head_attention(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """Q [B, S, H], K and V [B, L, H] or [B, N, L, H / N]; packed: Q [B, S, N, 3, D].

    The present keys and values are [B, N, T, D], T the past and the new ones.
    """
    found = shapes(inputs, 0)
    heads = attrs.get("num_heads", 1)
    if found is None or len(found[0]) not in {3, 5}:
        return []
    batch, length = found[0][:2]
    if len(found[0]) == 5:
        return typed(inputs, (batch, length, found[0][2] * found[0][4]))
    key, value = (_by_heads(shapes(inputs, k), heads) for k in (1, 2))
    if key is None or value is None:
        return []
    past = shapes(inputs, 6)
    total = key[2] + (past[0][2] if past else 0)
    presents = [(batch, heads, total, each[3]) for each in (key, value)]
    return typed(inputs, (batch, length, heads * value[3]), *presents)


def _by_heads(found: list[Shape] | None, heads: int) -> Shape | None:
    if found is None or len(found[0]) not in {3, 4}:
        return None
    if len(found[0]) == 4:
        return found[0]
    batch, length, hidden = found[0]
    return batch, heads, length, hidden // heads


def _group_query_attention(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """The output is shaped as the query, which holds key and value too where those are absent.

    The cache grows by the new tokens, or is as long as ``total_sequence_length`` where that is
    known and the cache is no longer.
    """
    found = shapes(inputs, 0)
    heads, kv_heads = attrs.get("num_heads", 1), attrs.get("kv_num_heads", 1)
    if found is None or len(found[0]) != 3:
        return []
    batch, length, hidden = found[0]
    if at(inputs, 1) is None:
        hidden = hidden * heads // (heads + 2 * kv_heads)
    past, total = shapes(inputs, 3), at(inputs, 6)
    before = past[0][2] if past else 0
    known = None if total is None else total.array
    after = before + length if known is None else max(before, int(known.reshape(-1)[0]))
    present = (batch, kv_heads, after, hidden // heads)
    return typed(inputs, (batch, length, hidden), present, present)


def _skip_normalization(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """Output, mean and inverse deviation, and the sum that was normalised."""
    found = shapes(inputs, 0)
    if found is None:
        return []
    mean = tensor_type(TensorProto.FLOAT, (*found[0][:-1], 1))
    (same,) = typed(inputs, found[0])
    return [same, mean, mean, same]


def _embed_normalization(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """Ids [B, S] into a table [V, H]; the second output is the length of each sequence."""
    found = shapes(inputs, 0, 2)
    if found is None:
        return []
    ids, table = found
    embedded = tensor_type(elem_type(inputs, 2), (*ids, table[-1]))
    return [embedded, tensor_type(TensorProto.INT32, ids[:1]), embedded]


def _quantized_concat(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """QLinearConcat: scale and zero point of the result, then three inputs for each part."""
    return ask_relative("Concat", inputs[2::3], attrs)


def _distances(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    found = shapes(inputs, 0, 1)
    return typed(inputs, (found[0][0], found[1][0]) if found else None)


def _dropout(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """Data and mask; ONNX before opset 10 does not infer the mask."""
    (data,) = like(0)(inputs, attrs)
    return [data, tensor_type(TensorProto.BOOL, static_shape(data))]


def _crop(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """Crop, removed from ONNX at opset 10: border is left, top, right, bottom."""
    found = shapes(inputs, 0)
    if found is None or len(found[0]) != 4:
        return []
    batch, channels, height, width = found[0]
    left, top, right, bottom = attrs.get("border") or (0, 0, 0, 0)
    size = attrs.get("scale") or (height - top - bottom, width - left - right)
    return typed(inputs, (batch, channels, *size))


def _given(_: Inputs, attrs: Attributes) -> list[TypeProto]:
    """GivenTensorFill, removed from ONNX at opset 10."""
    return [tensor_type(TensorProto.FLOAT, tuple(attrs.get("shape", ())))]


_LIKE_FIRST = (
    ("", "MeanVarianceNormalization"), ("", "GroupNormalization"), ("", "Affine"), ("", "Scale"),
    ("", "SimplifiedLayerNormalization"), ("", "ImageScaler"), ("", "ParametricSoftplus"),
    ("", "ScaledTanh"),
    ("onnx.brevitas", "Quant"), ("onnx.brevitas", "BipolarQuant"), ("onnx.brevitas", "Trunc"),
    ("qonnx.custom_op.general", "Quant"), ("qonnx.custom_op.general", "BipolarQuant"),
    ("qonnx.custom_op.general", "Trunc"), ("finn.custom_op.general", "Quant"),
    *((MICROSOFT, name) for name in (
        "Gelu", "FastGelu", "BiasGelu", "QuickGelu", "BiasAdd", "BiasDropout", "BiasSoftmax",
        "DecoderMaskedMultiHeadAttention", "GroupNorm", "SkipGroupNorm", "Inverse", "NhwcFusedAdd",
        "RotaryEmbedding", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax",
    )),
)  # fmt: skip

#: As the standard operator of the same name, which knows fewer attributes or types.
_NAMESAKES = (
    (MICROSOFT, "Pad"), (MICROSOFT, "Range"), (MICROSOFT, "Unique"),
    (MICROSOFT, "Trilu"), (MICROSOFT, "GridSample"),
)  # fmt: skip

_FLOAT = TensorProto.FLOAT

#: (domain, op_type) -> types of the outputs that ONNX's own inference does not know.
RULES: Mapping[tuple[str, str], Rule] = {
    **dict.fromkeys(_LIKE_FIRST, like(0)),
    **{(domain, name): namesake(name) for domain, name in _NAMESAKES},
    ("", "Crop"): _crop,
    ("", "Dropout"): _dropout,
    ("", "GivenTensorFill"): _given,
    **LAYOUTS,
    **{
        (MICROSOFT, name): rule
        for name, rule in {
            "Attention": _attention(4, 0),
            "CDist": _distances,
            "DecoderMaskedSelfAttention": _attention(4, 0),
            "DequantizeLinear": as_type(like(0), of=1),
            "DynamicQuantizeLSTM": relative("LSTM", 0, 1, 2),
            "DynamicQuantizeMatMul": matmul(1),
            "EmbedLayerNormalization": _embed_normalization,
            "FusedConv": relative("Conv", 0, 1, 2),
            "FusedGemm": relative("Gemm", 0, 1, 2),
            "FusedMatMul": matmul(1),
            "FusedMatMulActivation": matmul(1),
            "GemmFastGelu": matmul(1),
            "GemmFloat8": relative("Gemm", 0, 1),
            "GroupQueryAttention": _group_query_attention,
            "MatMulBnb4": _packed_matmul,
            "MatMulInteger16": as_type(matmul(1), to=TensorProto.INT32),
            "MatMulIntegerToFloat": as_type(matmul(1), to=_FLOAT),
            "MatMulNBits": _packed_matmul,
            "MultiHeadAttention": _multi_head_attention,
            "MurmurHash3": as_type(like(0), to=TensorProto.UINT32),
            "QAttention": _attention(8, 3),
            "QGemm": _gemm_8_bit,
            "QLinearAdd": broadcast(0, 3),
            "QLinearConcat": _quantized_concat,
            "QLinearMul": broadcast(0, 3),
            "QLinearWhere": broadcast(0, 1, 4),
            "QOrderedMatMul": matmul(2),
            "QuantizeLinear": as_type(like(0), of=2),
            "SkipLayerNormalization": _skip_normalization,
            "SkipSimplifiedLayerNormalization": _skip_normalization,
            "TransposeMatMul": matmul(1),
        }.items()
    },
}
