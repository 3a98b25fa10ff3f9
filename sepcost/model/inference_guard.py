"""Refuse nodes that would crash ONNX's own shape inference or exhaust the memory.

Each check is for a fault of onnx 1.23: reads and writes out of bounds, or unlimited allocations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import onnx

from sepcost.model.values import Known

Inputs = Sequence[Known | None]

#: Far above the rank of any tensor that a runtime supports.
MAX_RANK = 1024


def check(node: onnx.NodeProto, inputs: Inputs) -> None:
    """Refuse a node that would crash inference.

    Raises
    ------
    ValueError
        The message says what is wrong with the node.
    """
    guard = GUARDS.get(node.op_type)
    if guard is not None:
        guard(node, inputs)


def _rank(_: onnx.NodeProto, inputs: Inputs) -> None:
    """Expand takes the rank of its output from the length of an input, however large (2^40)."""
    shape = inputs[1].shape if inputs[1:] and inputs[1] else None
    if shape and shape[0] > MAX_RANK:
        raise ValueError(f"its output would have {shape[0]} dimensions")


def _parts(node: onnx.NodeProto, _: Inputs) -> None:
    """Split allocates ``num_outputs`` sizes, then writes one per output of the node."""
    for number in _integers(node, "num_outputs"):
        if number != len(node.output):
            raise ValueError(f"num_outputs is {number}, but it has {len(node.output)} outputs")


def _axis(node: onnx.NodeProto, inputs: Inputs) -> None:
    """LayerNormalization writes a 1 to every axis from ``axis`` on, without a check."""
    shape = inputs[0].shape if inputs and inputs[0] else None
    if shape is None:
        return
    for axis in _integers(node, "axis") or [-1]:
        if not -len(shape) <= axis < len(shape):
            raise ValueError(f"axis {axis} does not exist in an input of {len(shape)} dimensions")


def _batch(node: onnx.NodeProto, _: Inputs) -> None:
    """GatherND reads axes from ``batch_dims`` on, out of bounds if that is negative."""
    for number in _integers(node, "batch_dims"):
        if number < 0:
            raise ValueError(f"batch_dims is {number}, but must be at least 0")


def _integers(node: onnx.NodeProto, name: str) -> list[int]:
    """Return all values of an attribute, which a malformed node may have several times."""
    return [attribute.i for attribute in node.attribute if attribute.name == name]


GUARDS: Mapping[str, Callable[[onnx.NodeProto, Inputs], None]] = {
    "Expand": _rank,
    "GatherND": _batch,
    "LayerNormalization": _axis,
    "Split": _parts,
}
