"""The number of elements in packed weights, whose stored numbers hold several elements each.

The stored shape counts bytes, or blobs of a format; MACs and params count elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from sepcost.cost.experts import expert_bits
from sepcost.cost.geometry import given, integer
from sepcost.model.values import Known
from sepcost.network import Layer, Shape

Inputs = Sequence[Known | None]

#: Position of a weight -> its number of elements.
Elements = Mapping[int, int]
Rule = Callable[[Layer, Inputs], Elements]


def elements(layer: Layer, inputs: Inputs) -> Elements:
    """Return the number of elements of each packed weight of a layer; nothing if malformed."""
    rule = PACKED.get(layer.op_type) if layer.domain == "com.microsoft" else None
    if rule is None:
        return {}
    try:
        counts = rule(layer, inputs)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return {}
    return {position: count for position, count in counts.items() if count >= 0}


def _product(*positions: int, sizes: Sequence[tuple[str, str]] = (("N", "K"),)) -> Rule:
    """N * K, from the named attributes of each weight; 0 if the weight is empty."""

    def rule(layer: Layer, _: Inputs) -> Elements:
        names = zip(positions, sizes, strict=True)
        return {
            at: integer(layer, n, 0) * integer(layer, k, 0) if prod(_shape(layer, at)) else 0
            for at, (n, k) in names
        }

    return rule


def _shape(layer: Layer, position: int) -> Shape:
    return layer.inputs[position]


def _adapted(layer: Layer, _: Inputs) -> Elements:
    """MatMulNBitsQLoRA: N * K of the base, R * K and N * R of the adapters."""
    n, k, rank = integer(layer, "N", 0), integer(layer, "K", 0), layer.inputs[4][0]
    sizes = {1: n * k, 3: rank * k, 5: n * rank}
    return {at: size if prod(layer.inputs[at]) else 0 for at, size in sizes.items()}


def _by_shape(_: Layer, inputs: Inputs) -> Elements:
    """MatMulFpQ4: the shape of B is an input."""
    shape = inputs[2].array if inputs[2:] and inputs[2] else None
    return {} if shape is None else {1: prod(int(size) for size in shape)}


def _experts(layer: Layer, _: Inputs) -> Elements:
    present = [(at, n) for n, at in enumerate((2, 5, 8), start=1) if given(layer.inputs, at)]
    return {at: prod(layer.inputs[at]) * 8 // expert_bits(layer, n) for at, n in present}


def _packed_experts(layer: Layer, _: Inputs) -> Elements:
    hidden = layer.inputs[0][-1]
    return dict.fromkeys((2, 3, 4), prod(layer.inputs[2][:2]) * hidden)


def _gathered(layer: Layer, inputs: Inputs) -> Elements:
    """GatherBlockQuantized: uint8 packs several elements; types of 4 bits do not."""
    if not inputs or inputs[0] is None or inputs[0].dtype != "uint8":
        return {}
    return {0: prod(layer.inputs[0]) * 8 // integer(layer, "bits", 4)}


PACKED: Mapping[str, Rule] = {
    "GatherBlockQuantized": _gathered,
    "MatMulBlockQuantizedFp4Weight": lambda layer, _: {1: 2 * prod(layer.inputs[1])},
    "MatMulBnb4": _product(1),
    "MatMulFpQ4": _by_shape,
    "MatMulNBits": _product(1),
    "MatMulNBitsMlp": _product(3, 6, sizes=(("N", "K"), ("N", "K"))),
    "MatMulNBitsQLoRA": _adapted,
    "MatMulNBitsQkv": _product(3, 6, 9, sizes=(("Nq", "K"), ("Nkv", "K"), ("Nkv", "K"))),
    "MatMulPacked": _product(1),
    "MoEPacked": _packed_experts,
    "QMoE": _experts,
}
