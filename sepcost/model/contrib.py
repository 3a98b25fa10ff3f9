"""Shapes of the operators that ONNX does not infer.

ONNX Runtime's contrib operators, what older exporters wrote, the quantisers of Brevitas and QONNX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import onnx
from onnx import TensorProto, TypeProto, helper
from onnx.shape_inference import infer_node_outputs

from sepcost.model.values import Known, static_shape, tensor_type
from sepcost.network import Shape

Inputs = list[Known | None]
Attributes = Mapping[str, Any]
Rule = Callable[[Inputs, Attributes], list[TypeProto]]

MICROSOFT = "com.microsoft"
NCHWC = "com.microsoft.nchwc"

#: The opset by which the standard relative of a contrib operator is inferred.
RELATIVE_OPSET = 17


def like(position: int) -> Rule:
    """The output is shaped and typed as one of the inputs."""

    def rule(inputs: Inputs, _: Attributes) -> list[TypeProto]:
        known = inputs[position] if position < len(inputs) else None
        return [known.type if known else TypeProto()]

    return rule


def _shapes(inputs: Inputs, *positions: int) -> list[Shape] | None:
    """Return the shapes at these positions, or None where one is not known."""
    shapes = []
    for position in positions:
        known = inputs[position] if position < len(inputs) else None
        if known is None or known.shape is None:
            return None
        shapes.append(known.shape)
    return shapes


def _typed(inputs: Inputs, shape: Shape | None, elem_type: int | None = None) -> list[TypeProto]:
    first = inputs[0]
    known = first.type.tensor_type.elem_type if first else 0
    return [tensor_type(known if elem_type is None else elem_type, shape)]


def broadcast(*positions: int) -> Rule:
    """Numpy's broadcasting over these inputs."""

    def rule(inputs: Inputs, _: Attributes) -> list[TypeProto]:
        shapes = _shapes(inputs, *positions)
        return _typed(inputs, None if shapes is None else _broadcast(*shapes))

    return rule


def _broadcast(*shapes: Shape) -> Shape | None:
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    sizes = [{size for size in column if size != 1} for column in zip(*padded, strict=True)]
    if any(len(column) > 1 for column in sizes):
        return None
    return tuple(next(iter(column), 1) for column in sizes)


def _matmul_shape(a: Shape, b: Shape) -> Shape | None:
    if not a or not b:
        return None
    rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
    batch = _broadcast(a[:-2], b[:-2])
    return None if batch is None else batch + rows + columns


