"""Constant folding of shape arithmetic, such as Shape, Gather and Concat.

Only small constants are folded, and only by the operators in ``FOLDS``, which limit the size of
their results. The types of all other nodes are inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import onnx

from sepcost.model.graphs import STANDARD, attributes
from sepcost.model.values import FOLD_ELEMENTS, Known, from_array, repeated

Inputs = Sequence[Known | None]

#: What ConstantOfShape repeats by default.
ZERO = onnx.TensorProto(data_type=onnx.TensorProto.FLOAT, dims=[1], float_data=[0.0])

#: The limit of numpy's arrays.
MAX_RANK = 64


def fold(node: onnx.NodeProto, inputs: Inputs) -> list[Known] | None:
    """Return the outputs of ``node`` if they follow from small constants, else None.

    The outputs have no names yet. A node that fails on its constants is not folded: shape inference
    reports what is wrong with it.
    """
    if node.domain not in STANDARD or not _are_known(node.op_type, inputs):
        return None
    try:
        return WITHOUT_NUMPY.get(node.op_type, _with_numpy)(node, inputs)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None


def _with_numpy(node: onnx.NodeProto, inputs: Inputs) -> list[Known] | None:
    import numpy as np  # noqa: PLC0415 - slow

    from sepcost.model.folds import FOLDS  # noqa: PLC0415 - imports numpy

    function = FOLDS.get(node.op_type)
    if function is None:
        return None
    given = {"num_outputs": len(node.output)} | attributes(node)
    with np.errstate(all="ignore"):
        result = function(_contents(node.op_type, inputs), given)
    outputs = result if isinstance(result, list) else [result]
    if len(outputs) != len(node.output) or any(o.size > FOLD_ELEMENTS for o in outputs):
        return None
    return [from_array("", np.asarray(output)) for output in outputs]


def _are_known(op_type: str, inputs: Inputs) -> bool:
    """Whether all that the node reads is known; decided without numpy, which few models need."""
    if op_type in {"Shape", "Size"}:
        return bool(inputs and inputs[0] and inputs[0].shape is not None)
    return bool(inputs) and all(known is None or known.has_contents for known in inputs)


def _filled(node: onnx.NodeProto, inputs: Inputs) -> list[Known] | None:
    shape = inputs[0]
    sizes = shape.numbers if shape else None
    if sizes is None or prod(sizes) > FOLD_ELEMENTS:
        return None
    if any(not 0 <= size <= FOLD_ELEMENTS for size in sizes):
        return None
    filled = repeated(attributes(node).get("value", ZERO), sizes)
    return None if filled is None else [filled]


def _unsqueezed(node: onnx.NodeProto, inputs: Inputs) -> list[Known] | None:
    data, second = (*inputs, None)[:2]
    axes = second.numbers if second else attributes(node).get("axes", ())
    if data is None or data.shape is None or axes is None or len(node.output) != 1:
        return None
    rank = len(data.shape) + len(axes)
    ones = {axis + rank if axis < 0 else axis for axis in axes}
    if rank > MAX_RANK or len(ones) < len(axes) or not ones <= set(range(rank)):
        return None
    left = iter(data.shape)
    return [data.reshaped(tuple(1 if axis in ones else next(left) for axis in range(rank)))]


def _contents(op_type: str, inputs: Inputs) -> list[Any]:
    """Return what the function of an operator reads."""
    if op_type in {"Shape", "Size"}:
        return [inputs[0] and inputs[0].shape]
    return [None if known is None else known.array for known in inputs]


#: Folds of which models with random weights have hundreds: numpy takes longer to import than such
#: a model to count.
WITHOUT_NUMPY: Mapping[str, Callable[[onnx.NodeProto, Inputs], list[Known] | None]] = {
    "ConstantOfShape": _filled,
    "Unsqueeze": _unsqueezed,
}
