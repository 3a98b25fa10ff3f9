"""MAC formulas of convolutions, recurrent cells and other operators that sum products.

One MAC is one multiply with its add. Padding, masks and unequal sequence lengths count as full
work. A formula returns the MACs of one run of one layer; ``cost.operators`` says which operator
takes which.
"""

from __future__ import annotations

from math import prod

from sepcost.cost import einsum
from sepcost.cost.geometry import Operands, integer, operands
from sepcost.network import Layer


def conv(layer: Layer) -> int:
    """Each output element reduces over one filter: (C_in / group) * prod(kernel)."""
    where = operands(layer) or Operands()
    return prod(layer.outputs[0]) * prod(layer.inputs[where.weight][1:])


def conv_transpose(layer: Layer) -> int:
    """Each input element scatters through one filter: (C_out / group) * prod(kernel)."""
    where = operands(layer) or Operands()
    return prod(layer.inputs[where.data]) * prod(layer.inputs[where.weight][1:])


def conv_transpose_at_output(layer: Layer) -> int:
    """Count as if each output element reduced over (C_in / group) * prod(kernel)."""
    where = operands(layer) or Operands()
    in_channels, _, *kernel = layer.inputs[where.weight]
    return prod(layer.outputs[0]) * in_channels * prod(kernel) // integer(layer, "group", 1)


def recurrent(layer: Layer) -> int:
    """LSTM, GRU, RNN: each step of each sequence uses every weight of W and R once.

    W is (directions, gates * hidden, input) and R is (directions, gates * hidden, hidden), so both
    directions are included. Peepholes work element by element and are not MACs.
    """
    x, w, r, *_ = layer.inputs
    return prod(x[:2]) * (prod(w) + prod(r))


def einsum_macs(layer: Layer) -> int:
    """Multiply the sizes of all distinct labels of each contracted pair, see ``cost.einsum``."""
    return einsum.macs(str(layer.attributes["equation"]), layer.inputs)


def affine_grid(layer: Layer) -> int:
    """Each coordinate of the grid is a row of theta times a homogeneous point."""
    return prod(layer.outputs[0]) * layer.inputs[0][-1]


def linear_model(layer: Layer) -> int:
    """LinearClassifier, LinearRegressor: every example uses every coefficient once."""
    x = layer.inputs[0]
    coefficients = layer.attributes["coefficients"]
    size = len(coefficients) if isinstance(coefficients, tuple) else 1
    return prod(x[:-1]) * size
