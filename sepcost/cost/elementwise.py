"""Formulas of element operations: what a layer does besides its MACs.

One operation is one function applied to one element: an addition, a comparison, a sigmoid, a
square root. The conventions:

* element by element (Add, Relu, Gelu, Where, ...): one per output element; n operands of Sum, Max
  and Min take n - 1, those of Mean n
* softmax: 5 (maximum, subtract, exponential, sum, divide)
* batch normalisation: 2 (scale and shift, with folded statistics); layer, group and instance
  normalisation: 7 (mean, subtract, square, variance, divide, scale, shift)
* pooling: one per element of each window; reductions: one per input element
* interpolation: a multiply and an add for each of the 2^d (linear) or 4^d (cubic) taps
* a bias, a residual and a fused activation: one per output element each
* recurrent cells: the activations, products and sums of the gates
* attention: scale and softmax of each score, one per added mask or bias, 3 for a softcap
* moving, picking, reshaping: none

A formula returns None if the work depends on data. It leaves out the bias that its row in
``cost.operators`` names.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from sepcost.cost import attention as attention_macs
from sepcost.cost import einsum as equations
from sepcost.cost.geometry import given, integer, ints, key
from sepcost.cost.rows import ElementFormula
from sepcost.network import Layer


def outputs(layer: Layer) -> int:
    """Return the number of elements of the first output."""
    return prod(layer.outputs[0])


def nothing(layer: Layer) -> int:
    """Return 0: the operator only moves data, or does only MACs."""
    del layer
    return 0


def per_output(count: int) -> ElementFormula:
    """Take ``count`` operations per element of the first output."""
    return lambda layer: count * outputs(layer)


def per_input(count: int) -> ElementFormula:
    """Take ``count`` operations per element of the first input."""
    return lambda layer: count * prod(layer.inputs[0])


def _fused(layer: Layer) -> int:
    """A fused activation and a residual: one per output element each."""
    activation = str(layer.attributes.get("activation", ""))
    residual = key(layer)[1] in {"FusedConv", "NhwcFusedConv"} and given(layer.inputs, 3)
    return (bool(activation and activation != "none") + residual) * outputs(layer)


def convolution(layer: Layer) -> int:
    """A fused activation; quantised forms rescale and shift each output."""
    return _fused(layer) + (2 * outputs(layer) if layer.op_type.startswith("QLinear") else 0)


def product(layer: Layer) -> int:
    """A matrix product's fused activation, the scale of its output, and that of C."""
    scales = (layer.attributes.get("alpha", 1.0) != 1.0) + (
        given(layer.inputs, 2) and layer.attributes.get("beta", 1.0) != 1.0
    )
    return _fused(layer) + scales * outputs(layer)


def requantized(layer: Layer) -> int:
    """Rescale and shift each output."""
    return 2 * outputs(layer)


def variadic(layer: Layer) -> int:
    """Combine n operands in n - 1 steps."""
    return (len(layer.inputs) - 1) * outputs(layer)


def mean(layer: Layer) -> int:
    """Sum n operands in n - 1 steps, then divide."""
    return len(layer.inputs) * outputs(layer)


def pool(layer: Layer) -> int:
    """One per element of each window."""
    return prod(ints(layer, "kernel_shape") or ()) * outputs(layer)


def local_response(layer: Layer) -> int:
    """Square, the sum over ``size`` channels, scale, power and divide."""
    return (integer(layer, "size", 1) + 4) * outputs(layer)


def clip(layer: Layer) -> int:
    """One comparison per bound."""
    bounds = given(layer.inputs, 1) + given(layer.inputs, 2)
    bounds += ("min" in layer.attributes) + ("max" in layer.attributes)
    return bounds * outputs(layer)


