"""Dense layers: products with a constant matrix, and the rank below which two are cheaper.

With M inputs, N outputs and rank r, ``W·x`` as ``U·(V·x)`` takes ``r·(M + N)`` instead of ``M·N``
MACs per position and as many params, so it is cheaper below ``r = M·N / (M + N)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from sepcost.cost.geometry import given, integer, key
from sepcost.cost.results import Convolution, LowRank
from sepcost.network import Layer

OPERATORS = frozenset({("", "Gemm"), ("", "MatMul")})


@dataclass(frozen=True, slots=True)
class Dense:
    """A product with a constant matrix. Axes count from the end."""

    weight: int  # position of the matrix among the inputs
    data: int  # position of the other factor
    inputs: int  # M
    outputs: int  # N
    turned: bool  # whether the matrix is stored as [N, M]; otherwise as [M, N]
    axis: int  # of the M inputs in the data
    out_axis: int  # of the N outputs in the result
    alpha: float = 1.0  # factor of the product


def dense(layer: Layer) -> Dense | None:
    """Describe a dense layer; None if it is none, or if its shapes are unknown."""
    constant = layer.weights & {0, 1}
    if key(layer) not in OPERATORS or len(constant) != 1:
        return None
    (weight,) = constant
    data = 1 - weight
    if not given(layer.inputs, weight) or not given(layer.inputs, data):
        return None
    matrix, rank = layer.inputs[weight], len(layer.inputs[data])
    if len(matrix) != 2 or rank < 1:
        return None
    turns = [integer(layer, name, 0) != 0 for name in ("transA", "transB")]
    turned = turns[weight] == bool(weight)
    outputs, inputs = matrix if turned else matrix[::-1]
    last = rank == 1 or turns[data] == bool(data)
    out_axis = -1 if weight or rank == 1 else -2
    alpha = layer.attributes.get("alpha", 1.0)
    factor = float(alpha) if isinstance(alpha, int | float) else 1.0
    return Dense(weight, data, inputs, outputs, turned, -1 if last else -2, out_axis, factor)


def low_rank(layer: Layer) -> LowRank | None:
    """The low-rank counterpart of a dense layer; None if it is none."""
    found = dense(layer)
    if found is None:
        return None
    inputs, outputs = found.inputs, found.outputs
    return LowRank(inputs, outputs, inputs * outputs / (inputs + outputs))


def as_convolution(layer: Layer) -> Convolution | None:
    """A dense layer as a convolution without spatial axes; None if it is none."""
    found = dense(layer)
    if found is None or not given(layer.outputs, 0):
        return None
    positions = prod(layer.outputs[0]) // found.outputs
    return Convolution(
        (), (), (), (), 1, found.inputs, found.outputs, positions, pointwise_positions=positions
    )
