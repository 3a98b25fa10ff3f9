"""Shapes of ONNX Runtime's operators that map, pick or reduce elements."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TensorProto, TypeProto

from sepcost.model.rules import (
    Attributes,
    Inputs,
    Rule,
    as_type,
    at,
    broadcast,
    like,
    namesake,
    relative,
    shapes,
    typed,
    whole,
)
from sepcost.model.values import tensor_type


def _half(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """The last axis holds two halves; the output has one."""
    found = shapes(inputs, 0)
    return typed(inputs, (*found[0][:-1], found[0][-1] // 2)) if found and found[0] else []


def _gated(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """SwiGLU: gate and up are separate inputs, or halves of one."""
    return like(0)(inputs, attrs) if at(inputs, 1) else _half(inputs, attrs)


def _reduced(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    found = shapes(inputs, 0)
    if found is None:
        return []
    (data,) = found
    gone = {axis % len(data) for axis in attrs.get("axes") or range(len(data))}
    keep = attrs.get("keepdims", 1)
    sizes = enumerate(data)
    return typed(inputs, tuple(1 if k in gone else n for k, n in sizes if keep or k not in gone))


def _embedding(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """TorchEmbedding: one row of the table per index."""
    found = shapes(inputs, 0, 1)
    return typed(inputs, (*found[1], found[0][-1])) if found else []


def _expanded(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    found, axis = shapes(inputs, 0), whole(inputs, 1)
    if found is None or axis is None:
        return []
    place = axis % (len(found[0]) + 1)
    return typed(inputs, (*found[0][:place], 1, *found[0][place:]))


def _unfolded(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """UnfoldTensor: slices of ``size`` along an axis; the slice becomes the last axis."""
    found, size = shapes(inputs, 0), attrs.get("size", 0)
    if found is None or not found[0] or not size:
        return []
    shape, axis = list(found[0]), attrs.get("dim", -1) % len(found[0])
    shape[axis] = (shape[axis] - size) // attrs.get("step", 1) + 1
    return typed(inputs, (*shape, size))


def _position_bias(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """RelativePositionBias: [1, heads, queries, keys], from a table [buckets, heads]."""
    found, queries, keys = shapes(inputs, 0), whole(inputs, 1), whole(inputs, 2)
    if found is None or queries is None or keys is None:
        return []
    return typed(inputs, (1, found[0][-1], queries, keys))


def _quantized_embedding(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """Ids [B, S] select rows of a quantised table [V, H]; also each sequence's length."""
    found = shapes(inputs, 0, 2)
    if found is None:
        return []
    ids, table = found
    lengths = tensor_type(TensorProto.INT32, ids[:1])
    return [tensor_type(TensorProto.FLOAT, (*ids, table[-1])), lengths]


def _scalar(_: Inputs, __: Attributes) -> list[TypeProto]:
    return [tensor_type(TensorProto.BOOL, ())]


#: Of com.microsoft, part of ``contrib.RULES``.
ELEMENTS: Mapping[str, Rule] = {
    **dict.fromkeys(
        (
            "BitmaskBiasDropout", "BitmaskDropout", "BranchwiseRMSNorm", "GatedAdd",
            "GatedRMSNorm", "MRotaryEmbedding", "QOrderedGelu", "QOrderedLayerNormalization",
            "ScaledSiLU",
        ),
        like(0),
    ),
    "BiasSplitGelu": _half,
    "ComplexMul": broadcast(0, 1),
    "ComplexMulConj": broadcast(0, 1),
    "ExpandDims": _expanded,
    "GatherND": namesake("GatherND"),
    "GemmaRotaryEmbedding": like(1, 3),
    "IsAllFinite": _scalar,
    "MaxpoolWithMask": relative("MaxPool", 0),
    "MulInteger": as_type(broadcast(0, 2), to=TensorProto.INT32),
    "QEmbedLayerNormalization": _quantized_embedding,
    "QLinearReduceMean": _reduced,
    "ReduceSumInteger": as_type(_reduced, to=TensorProto.INT32),
    "RelativePositionBias": _position_bias,
    "SkipGroupNorm": like(0, 0),
    "SwiGLU": _gated,
    "TorchEmbedding": _embedding,
    "UnfoldTensor": _unfolded,
}  # fmt: skip