def resize(layer: Layer) -> int:
    """Interpolate along the axes whose size changes, each output from 2 or 4 taps per axis."""
    taps = {"linear": 2, "cubic": 4}.get(str(layer.attributes.get("mode", "nearest")))
    pairs = zip(layer.inputs[0], layer.outputs[0], strict=True)
    axes = sum(size != result for size, result in pairs)
    return 2 * taps**axes * outputs(layer) if taps and axes else 0


def grid_sample(layer: Layer) -> int:
    """Interpolate along every spatial axis, each output from 2 or 4 taps per axis."""
    mode = str(layer.attributes.get("mode", "linear"))
    taps = {"linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}.get(mode)
    axes = len(layer.outputs[0]) - 2
    return 2 * taps**axes * outputs(layer) if taps else 0


def roi_align(layer: Layer) -> int | None:
    """Four taps for each sample of each bin; adaptive sampling depends on data."""
    samples = integer(layer, "sampling_ratio", 0) ** 2
    return 2 * 4 * samples * outputs(layer) if samples else None


def recurrent(cell: int, bias: int) -> ElementFormula:
    """Each step, sequence and direction updates every hidden element; 3 peepholes take 2 each.

    ``cell`` counts the operations of one update and ``bias`` those that a bias adds:

    * RNN 1: tanh
    * GRU 8: three activations; r * h; (1 - z) * n + z * h
    * LSTM 9: five activations; f * c + i * g; o * tanh(c)
    """
    return lambda layer: _recurrent(layer, layer.inputs[2][2], cell, bias)


def quantized_lstm(layer: Layer) -> int:
    """As an LSTM; R is (directions, hidden, gates * hidden)."""
    return _recurrent(layer, layer.inputs[2][1], 9, 4)


def _recurrent(layer: Layer, size: int, cell: int, bias: int) -> int:
    hidden = prod(layer.inputs[0][:2]) * layer.inputs[2][0] * size
    peepholes = 6 if given(layer.inputs, 7) and layer.op_type.endswith("LSTM") else 0
    reset = integer(layer, "linear_before_reset", 0) if layer.op_type == "GRU" else 0
    return hidden * (cell + (bias + reset if given(layer.inputs, 3) else 0) + peepholes)


def attention(layer: Layer) -> int:
    """Scale, softmax (5) and what is added to each of the B * H_q * S * T scores."""
    query = layer.inputs[0]
    heads = query[1] if len(query) == 4 else integer(layer, "q_num_heads", 1)
    scores = query[0] * heads * query[-2] * attention_macs.keys(layer)
    added = given(layer.inputs, 3) + bool(integer(layer, "is_causal", 0))
    softcap = 3 * bool(layer.attributes.get("softcap", 0.0))
    return (6 + added + softcap) * scores


def projected_attention(
    keys: Callable[[Layer], int], added: tuple[int, ...], bias: int = -1
) -> ElementFormula:
    """As ``attention``, plus the bias of the projections: one per element of them.

    Parameters
    ----------
    keys
        Counts T, the number of keys.
    added
        The inputs that are added to the scores.
    bias
        The input that is added to the projections.
    """

    def formula(layer: Layer) -> int:
        tokens = prod(layer.inputs[0][:2])
        scores = tokens * integer(layer, "num_heads", 1) * keys(layer)
        terms = sum(given(layer.inputs, position) for position in added)
        terms += bool(integer(layer, "unidirectional", 0))
        projections = tokens * layer.inputs[bias][0] if given(layer.inputs, bias) else 0
        return (6 + terms) * scores + projections

    return formula


def einsum(layer: Layer) -> int:
    """The additions that reduce single operands, and products without a sum."""
    return equations.element_operations(str(layer.attributes["equation"]), layer.inputs)


def skip_normalization(count: int, bias: int) -> ElementFormula:
    """Input plus skip, a bias, then the normalisation, which takes ``count``."""
    return lambda layer: (count + 1 + given(layer.inputs, bias)) * outputs(layer)


def fast_gelu(layer: Layer) -> int:
    """A bias, then the activation."""
    return (1 + given(layer.inputs, 1)) * outputs(layer)
