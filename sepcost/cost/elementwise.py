"""Element operations: what a layer does besides its MACs.

One operation is one application of one function to one element: an addition, a comparison, a
sigmoid, a square root. The conventions, by the tables below:

* element by element (Add, Relu, Gelu, Where, ...): one for each output element; n operands of
  Sum, Max, Min take n - 1, those of Mean n
* softmax: 5 (maximum, subtract, exponential, sum, divide)
* batch normalisation: 2 (scale and shift, its statistics folded); layer, group and instance
  normalisation 7 (mean, subtract, square, variance, divide, scale, shift)
* pooling: one for each element of each window; reductions: one for each input element
* interpolation: a multiply and an add for each of the 2^d (linear) or 4^d (cubic) taps
* a bias, a residual and a fused activation: one each for each output element
* recurrent cells: the gates' activations, products and sums, see ``_CELLS``
* attention: on each score scale, softmax and one for each mask or bias, 3 for a softcap
* moving, picking, reshaping: none

An operator that is in no table, or whose work depends on data, is not known: None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Final

from sepcost.cost import attention, einsum
from sepcost.cost.element_tables import BIAS, INPUT, MOVERS, OUTPUT
from sepcost.cost.geometry import given, integer, ints, key, operands
from sepcost.cost.no_macs import Key
from sepcost.network import Layer

ElementFormula = Callable[[Layer], int | None]

_MS = "com.microsoft"


def elementwise_ops(layer: Layer) -> int | None:
    """Count the element operations of one run of a layer; None where they are not known."""
    name = key(layer)
    if name in _FORMULAS:
        return _FORMULAS[name](layer)
    if name in OUTPUT:
        return OUTPUT[name] * _outputs(layer)
    if name in INPUT:
        return INPUT[name] * prod(layer.inputs[0])
    if operands(layer) is not None:
        return _convolution(layer)
    return 0 if name in MOVERS else None


def bias_ops(layer: Layer) -> int:
    """One addition for each output element of a convolution or matrix product with a bias."""
    where = operands(layer)
    position = where.bias if where else BIAS.get(key(layer), -1)
    return prod(layer.outputs[0]) if given(layer.inputs, position) else 0


def _outputs(layer: Layer) -> int:
    return prod(layer.outputs[0])


def _fused(layer: Layer) -> int:
    """A fused activation and a residual, each once an output element."""
    activation = str(layer.attributes.get("activation", ""))
    residual = key(layer)[1] in {"FusedConv", "NhwcFusedConv"} and given(layer.inputs, 3)
    return (bool(activation and activation != "none") + residual) * _outputs(layer)


def _convolution(layer: Layer) -> int:
    """Bias, fused activation; quantised forms rescale and shift each output."""
    requantized = 2 * _outputs(layer) if layer.op_type.startswith("QLinear") else 0
    return bias_ops(layer) + _fused(layer) + requantized


def _product(layer: Layer) -> int:
    """A matrix product's bias and fused activation, its output's scale, C's own scale."""
    scales = (layer.attributes.get("alpha", 1.0) != 1.0) + (
        given(layer.inputs, 2) and layer.attributes.get("beta", 1.0) != 1.0
    )
    return bias_ops(layer) + _fused(layer) + scales * _outputs(layer)


def _requantized(layer: Layer) -> int:
    return bias_ops(layer) + 2 * _outputs(layer)


def _variadic(layer: Layer) -> int:
    return (len(layer.inputs) - 1) * _outputs(layer)


def _mean(layer: Layer) -> int:
    return len(layer.inputs) * _outputs(layer)


def _pool(layer: Layer) -> int:
    return prod(ints(layer, "kernel_shape") or ()) * _outputs(layer)


def _local_response(layer: Layer) -> int:
    """Square, the sum over ``size`` channels, scale, power and divide."""
    return (integer(layer, "size", 1) + 4) * _outputs(layer)


def _clip(layer: Layer) -> int:
    bounds = given(layer.inputs, 1) + given(layer.inputs, 2)
    bounds += ("min" in layer.attributes) + ("max" in layer.attributes)
    return bounds * _outputs(layer)


def _resize(layer: Layer) -> int:
    """Interpolate along the axes whose size changes, each output from 2 or 4 taps an axis."""
    taps = {"linear": 2, "cubic": 4}.get(str(layer.attributes.get("mode", "nearest")))
    pairs = zip(layer.inputs[0], layer.outputs[0], strict=True)
    axes = sum(size != result for size, result in pairs)
    return 2 * taps**axes * _outputs(layer) if taps and axes else 0


