"""Products without a name of their own that take the module of the bias behind them.

PyTorch's exporter transposes the weight of a linear layer and calls it ``val_86``. Quantisers drop
the metadata with the module, but the bias, which a later Add adds, is still ``enc.linear1.bias``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sepcost.model.modules import shown_name
from sepcost.network import Layer

#: What quantisers put between a product and its bias; a Mul only if it multiplies by a scale.
_BETWEEN = frozenset({"Cast", "Mul", "QuantizeLinear", "DequantizeLinear", "Reshape", "Identity"})
_FURTHEST = 6  # layers


def borrowed(layers: Sequence[Layer]) -> Sequence[Layer]:
    """Give products of nameless weights, and what stands between, the module of their bias."""
    nameless = [k for k, layer in enumerate(layers) if layer.parameters and not layer.module]
    if not nameless or not any(layer.module for layer in layers):
        return layers
    readers: dict[str, list[int]] = {}
    for k, layer in enumerate(layers):
        for name in layer.reads:
            readers.setdefault(name, []).append(k)
    found = list(layers)
    for k in nameless:
        chain, bias = _to_bias(layers, readers, k)
        for link in chain if bias else ():
            found[link] = _within(layers[link], layers[bias].module)
    return found


def _to_bias(
    layers: Sequence[Layer], readers: Mapping[str, Sequence[int]], start: int
) -> tuple[list[int], int]:
    """Follow the only readers to the Add of a bias; 0, which no bias can be, if there is none."""
    chain = [start]
    while len(chain) <= _FURTHEST:
        writes = layers[chain[-1]].writes
        after = readers.get(writes[0], ()) if writes else ()
        if len(after) != 1:
            break
        layer = layers[after[0]]
        others = [len(shape) for shape, name in zip(layer.inputs, layer.reads, strict=False)
                  if name != writes[0]]  # fmt: skip
        if layer.op_type == "Add" and layer.parameters and layer.module and others == [1]:
            return chain, after[0]
        if layer.op_type not in _BETWEEN or (layer.op_type == "Mul" and max(others, default=9) > 1):
            break
        chain.append(after[0])
    return [], 0


def _within(layer: Layer, module: str) -> Layer:
    name = shown_name(layer.node, layer.op_type, module, layer.parameters)
    weighed = bool(layer.parameters) and name.startswith(f"{module}/")
    return replace(layer, module=module, name=module if weighed else name)
