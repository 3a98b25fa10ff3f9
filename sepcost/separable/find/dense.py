"""Dense layers as candidates: their matrix as [N, M], and their channels as the second axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.cost import dense as cost
from sepcost.cost.dense import Dense, dense, low_rank
from sepcost.cost.geometry import key
from sepcost.model.tensors import Array
from sepcost.network import Layer

#: Dense layers in integers, which are listed but not converted: where their matrix is.
INTEGER = {"MatMulInteger": 1, "QLinearMatMul": 3}


def is_dense(layer: Layer) -> bool:
    """Whether a layer multiplies by a constant, whatever its shape."""
    domain, op_type = key(layer)
    if not domain and op_type in INTEGER:
        return INTEGER[op_type] in layer.weights
    return (domain, op_type) in cost.OPERATORS and len(layer.weights & {0, 1}) == 1


def ineligible(layer: Layer) -> str | None:
    """Why a dense layer has no cheaper form; None if it has one."""
    if layer.op_type in INTEGER:
        return f"{layer.op_type} computes in integers; convert the float or QDQ model it came from"
    found = low_rank(layer)
    if found is None or cost.as_convolution(layer) is None:
        return "; ".join(layer.missing) or "its weight is not a matrix"
    return None if found.largest_rank else "no rank is cheaper"


def matrix(found: Dense, stored: Array) -> Array:
    """The matrix that the data are multiplied by, [N, M]."""
    turned = stored if found.turned else stored.T
    return np.ascontiguousarray(turned if found.alpha == 1 else found.alpha * turned)


def has_plain_bias(layer: Layer) -> bool:
    """Whether the bias is the same at all positions, as that of a convolution is."""
    found = dense(layer)
    if found is None:
        return True
    shape = (1, 1, *layer.inputs[2])[-2:]
    return shape[-3 - found.out_axis] == 1  # the other axis


def offset(found: Dense, layer: Layer, stored: Array) -> Array:
    """The plain bias of a Gemm, [N]."""
    beta = layer.attributes.get("beta", 1.0)
    return np.broadcast_to(np.asarray(beta, np.float64) * stored.reshape(-1), found.outputs).copy()


def channels_second(array: NDArray[Any], axis: int) -> NDArray[Any]:
    """[..., C, ...] as [rows, C, ...], with the channels from an axis counted from the end."""
    return np.moveaxis(np.atleast_2d(array), axis, 1)
