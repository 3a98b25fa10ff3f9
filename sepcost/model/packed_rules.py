"""Shapes of products with packed weights, from attributes: stored shapes do not show them."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from onnx import TensorProto, TypeProto

from sepcost.model.rules import (
    Attributes,
    Inputs,
    Rule,
    at,
    elem_type,
    like,
    shapes,
    typed,
)
from sepcost.model.values import tensor_type
from sepcost.network import Shape


def wide(*names: str) -> Rule:
    """A [..., K] times weights whose widths are these attributes; one output each."""

    def rule(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
        found = shapes(inputs, 0)
        if found is None or not all(name in attrs for name in names):
            return []
        return typed(inputs, *((*found[0][:-1], attrs[name]) for name in names))

    return rule


def _normalized(*names: str) -> Rule:
    """As ``wide``, plus the sum before normalisation, with the shape of A."""

    def rule(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
        products = wide(*names)(inputs, attrs)
        return products and products + like(0)(inputs, attrs)

    return rule


def _bnb4(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """MatMulBnb4: B is [N, K]; ``transB`` is 1 by default."""
    return wide("N" if attrs.get("transB", 1) else "K")(inputs, attrs)


def _by_shape(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """MatMulFpQ4: the shape of B is an input."""
    found, shape = shapes(inputs, 0), at(inputs, 2)
    content = None if shape is None else shape.array
    if found is None or content is None or content.size != 2:
        return []
    return typed(inputs, (*found[0][:-1], int(content.reshape(-1)[1])))


def _rows(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """B is [N, ...], in any layout of K."""
    found = shapes(inputs, 0, 1)
    return typed(inputs, (*found[0][:-1], found[1][0])) if found else []


def _gathered(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """GatherBlockQuantized: as Gather on the unpacked elements; has the type of the scales."""
    found = shapes(inputs, 0, 1)
    if found is None or not found[0]:
        return []
    data, indices = found
    if elem_type(inputs, 0) == TensorProto.UINT8:
        data = (*data[:-1], data[-1] * 8 // attrs.get("bits", 4))
    return _picked(data, indices, attrs.get("gather_axis", 0), elem_type(inputs, 2))


def _gathered_blobs(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """GatherPacked: rows of K, in bfloat16 by default."""
    found = shapes(inputs, 0, 1)
    if found is None or "K" not in attrs:
        return []
    kind = attrs.get("output_dtype", TensorProto.BFLOAT16)
    return [tensor_type(kind, (*found[1], attrs["K"]))]


def _picked(data: Shape, indices: Shape, axis: int, kind: int) -> list[TypeProto]:
    at_ = axis % len(data)
    return [tensor_type(kind, (*data[:at_], *indices, *data[at_ + 1 :]))]


def _router(inputs: Inputs, _: Attributes) -> list[TypeProto]:
    """MoEGroupRouter: three outputs of [tokens, experts], the last two always float."""
    found, projection = shapes(inputs, 0), shapes(inputs, 2)
    if found is None:
        return []
    shape = (prod(found[0][:-1]), projection[0][0] if projection else found[0][-1])
    scores = tensor_type(TensorProto.FLOAT, shape)
    return [*typed(inputs, shape), scores, scores]


def _router_gate_up(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """RouterGateUpProj: the columns of the router, then half of the rest."""
    found, router = shapes(inputs, 0, 1), attrs.get("router_size")
    if found is None or router is None:
        return []
    rows, columns = found[0][:-1], found[1][-1]
    return typed(inputs, (*rows, router), (*rows, (columns - router) // 2))


#: Of com.microsoft, part of ``contrib.RULES``.
PRODUCTS: Mapping[str, Rule] = {
    "GatherBlockQuantized": _gathered,
    "GatherPacked": _gathered_blobs,
    "MatMulBlockQuantizedFp4Weight": _rows,
    "MatMulBlockQuantizedFp8Weight": _rows,
    "MatMulBnb4": _bnb4,
    "MatMulFpQ4": _by_shape,
    "MatMulNBits": wide("N"),
    "MatMulNBitsMlp": _normalized("N"),
    "MatMulNBitsQLoRA": wide("N"),
    "MatMulNBitsQkv": _normalized("Nq", "Nkv", "Nkv"),
    "MatMulPacked": wide("N"),
    "MoE": like(0),
    "MoEGroupRouter": _router,
    "MoEPacked": like(0),
    "QMoE": like(0),
    "RouterGateUpProj": _router_gate_up,
}