def _grid_sample(layer: Layer) -> int:
    mode = str(layer.attributes.get("mode", "linear"))
    taps = {"linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}.get(mode)
    axes = len(layer.outputs[0]) - 2
    return 2 * taps**axes * _outputs(layer) if taps else 0


def _roi_align(layer: Layer) -> int | None:
    """Four taps for each sample of each bin; the samples depend on data where they adapt."""
    samples = integer(layer, "sampling_ratio", 0) ** 2
    return 2 * 4 * samples * _outputs(layer) if samples else None


#: Operations of one step on one element of the hidden state, and those that a bias adds.
_CELLS: Mapping[str, tuple[int, int]] = {
    "RNN": (1, 1),  # tanh
    "GRU": (8, 3),  # three activations; r * h; (1 - z) * n + z * h
    "LSTM": (9, 4),  # five activations; f * c + i * g; o * tanh(c)
    "DynamicQuantizeLSTM": (9, 4),
}


def _recurrent(layer: Layer) -> int:
    """Each step, sequence and direction updates every hidden element; 3 peepholes take 2 each."""
    cell, bias = _CELLS[layer.op_type]
    quantized = layer.op_type == "DynamicQuantizeLSTM"  # its R is (directions, hidden, gates)
    directions, size = layer.inputs[2][0], layer.inputs[2][1 if quantized else 2]
    hidden = prod(layer.inputs[0][:2]) * directions * size
    peepholes = 6 if given(layer.inputs, 7) and layer.op_type.endswith("LSTM") else 0
    reset = integer(layer, "linear_before_reset", 0) if layer.op_type == "GRU" else 0
    return hidden * (cell + (bias + reset if given(layer.inputs, 3) else 0) + peepholes)


def _attention(layer: Layer) -> int:
    """Scale, softmax (5) and what is added to each of the B * H_q * S * T scores."""
    query = layer.inputs[0]
    heads = query[1] if len(query) == 4 else integer(layer, "q_num_heads", 1)
    scores = query[0] * heads * query[-2] * attention.keys(layer)
    added = given(layer.inputs, 3) + bool(integer(layer, "is_causal", 0))
    softcap = 3 * bool(layer.attributes.get("softcap", 0.0))
    return (6 + added + softcap) * scores


#: T, the inputs that are added to the scores, and the input that is added to the projections.
_CONTRIB_ATTENTION: Mapping[str, tuple[Callable[[Layer], int], tuple[int, ...], int]] = {
    "Attention": (attention.projected_keys, (3, 5), 2),
    "DecoderMaskedMultiHeadAttention": (attention.decoder_keys, (3, 4), 10),
    "DecoderMaskedSelfAttention": (attention.projected_keys, (3, 5), 2),
    "GroupQueryAttention": (attention.grouped_query_keys, (10,), -1),
    "MultiHeadAttention": (attention.multi_head_keys, (4, 5), 3),
    "QAttention": (attention.projected_keys, (5,), 2),
}


def _contrib_attention(layer: Layer) -> int:
    """As ``_attention``, with the bias of the projections: one for each of their elements."""
    keys, masks, bias = _CONTRIB_ATTENTION[layer.op_type]
    tokens = prod(layer.inputs[0][:2])
    scores = tokens * integer(layer, "num_heads", 1) * keys(layer)
    added = sum(given(layer.inputs, position) for position in masks)
    added += bool(integer(layer, "unidirectional", 0))
    projections = tokens * layer.inputs[bias][0] if given(layer.inputs, bias) else 0
    return (6 + added) * scores + projections


def _einsum(layer: Layer) -> int:
    """What one operand alone is summed over, and products of which nothing is summed."""
    return einsum.element_operations(str(layer.attributes["equation"]), layer.inputs)


def _skip_normalization(layer: Layer) -> int:
    """Input plus skip, a bias, then the normalisation."""
    simplified = layer.op_type == "SkipSimplifiedLayerNormalization"
    bias = given(layer.inputs, 3 if simplified else 4)
    return ((4 if simplified else 7) + 1 + bias) * _outputs(layer)


def _with_bias(layer: Layer) -> int:
    return (1 + given(layer.inputs, 1)) * _outputs(layer)


_FORMULAS: Final[Mapping[Key, ElementFormula]] = {
    ("", "Attention"): _attention,
    ("", "AveragePool"): _pool,
    ("", "Clip"): _clip,
    ("", "Einsum"): _einsum,
    ("", "GRU"): _recurrent,
    ("", "Gemm"): _product,
    ("", "GridSample"): _grid_sample,
    ("", "LRN"): _local_response,
    ("", "LSTM"): _recurrent,
    ("", "LpPool"): _pool,
    ("", "Max"): _variadic,
    ("", "MaxPool"): _pool,
    ("", "Mean"): _mean,
    ("", "Min"): _variadic,
    ("", "QLinearMatMul"): _requantized,
    ("", "RNN"): _recurrent,
    ("", "Resize"): _resize,
    ("", "RoiAlign"): _roi_align,
    ("", "Sum"): _variadic,
    ("", "Upsample"): _resize,
    (_MS, "DynamicQuantizeLSTM"): _recurrent,
    (_MS, "DynamicQuantizeMatMul"): _requantized,
    (_MS, "FastGelu"): _with_bias,
    (_MS, "FusedGemm"): _product,
    (_MS, "FusedMatMul"): _product,
    (_MS, "FusedMatMulActivation"): _product,
    (_MS, "GemmFastGelu"): lambda layer: bias_ops(layer) + _outputs(layer),
    (_MS, "GridSample"): _grid_sample,
    (_MS, "MatMulIntegerToFloat"): _requantized,
    (_MS, "MatMulNBits"): bias_ops,
    (_MS, "NhwcMaxPool"): _pool,
    (_MS, "QGemm"): _requantized,
    (_MS, "QLinearAveragePool"): _pool,
    (_MS, "SkipLayerNormalization"): _skip_normalization,
    (_MS, "SkipSimplifiedLayerNormalization"): _skip_normalization,
    (_MS, "TransposeMatMul"): _product,
    ("com.microsoft.nchwc", "AveragePool"): _pool,
    ("com.microsoft.nchwc", "MaxPool"): _pool,
    **{(_MS, name): _contrib_attention for name in _CONTRIB_ATTENTION},
}
