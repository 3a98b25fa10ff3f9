"""Constant folding of shape arithmetic, such as Shape, Gather and Concat.

Only small constants are folded, and only by the operators in ``FOLDS``, which limit the size of
their results. The types of all other nodes are inferred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from sepcost.model.folds import FOLDS
from sepcost.model.infer import attributes
from sepcost.model.values import FOLD_ELEMENTS, Known, from_array


def fold(node: onnx.NodeProto, inputs: list[Known | None]) -> list[Known] | None:
    """Return the outputs of ``node`` if they follow from small constants, else None.

    The outputs have no names yet. A node that fails on its constants is not folded: shape inference
    reports what is wrong with it.
    """
    function = FOLDS.get(node.op_type)
    if function is None or node.domain not in {"", "ai.onnx"}:
        return None
    arrays = _arrays(node.op_type, inputs)
    if arrays is None:
        return None
    given = {"num_outputs": len(node.output)} | attributes(node)
    try:
        with np.errstate(all="ignore"):
            result = function(arrays, given)
        outputs = result if isinstance(result, list) else [result]
        if len(outputs) != len(node.output) or any(o.size > FOLD_ELEMENTS for o in outputs):
            return None
        return [from_array("", np.asarray(output)) for output in outputs]
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None


def _arrays(op_type: str, inputs: list[Known | None]) -> list[Any] | None:
    """Return the contents of all inputs; None if one is unknown."""
    if op_type in {"Shape", "Size"}:
        shape = inputs[0].shape if inputs and inputs[0] else None
        return None if shape is None else [shape]
    if not inputs or any(known is not None and not known.has_contents for known in inputs):
        return None
    return [None if known is None else known.array for known in inputs]
