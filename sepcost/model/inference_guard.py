"""Nodes that crash ONNX's own shape inference or fill the memory there, and so are not asked about.

Each stands for what happens in onnx 1.23: reads and writes out of bounds, or as much memory as the
model likes to ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import onnx

from sepcost.model.values import Known

Inputs = Sequence[Known | None]

#: Far above the rank of any tensor that a runtime takes.
MAX_RANK = 1024


def check(node: onnx.NodeProto, inputs: Inputs) -> None:
    """Refuse a node that would be fatal.

    Raises
    ------
    ValueError
        It says what is wrong with the node.
    """
    fault = FATAL.get(node.op_type)
    if fault is not None:
        fault(node, inputs)


def _rank(_: onnx.NodeProto, inputs: Inputs) -> None:
    """Expand takes the rank of its output from the length of an input, 2^40 as well as 4."""
    shape = inputs[1].shape if inputs[1:] and inputs[1] else None
    if shape and shape[0] > MAX_RANK:
        raise ValueError(f"its output would have {shape[0]} dimensions")


def _parts(node: onnx.NodeProto, _: Inputs) -> None:
    """Split asks for ``num_outputs`` sizes, and writes one to each of its outputs."""
    for number in _integers(node, "num_outputs"):
        if number != len(node.output):
            raise ValueError(f"num_outputs is {number}, but it has {len(node.output)} outputs")


def _axis(node: onnx.NodeProto, inputs: Inputs) -> None:
    """LayerNormalization writes a 1 to every axis from ``axis`` on, wherever that is."""
    shape = inputs[0].shape if inputs and inputs[0] else None
    if shape is None:
        return
    for axis in _integers(node, "axis") or [-1]:
        if not -len(shape) <= axis < len(shape):
            raise ValueError(f"axis {axis} is none of an input of {len(shape)} dimensions")


def _batch(node: onnx.NodeProto, _: Inputs) -> None:
    """GatherND takes axes from ``batch_dims`` on, and a negative one leads out of the shape."""
    for number in _integers(node, "batch_dims"):
        if number < 0:
            raise ValueError(f"batch_dims is {number}, and cannot be below 0")


def _integers(node: onnx.NodeProto, name: str) -> list[int]:
    """Every value of an attribute, which a malformed node may hold several times."""
    return [attribute.i for attribute in node.attribute if attribute.name == name]


FATAL: Mapping[str, Callable[[onnx.NodeProto, Inputs], None]] = {
    "Expand": _rank,
    "GatherND": _batch,
    "LayerNormalization": _axis,
    "Split": _parts,
}