def matmul(second: int, elem_type: int | None = None) -> Rule:
    """A product of the first input and the one at ``second``, with ONNX Runtime's transposes."""

    def rule(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
        shapes = _shapes(inputs, 0, second)
        if shapes is None:
            return _typed(inputs, None, elem_type)
        a, b = shapes
        if attrs.get("transBatchA"):
            a = (*a[1:-1], a[0], a[-1])
        if attrs.get("transBatchB"):
            b = (*b[1:-1], b[0], b[-1])
        if attrs.get("transA"):
            a = (*a[:-2], a[-1], a[-2])
        if attrs.get("transB"):
            b = (*b[:-2], b[-1], b[-2])
        return _typed(inputs, _matmul_shape(a, b), elem_type)

    return rule


def _packed_matmul(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """MatMulNBits: A [..., K] against packed weights whose width is the attribute N."""
    shapes = _shapes(inputs, 0)
    return _typed(inputs, (*shapes[0][:-1], attrs["N"]) if shapes and "N" in attrs else None)


def _attention(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """Contrib Attention: [B, S, D] against merged weights [D, q + k + v]."""
    shapes = _shapes(inputs, 0, 1)
    if shapes is None:
        return _typed(inputs, None)
    sizes = attrs.get("qkv_hidden_sizes")
    value_size = sizes[2] if sizes else shapes[1][-1] // 3
    return _typed(inputs, (*shapes[0][:2], value_size))


def _multi_head_attention(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """Query [B, S, D], value [B, L, V] or [B, H, L, V]: the output is [B, S, V] or [B, S, H·V]."""
    shapes = _shapes(inputs, 0, 2)
    if shapes is None or len(shapes[0]) != 3:
        return _typed(inputs, None)
    query, value = shapes
    hidden = value[2] if len(value) == 3 else value[1] * value[3]
    return _typed(inputs, (*query[:2], hidden))


def _group_query_attention(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """The output is shaped as the query, which holds key and value too where those are absent."""
    shapes = _shapes(inputs, 0)
    if shapes is None or len(shapes[0]) != 3:
        return _typed(inputs, None)
    batch, length, hidden = shapes[0]
    heads, kv_heads = attrs.get("num_heads", 1), attrs.get("kv_num_heads", 1)
    if len(inputs) < 2 or inputs[1] is None:
        hidden = hidden * heads // (heads + 2 * kv_heads)
    return _typed(inputs, (batch, length, hidden))


def _dropout(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """Data and mask; ONNX before opset 10 does not infer the mask."""
    (data,) = like(0)(inputs, attrs)
    return [data, tensor_type(TensorProto.BOOL, static_shape(data))]


def _crop(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """Crop, removed from ONNX at opset 10: border is left, top, right, bottom."""
    shapes = _shapes(inputs, 0)
    if shapes is None or len(shapes[0]) != 4:
        return _typed(inputs, None)
    batch, channels, height, width = shapes[0]
    left, top, right, bottom = attrs.get("border") or (0, 0, 0, 0)
    size = attrs.get("scale") or (height - top - bottom, width - left - right)
    return _typed(inputs, (batch, channels, *size))


def _filled(_: Inputs, attrs: Attributes) -> list[TypeProto]:
    """GivenTensorFill and its kin, removed from ONNX at opset 10."""
    return [tensor_type(TensorProto.FLOAT, tuple(attrs.get("shape", ())))]


def channels_last(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """NHWC convolution: [B, *spatial, C] against weights [N, C / group, *kernel]."""
    shapes = _shapes(inputs, 0, 1)
    if shapes is None:
        return _typed(inputs, None)
    x, weight = shapes
    types = {
        "x": tensor_type(TensorProto.FLOAT, (x[0], x[-1], *x[1:-1])),
        "w": tensor_type(TensorProto.FLOAT, weight),
    }
    node = helper.make_node("Conv", ["x", "w"], ["y"], **attrs)
    schema = onnx.defs.get_schema("Conv", RELATIVE_OPSET)
    out = static_shape(infer_node_outputs(schema, node, types)["y"])
    return _typed(inputs, None if out is None else (out[0], *out[2:], out[1]))


def _flattened_gemm(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """QGemm: A at 0, B at 3."""
    shapes = _shapes(inputs, 0, 3)
    if shapes is None or any(len(shape) != 2 for shape in shapes):
        return _typed(inputs, None)
    a, b = shapes
    rows, columns = a[bool(attrs.get("transA"))], b[not attrs.get("transB")]
    return _typed(inputs, (rows, columns))


#: (domain, op_type) -> the standard operator whose shapes it has.
RELATIVES: Mapping[tuple[str, str], str] = {
    (MICROSOFT, "FusedConv"): "Conv",
    (MICROSOFT, "FusedGemm"): "Gemm",
    (MICROSOFT, "GemmFastGelu"): "MatMul",
    (MICROSOFT, "QLinearConv"): "QLinearConv",
    (MICROSOFT, "Pad"): "Pad",
    (MICROSOFT, "Range"): "Range",
    (MICROSOFT, "Unique"): "Unique",
    (MICROSOFT, "Trilu"): "Trilu",
    (MICROSOFT, "GridSample"): "GridSample",
    (NCHWC, "Conv"): "Conv",
    (NCHWC, "MaxPool"): "MaxPool",
    (NCHWC, "AveragePool"): "AveragePool",
    (NCHWC, "GlobalMaxPool"): "GlobalMaxPool",
    (NCHWC, "GlobalAveragePool"): "GlobalAveragePool",
}

_LIKE_FIRST = (
    ("", "MeanVarianceNormalization"), ("", "GroupNormalization"), ("", "Affine"), ("", "Scale"),
    ("", "SimplifiedLayerNormalization"), ("", "ImageScaler"), ("", "ParametricSoftplus"),
    ("", "ScaledTanh"),
    ("onnx.brevitas", "Quant"), ("onnx.brevitas", "BipolarQuant"), ("onnx.brevitas", "Trunc"),
    ("qonnx.custom_op.general", "Quant"), ("qonnx.custom_op.general", "BipolarQuant"),
    ("qonnx.custom_op.general", "Trunc"), ("finn.custom_op.general", "Quant"),
    (NCHWC, "ReorderInput"), (NCHWC, "ReorderOutput"),
    *((MICROSOFT, name) for name in (
        "Gelu", "FastGelu", "BiasGelu", "QuickGelu", "BiasAdd", "BiasDropout", "BiasSoftmax",
        "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "GroupNorm", "SkipGroupNorm",
        "RotaryEmbedding", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax",
        "Inverse", "QuantizeLinear", "DequantizeLinear",
    )),
)  # fmt: skip

#: (domain, op_type) -> types of the outputs that ONNX's own inference does not know.
RULES: Mapping[tuple[str, str], Rule] = {
    **dict.fromkeys(_LIKE_FIRST, like(0)),
    ("", "Crop"): _crop,
    ("", "Dropout"): _dropout,
    ("", "GivenTensorFill"): _filled,
    (MICROSOFT, "QLinearAdd"): broadcast(0, 3),
    (MICROSOFT, "QLinearMul"): broadcast(0, 3),
    (MICROSOFT, "FusedMatMul"): matmul(1),
    (MICROSOFT, "TransposeMatMul"): matmul(1),
    (MICROSOFT, "FusedMatMulActivation"): matmul(1),
    (MICROSOFT, "MatMulInteger16"): matmul(1, TensorProto.INT32),
    (MICROSOFT, "MatMulIntegerToFloat"): matmul(1, TensorProto.FLOAT),
    (MICROSOFT, "DynamicQuantizeMatMul"): matmul(1, TensorProto.FLOAT),
    (MICROSOFT, "QGemm"): _flattened_gemm,
    (MICROSOFT, "MatMulNBits"): _packed_matmul,
    (MICROSOFT, "MatMulBnb4"): _packed_matmul,
    (MICROSOFT, "Attention"): _attention,
    (MICROSOFT, "QAttention"): _attention,
    (MICROSOFT, "MultiHeadAttention"): _multi_head_attention,
    (MICROSOFT, "GroupQueryAttention"): _group_query_attention,
    (MICROSOFT, "NhwcConv"): channels_last,
    (MICROSOFT, "NhwcFusedConv"): channels_last,
}
