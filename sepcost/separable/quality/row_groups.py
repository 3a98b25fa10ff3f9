"""Outputs that pack unlike things: the rows that a final Concat joins are judged apart.

A detector's [1, 22, 2100] holds boxes in its first 4 rows and scores, a thousand times smaller, in
the others. A model that returns the two apart is judged in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from sepcost.network import Layer, Network, Shape

#: Operators that change values but not what lies where.
_IN_PLACE = frozenset({"Identity", "Cast", "Sigmoid", "Relu", "Clip", "Tanh", "Exp"})
_RESHAPES = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze"})
_DEEPEST = 50  # layers back from an output


@dataclass(frozen=True, slots=True)
class RowGroups:
    """Sizes of the groups of rows along one axis of an output."""

    axis: int
    sizes: tuple[int, ...]


def row_groups(network: Network) -> dict[str, RowGroups]:
    """Find the groups of each output that ends in a Concat along the axis of its channels.

    Parameters
    ----------
    network
        The model, with its shapes.

    Returns
    -------
    dict
        By the name of the output; outputs of one group are left out.
    """
    writers = {name: layer for layer in network.layers for name in layer.writes}
    found: dict[str, RowGroups] = {}
    for name in network.outputs:
        shape = network.values[name].shape if name in network.values else None
        axes = sorted(range(1, len(shape or ())), key=lambda axis: (shape or ())[axis])
        groups = (RowGroups(axis, _sizes(name, axis, writers, network)) for axis in axes)
        best = next((one for one in groups if len(one.sizes) > 1), None)
        if best is not None:
            found[name] = best
    return found


def _sizes(name: str, axis: int, writers: Mapping[str, Layer], network: Network) -> tuple[int, ...]:
    """Follow an axis of a value upwards to a Concat along it; no sizes where there is none."""
    for _ in range(_DEEPEST):
        layer = writers.get(name)
        if layer is None or not layer.reads or any(not shape for shape in layer.inputs[:1]):
            return ()
        if layer.op_type == "Concat" and _concat_axis(layer) == axis:
            parts = [_sizes(one, axis, writers, network) for one in layer.reads]
            whole = [shape[axis] for shape in layer.inputs]
            return tuple(
                size
                for part, one in zip(parts, whole, strict=True)
                for size in (part if sum(part) == one else (one,))
            )
        above = _axis_above(layer, axis)
        if above is None:
            return ()
        name, axis = layer.reads[0], above
    return ()


def _concat_axis(layer: Layer) -> int:
    axis = layer.attributes.get("axis", 1)
    assert isinstance(axis, int)
    return axis % len(layer.inputs[0])


def _axis_above(layer: Layer, axis: int) -> int | None:
    """The axis of the layer's first input that ``axis`` of its output is; None if neither."""
    if layer.op_type in _IN_PLACE or layer.op_type == "Concat":
        return axis
    if layer.op_type == "Transpose":
        order = layer.attributes.get("perm")
        rank = len(layer.inputs[0])
        return order[axis] if isinstance(order, Sequence) else rank - 1 - axis  # type: ignore[return-value]
    if layer.op_type in _RESHAPES:
        return _kept(layer.inputs[0], layer.outputs[0], axis)
    return None


def _kept(before: Shape, after: Shape, axis: int) -> int | None:
    """The axis of ``before`` with the same size and as many elements ahead of it."""
    ahead = prod(after[:axis])
    places = range(len(before))
    return next((k for k in places if prod(before[:k]) == ahead and before[k] == after[axis]), None)
