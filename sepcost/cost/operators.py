"""How many MACs each operator takes: one table. Those in FREE take none; all else is unknown.

One MAC is one multiply with its add, in operators that sum products. Padding, masks and unequal
sequence lengths are counted as full work. Keys are (domain, op_type), "" being ai.onnx; a
formula gives the MACs of one run of one layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Final

from sepcost.cost import contrib, einsum
from sepcost.cost.attention import attention, linear_attention
from sepcost.cost.geometry import Operands, integer, operands
from sepcost.cost.matrix import gemm, matmul
from sepcost.cost.no_macs import FREE, NO_FORMULA
from sepcost.network import Layer

__all__ = ["FREE", "NO_FORMULA", "OPERATORS", "MacFormula"]

MacFormula = Callable[[Layer], int]


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
    """LSTM, GRU, RNN: each step of each sequence takes every weight of W and R once.

    W is (directions, gates * hidden, input) and R (directions, gates * hidden, hidden), so both
    directions are in. Peepholes are element by element.
    """
    x, w, r, *_ = layer.inputs
    return prod(x[:2]) * (prod(w) + prod(r))


def einsum_macs(layer: Layer) -> int:
    """Every distinct label of each pair that is summed over, see ``cost.einsum``."""
    return einsum.macs(str(layer.attributes["equation"]), layer.inputs)


def affine_grid(layer: Layer) -> int:
    """Each coordinate of the grid is a row of theta times a homogeneous point."""
    return prod(layer.outputs[0]) * layer.inputs[0][-1]


def linear_model(layer: Layer) -> int:
    """LinearClassifier, LinearRegressor: every example meets every coefficient once."""
    x = layer.inputs[0]
    coefficients = layer.attributes["coefficients"]
    size = len(coefficients) if isinstance(coefficients, tuple) else 1
    return prod(x[:-1]) * size


_STANDARD: Final[Mapping[tuple[str, str], MacFormula]] = {
    ("", "AffineGrid"): affine_grid,
    ("", "Attention"): attention,
    ("", "CausalConvWithState"): conv,
    ("", "Conv"): conv,
    ("", "ConvInteger"): conv,
    ("", "ConvTranspose"): conv_transpose,
    ("", "DeformConv"): conv,
    ("", "Einsum"): einsum_macs,
    ("", "GRU"): recurrent,
    ("", "Gemm"): gemm,
    ("", "LSTM"): recurrent,
    ("", "LinearAttention"): linear_attention,
    ("", "MatMul"): matmul,
    ("", "MatMulInteger"): matmul,
    ("", "QLinearConv"): conv,
    ("", "QLinearMatMul"): matmul,
    ("", "RNN"): recurrent,
    ("ai.onnx.ml", "LinearClassifier"): linear_model,
    ("ai.onnx.ml", "LinearRegressor"): linear_model,
    ("ai.onnx.preview", "FlexAttention"): attention,
    ("com.microsoft", "CausalConvWithState"): conv,
    ("com.microsoft", "ConvTransposeWithDynamicPads"): conv_transpose,
    ("com.microsoft", "DynamicQuantizeLSTM"): recurrent,
    ("com.microsoft", "FusedConv"): conv,
    ("com.microsoft", "NhwcConv"): conv,
    ("com.microsoft", "NhwcFusedConv"): conv,
    ("com.microsoft", "QLinearConv"): conv,
    ("com.microsoft", "VarlenCausalConvWithState"): conv,
    ("com.microsoft.nchwc", "Conv"): conv,
    ("com.ms.internal.nhwc", "Conv"): conv,
    ("com.ms.internal.nhwc", "ConvTranspose"): conv_transpose,
    ("com.ms.internal.nhwc", "QLinearConv"): conv,
    ("com.ms.internal.nhwc", "QLinearConvTranspose"): conv_transpose,
}

#: The table: what ``analyze(..., operators=OPERATORS | {...})`` extends.
OPERATORS: Final[Mapping[tuple[str, str], MacFormula]] = {**_STANDARD, **contrib.CONTRIB}
